"""Orders and their states."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from contracts.accounts import Side


class OrderState(StrEnum):
    """The life of an order. UNKNOWN means: it may be at the broker, look before doing anything."""

    INITIALIZED = "INITIALIZED"
    DENIED = "DENIED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    TRIGGERED = "TRIGGERED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


FINAL_STATES = frozenset(
    {
        OrderState.DENIED,
        OrderState.PARTIALLY_FILLED,  # only market orders are sent: their rest is dead when the terminal has answered
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
    }
)
"""Nothing more is expected, though a late fill may still follow CANCELED, EXPIRED or PARTIALLY_FILLED."""


class Order(msgspec.Struct, frozen=True):
    """What was asked of the market and what came of it."""

    id: str
    tenant: str
    account: str
    strategy: str
    symbol: str
    side: Side
    volume: Decimal
    state: OrderState
    reason: str
    """Why it was denied, rejected or is unknown; empty otherwise."""
    created_ms: int
    updated_ms: int
    position: int = 0
    """Ticket of the position it closes; 0 when it opens one."""
    filled_volume: Decimal = Decimal(0)
    price: float = 0.0
    """Average price of the fills; 0 before the first."""
    ticket: int = 0
    """The terminal's order ticket; 0 before it is known."""
    deal: int = 0
    tick_seq: int = 0
    """The tick that caused it, so that a trade can be explained."""
    correlation_id: str = ""
    tick_received_ms: int = 0
    """When the connector received that tick, UTC ms: the beginning of tick-to-order. 0 for a person's order."""
