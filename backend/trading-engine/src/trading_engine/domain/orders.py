"""The life of an order: one table of allowed moves, and what an execution means for it."""

from decimal import Decimal

import msgspec

from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState

S = OrderState

_FILLS = frozenset({S.PARTIALLY_FILLED, S.FILLED})
_ENDS = _FILLS | {S.CANCELED, S.EXPIRED, S.REJECTED}

ALLOWED: dict[OrderState, frozenset[OrderState]] = {
    S.INITIALIZED: frozenset({S.DENIED, S.SUBMITTED}),
    S.SUBMITTED: _ENDS | {S.ACCEPTED, S.TRIGGERED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN},
    S.ACCEPTED: _ENDS | {S.TRIGGERED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN},
    S.TRIGGERED: _ENDS | {S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN},
    S.PENDING_UPDATE: _ENDS | {S.ACCEPTED, S.TRIGGERED, S.PENDING_CANCEL, S.UNKNOWN},
    S.PENDING_CANCEL: _ENDS | {S.ACCEPTED, S.TRIGGERED, S.UNKNOWN},
    S.PARTIALLY_FILLED: _FILLS | {S.CANCELED, S.EXPIRED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN},
    S.UNKNOWN: _ENDS | {S.ACCEPTED, S.TRIGGERED},
    # a fill that crossed our cancel on the way, or that came after we had stopped waiting, or from the one client that
    # did execute what another had refused: what the broker filled is never forgotten
    S.CANCELED: _FILLS,
    S.EXPIRED: _FILLS,
    S.DENIED: frozenset(),
    S.FILLED: frozenset(),
    S.REJECTED: _FILLS,
}
""" state -> the states that may follow it """

IN_FLIGHT = frozenset(
    {S.INITIALIZED, S.SUBMITTED, S.ACCEPTED, S.TRIGGERED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN}
)
"""The terminal may still be at work on it. Not PARTIALLY_FILLED: a market order's rest is dead once it is reported."""


class IllegalMove(ValueError):
    """An order can't go from its state to the one asked for. Nothing was changed; put it on record."""


def move(
    order: Order,
    to: OrderState,
    now_ms: int,
    reason: str = "",
    *,
    filled_volume: Decimal | None = None,
    price: float | None = None,
    ticket: int | None = None,
    deal: int | None = None,
) -> Order:
    """The order in its new state; IllegalMove when the table does not allow it. What is None stays."""
    if to not in ALLOWED[order.state]:
        raise IllegalMove(f"order {order.id} is {order.state} and cannot become {to}")
    return msgspec.structs.replace(
        order,
        state=to,
        reason=reason,
        # strictly later, even within one millisecond: the store keeps the later of two
        updated_ms=max(now_ms, order.updated_ms + 1),
        filled_volume=order.filled_volume if filled_volume is None else filled_volume,
        price=order.price if price is None else price,
        ticket=order.ticket if ticket is None else ticket,
        deal=order.deal if deal is None else deal,
    )


def meaning(execution: Execution) -> tuple[OrderState, str]:
    """(state, reason) an execution gives its order."""
    told = f"{execution.code}: {execution.reason}" if execution.reason else execution.code
    match execution.state:
        case ExecutionState.FILLED:
            return S.FILLED, ""
        case ExecutionState.PARTIALLY_FILLED:
            return S.PARTIALLY_FILLED, execution.reason
        case ExecutionState.NOT_SENT:
            if execution.code == "expired":
                return S.EXPIRED, f"not sent: {told}"
            return S.REJECTED, f"not sent: {told}"
        case ExecutionState.UNKNOWN:
            return S.UNKNOWN, told
        case ExecutionState.REFUSED if execution.code in ("replayed", "fenced"):
            # the client's memory begins after the signal, or it was another's: it may have been executed before
            return S.UNKNOWN, told
        case _:  # REFUSED by the connector, or REJECTED by terminal or broker
            return S.REJECTED, told


def apply(order: Order, execution: Execution, now_ms: int) -> Order | None:
    """The order after the execution; None when it says nothing new. IllegalMove when it contradicts the order."""
    state, reason = meaning(execution)
    if state is order.state:
        learned = (
            state in _FILLS
            and (execution.deal, execution.filled_volume) != (order.deal, order.filled_volume)
            and execution.filled_volume >= order.filled_volume
        )
        if not learned:
            return None
        # found by its position first, or filled in parts: the report knows more than we do
        return msgspec.structs.replace(
            order,
            filled_volume=execution.filled_volume,
            price=execution.price,
            ticket=execution.ticket,
            deal=execution.deal,
            updated_ms=max(now_ms, order.updated_ms + 1),
        )
    filled = state in _FILLS
    return move(
        order,
        state,
        now_ms,
        reason,
        filled_volume=execution.filled_volume if filled else None,
        price=execution.price if filled else None,
        ticket=execution.ticket or None,
        deal=execution.deal or None,
    )
