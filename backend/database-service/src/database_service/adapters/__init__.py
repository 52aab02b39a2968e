"""The stores behind the ports: ClickHouse, PostgreSQL, the quarantine folder."""
