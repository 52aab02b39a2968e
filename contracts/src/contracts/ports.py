"""The one table of TCP ports: what is spoken there and who may come. Nothing of ours listens anywhere else.

A test compares it with what a running platform really listens on.
"""

from enum import StrEnum

import msgspec

ANYONE = "anyone"
"""Callers without a certificate; what they may do is decided behind the door."""


class Wire(StrEnum):
    """What is spoken on a port."""

    MUTUAL_TLS = "mTLS"
    """TLS 1.3; whoever has no certificate of our own authority does not get in."""
    TLS = "TLS"
    """TLS 1.3; a certificate is asked for and may be missing."""
    HTTP_LOOPBACK = "http-loopback"
    """Plain HTTP, on the loopback address only."""


class Listener(msgspec.Struct, frozen=True):
    """One port. `who`: kinds of identities (`svc`, `operator`, `terminal`) or `anyone`."""

    port: int
    wire: Wire
    who: tuple[str, ...]
    why: str


STAFF = ("svc", "operator")

LISTENERS: dict[str, Listener] = {
    "api-gateway": Listener(8000, Wire.HTTP_LOOPBACK, (ANYONE,), "browsers and programs, who sign in"),
    "data-bridge": Listener(8001, Wire.TLS, (*STAFF, "terminal", ANYONE), "terminals, and those that join"),
    "trading-engine": Listener(8007, Wire.MUTUAL_TLS, STAFF, "health and metrics"),
    "database-service": Listener(8008, Wire.MUTUAL_TLS, STAFF, "health and metrics"),
    "central-hub": Listener(8010, Wire.MUTUAL_TLS, STAFF, "health, metrics and the list of services"),
    "nats": Listener(4222, Wire.MUTUAL_TLS, STAFF, "the bus; besides the certificate each user has its own key"),
}
""" program of the server -> its listening port; PostgreSQL has none: it listens on a unix socket of mode 0600 """

CLIENT_LISTENERS: dict[str, Listener] = {
    "metatrader-connector": Listener(9001, Wire.MUTUAL_TLS, STAFF, "health and metrics, for this PC"),
    "config-manager": Listener(9002, Wire.MUTUAL_TLS, STAFF, "health, metrics and the settings, for this PC"),
    "data-collector": Listener(9003, Wire.MUTUAL_TLS, STAFF, "health, metrics and news, for this PC"),
    "security": Listener(9004, Wire.MUTUAL_TLS, STAFF, "health of vault and audit log, for this PC"),
    "ea": Listener(9005, Wire.HTTP_LOOPBACK, (ANYONE,), "the EA in MT5, which shows a token; only when it is set up"),
}
""" app of the trader's PC -> its listening port, on loopback; certificates of an authority of that PC alone """

PORTS: dict[str, int] = {
    **{name: listener.port for name, listener in LISTENERS.items() if name != "nats"},
    **{name: listener.port for name, listener in CLIENT_LISTENERS.items() if name != "ea"},
}
""" service -> default port on the loopback address """

NATS_PORT = LISTENERS["nats"].port
EA_PORT = CLIENT_LISTENERS["ea"].port

STATUS_PAGE_PORT = 0
"""The page of the trader's PC: any free port of the loopback address, plain HTTP, so that the browser in front of it
shows it without a warning. Reading needs a link that is good once; nothing can be changed there."""
