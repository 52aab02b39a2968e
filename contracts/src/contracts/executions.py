"""Executions: what happened to a signal at the terminal, with every time stamp."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from contracts.accounts import Side


class ExecutionState(StrEnum):
    """The connector's answer to a signal."""

    REFUSED = "REFUSED"  # the connector did not send it: signature, expiry, limits
    NOT_SENT = "NOT_SENT"  # journaled, proved absent at the terminal, will not be sent
    UNKNOWN = "UNKNOWN"  # may be at the broker; the terminal is being searched
    REJECTED = "REJECTED"  # the terminal or the broker said no
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"


FINAL_EXECUTIONS = frozenset(
    {
        ExecutionState.REFUSED,
        ExecutionState.NOT_SENT,
        ExecutionState.REJECTED,
        ExecutionState.PARTIALLY_FILLED,
        ExecutionState.FILLED,
    }
)
"""After one of these the connector has nothing more to find out."""


class Execution(msgspec.Struct, frozen=True, array_like=True, tag="execution"):
    """One report about one signal. Its key for ever is (tenant, account, epoch, number).

    `number` rises by one in the connector's journal. Stamps are UTC ms of the connector's clock, 0 for a step that
    was not reached.
    """

    tenant: str
    account: str
    epoch: int
    number: int
    signal_id: str
    order_id: str
    state: ExecutionState
    code: str
    """`done`, a refusal code such as `expired`, or `retcode_10030`."""
    reason: str
    """One sentence a person can read; empty when all went well."""
    symbol: str
    side: Side
    volume: Decimal
    filled_volume: Decimal
    price: float
    retcode: int
    ticket: int
    deal: int
    position: int
    received_ms: int
    verified_ms: int
    journaled_ms: int
    sent_ms: int
    answered_ms: int
    tick_time_msc: int = 0
    """The terminal's quote time when the order was sent, UTC ms."""
    decision_to_send_us: int = 0
    """Signal received to `order_send` entered, microseconds of a monotonic clock."""
    correlation_id: str = ""
