"""The one table of TCP ports; a test compares it with the service cards."""

PORTS: dict[str, int] = {
    "api-gateway": 8000,
    "data-bridge": 8001,
    "trading-engine": 8007,
    "database-service": 8008,
    "central-hub": 8010,
    "metatrader-connector": 9001,
    "config-manager": 9002,
    "data-collector": 9003,
    "security": 9004,
}
""" service -> default port on the loopback address """

NATS_PORT = 4222
POSTGRES_PORT = 5433
"""Not 5432: a machine may have its own PostgreSQL."""
