"""Find the tick at which the broker itself closes a position: stop loss, take profit or stop-out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mt5sim import constants as c
from mt5sim.ledger import MONEY_DIGITS, Ledger
from mt5sim.structs import TradePosition
from mt5sim.tape import FloatArray, Ticks
from mt5sim.valuation import Valuation


@dataclass(frozen=True, slots=True)
class Trigger:
    """`offset` counts from the first tick that was looked at."""

    offset: int
    position: TradePosition
    reason: int
    price: float
    msc: int
    comment: str


def closing_prices(position: TradePosition, ticks: Ticks) -> FloatArray:
    """What each tick would pay, NaN where it has no real price: bad data closes nothing."""
    prices: FloatArray = ticks["bid"] if position.type == c.POSITION_TYPE_BUY else ticks["ask"]
    with np.errstate(invalid="ignore"):
        return np.where((prices > 0) & np.isfinite(prices), prices, np.nan)


def first_stop(positions: Iterable[TradePosition], ticks: Ticks, digits: int) -> Trigger | None:
    """The earliest stop among positions of one symbol. A gap fills at the tick's price, as on a real market."""
    earliest: Trigger | None = None
    for position in positions:
        if not position.sl and not position.tp:
            continue
        prices = closing_prices(position, ticks)
        sign = 1 if position.type == c.POSITION_TYPE_BUY else -1
        none = np.zeros(len(ticks), dtype=bool)
        with np.errstate(invalid="ignore"):
            lost = sign * (prices - position.sl) <= 0 if position.sl else none
            won = sign * (prices - position.tp) >= 0 if position.tp else none
        hits = np.flatnonzero(lost | won)
        if not len(hits) or (earliest is not None and hits[0] >= earliest.offset):
            continue
        offset = int(hits[0])
        stop, reason, word = (
            (position.sl, c.DEAL_REASON_SL, "sl") if lost[offset] else (position.tp, c.DEAL_REASON_TP, "tp")
        )
        comment = f"[{word} {stop:.{digits}f}]"
        msc = int(ticks["time_msc"][offset])
        earliest = Trigger(offset, position, reason, float(prices[offset]), msc, comment)
    return earliest


def first_stop_out(
    ledger: Ledger, valuation: Valuation, symbol: str, ticks: Ticks, level_percent: float
) -> Trigger | None:
    """The earliest tick of the symbol at which the margin level falls below the stop-out level.

    The largest loss is closed first; the caller looks again from the same tick, until the level has recovered.
    """
    margin = valuation.state(ledger).margin
    if not margin or not level_percent or not len(ticks):
        return None
    moving = [position for position in ledger.positions.values() if position.symbol == symbol]
    standing = [valuation.priced(position) for position in ledger.positions.values() if position.symbol != symbol]
    paths = [_profit_path(position, valuation, ticks) for position in moving]
    floating = np.sum(paths, axis=0) + sum(position.profit for position in standing)
    equity = np.round(ledger.balance + floating, MONEY_DIGITS)
    with np.errstate(invalid="ignore"):
        below = np.flatnonzero(equity / margin * 100 < level_percent)
    if not len(below):
        return None
    offset = int(below[0])
    losers = [*zip((float(path[offset]) for path in paths), moving, strict=True), *((p.profit, p) for p in standing)]
    _, worst = min(losers, key=lambda pair: pair[0])
    price = worst.price_current
    if worst.symbol == symbol:
        price = float(closing_prices(worst, ticks[offset : offset + 1])[0])
    comment = f"[so {equity[offset] / margin * 100:.2f}%]"
    return Trigger(offset, worst, c.DEAL_REASON_SO, price, int(ticks["time_msc"][offset]), comment)


def earliest(triggers: Sequence[Trigger | None]) -> Trigger | None:
    """Of two at the same tick the one named first: a stop loss is older than a stop-out."""
    return min((trigger for trigger in triggers if trigger is not None), key=lambda t: t.offset, default=None)


def _profit_path(position: TradePosition, valuation: Valuation, ticks: Ticks) -> FloatArray:
    """The position's profit at each tick. Other currencies are converted at their current rate."""
    profile = valuation.profiles[position.symbol]
    prices = closing_prices(position, ticks)
    sign = 1 if position.type == c.POSITION_TYPE_BUY else -1
    money = sign * (prices - position.price_open) * profile.contract_size * position.volume
    if profile.base == valuation.currency and profile.profit != valuation.currency:
        return money / prices
    rate = valuation.convert(1.0, profile.profit, valuation.currency)
    return money * (0.0 if rate is None else rate)
