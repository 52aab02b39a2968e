"""Figures of a terminal are looked at again on the server: whoever wrote the client may be nobody's friend."""

import math
import struct

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.ticks import TickBatch, unpack

_one_price = struct.Struct("<d").unpack


def price_fault(batch: TickBatch) -> str | None:
    """Why a batch's prices can't be prices; None when they can. A connector keeps such ticks out itself."""
    if len(batch.bid) == 8 == len(batch.ask):  # one tick, as a living market sends them: no arrays, the same question
        (bid,), (ask,) = _one_price(batch.bid), _one_price(batch.ask)
        if 0 < bid < math.inf and 0 < ask < math.inf:
            return None
    for name, column in (("bid", batch.bid), ("ask", batch.ask)):
        prices = unpack("d", column)
        # a sum is finite only when every part is; then, and not before, comparing means something
        if not math.isfinite(sum(prices)):
            return f"{name} holds something that is not a number"
        if min(prices) <= 0:
            return f"{name} holds a price of {min(prices):g}"
    return None


def execution_fault(execution: Execution) -> str | None:
    """Why an execution's figures can't be true; None when they can."""
    if not math.isfinite(execution.price) or execution.price < 0:
        return f"the price of an execution can't be {execution.price}"
    for name in ("volume", "filled_volume"):
        lots = getattr(execution, name)
        if not lots.is_finite() or lots < 0:
            return f"{name} of an execution can't be {lots}"
    return None


def state_fault(state: AccountState) -> str | None:
    """Why a picture of an account can't be true; None when it can."""
    for name in ("balance", "equity", "margin", "margin_free", "profit"):
        if not getattr(state, name).is_finite():
            return f"{name} is not a number"
    for position in state.positions:
        prices = (position.price_open, position.price_current, position.sl, position.tp)
        if not all(math.isfinite(price) and price >= 0 for price in prices):
            return f"position {position.ticket} has a price that can't be one"
        if not (position.volume.is_finite() and position.volume > 0):
            return f"position {position.ticket} has a volume of {position.volume}"
        if not (position.profit.is_finite() and position.swap.is_finite()):
            return f"position {position.ticket} has a profit that is not a number"
    for instrument in state.instruments:
        sizes = (instrument.contract_size, instrument.volume_min, instrument.volume_max, instrument.volume_step)
        if not all(size.is_finite() and size >= 0 for size in sizes):
            return f"{instrument.symbol[:32]} has a volume rule that is not a number"
        if not (math.isfinite(instrument.point) and instrument.point >= 0):
            return f"{instrument.symbol[:32]} has a point that is not a number"
    return None
