"""Signals: an order on its way to one terminal, signed over the very bytes that travel."""

from decimal import Decimal

import msgspec

from contracts.accounts import Side

SIGNING_CONTEXT = b"aitrading signal v1\x00"
"""Signed in front of the payload, so that a signature over anything else can never pass for a signal's."""

MAX_LIFETIME_MS = 5_000
"""A connector refuses a signal that claims a longer life."""

MAX_SKEW_MS = 1_000
"""How far the clocks of server and PC may differ; beyond it signals are refused."""


class SignalLimits(msgspec.Struct, frozen=True, array_like=True):
    """What the server itself claims for this one order; the connector holds it to that beside `order_send`.

    A limit of 0 claims nothing. The trader's own limits come on top and are not the server's to change.
    """

    collar_points: int = 0
    """At the moment of sending the price may differ from `Signal.price` by this many points, in either direction."""
    max_quote_age_ms: int = 0
    """The connector's newest quote of the symbol may not be older."""
    max_volume: Decimal = Decimal(0)
    """The operator's limit for one order, in lots: a signal above it contradicts itself."""


class Signal(msgspec.Struct, frozen=True, array_like=True, tag="signal"):
    """One market order for one account. `seq` rises by signer and account; `volume` is in lots."""

    id: str
    order_id: str
    tenant: str
    account: str
    strategy: str
    seq: int
    issued_ms: int
    expires_ms: int
    symbol: str
    side: Side
    volume: Decimal
    position: int
    """Ticket of the position to close; 0 opens one."""
    price: float
    """The quote the decision was made on."""
    deviation_points: int
    magic: int
    comment: str
    """The signal's short id, at most 29 characters: the terminal's own records are searched for it."""
    sl: float = 0.0
    tp: float = 0.0
    correlation_id: str = ""
    fence: int = 0
    """The lease of the client this signal is for: no other client of the account may execute it, whoever brings it."""
    limits: SignalLimits = SignalLimits()


class SignedSignal(msgspec.Struct, frozen=True, array_like=True, tag="signed"):
    """`payload` is the encoded `Signal`; `signature` is Ed25519 over `SIGNING_CONTEXT + payload` by key `key_id`."""

    tenant: str
    account: str
    signal_id: str
    expires_ms: int
    key_id: str
    payload: bytes
    signature: bytes


def signal_bytes(signal: Signal) -> bytes:
    """The canonical bytes of a signal: array layout, so no key order exists that could differ."""
    return msgspec.msgpack.encode(signal)


def short_id(signal_id: str) -> str:
    """What stands in the order's comment: prefix and 80 bits of the id, 24 characters in all."""
    return "ait-" + signal_id[:20]


def magic_of(signal_id: str) -> int:
    """The order's magic number: 62 bits of the id, positive in the terminal's signed 64-bit field."""
    return int(signal_id[:16], 16) >> 2
