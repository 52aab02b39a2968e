"""Find the tick at which the broker acts on its own: a stop, a take profit, a pending order's price, or stop-out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mt5sim import constants as c
from mt5sim.ledger import MONEY_DIGITS, Ledger
from mt5sim.margin import FOREX, slope
from mt5sim.market_week import is_open, week
from mt5sim.profiles import SymbolProfile
from mt5sim.rules import LIMITS, side_of
from mt5sim.structs import TradeOrder, TradePosition
from mt5sim.tape import FloatArray, IntArray, Ticks
from mt5sim.valuation import Valuation

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Ticks of one symbol that the broker has not looked at yet."""

    profile: SymbolProfile
    bid: FloatArray
    ask: FloatArray
    """ NaN where a tick has no real price: bad data closes nothing """
    msc: IntArray
    """ broker time at which each tick happened; never decreases """
    tradable: BoolArray | None
    """ which ticks fall into a trade session; None = all """

    @classmethod
    def of(cls, profile: SymbolProfile, ticks: Ticks, msc: IntArray) -> "Window":
        bid, ask = ticks["bid"], ticks["ask"]
        with np.errstate(invalid="ignore"):
            sound = (bid > 0) & (ask > 0) & np.isfinite(bid) & np.isfinite(ask)
        sessions = week(profile.trade_sessions)
        return cls(
            profile,
            np.where(sound, bid, np.nan),
            np.where(sound, ask, np.nan),
            msc,
            None if sessions is None else sessions.mask(msc),
        )

    def closing(self, side: int) -> FloatArray:
        """What each tick pays for a position of a side."""
        return self.bid if side == c.POSITION_TYPE_BUY else self.ask

    def first(self, hits: BoolArray) -> int | None:
        """The first tick that hits inside a session."""
        if self.tradable is not None:
            hits = hits & self.tradable
        offset = int(hits.argmax()) if len(hits) else 0
        return offset if len(hits) and hits[offset] else None


@dataclass(frozen=True, slots=True)
class Trigger:
    """`offset` counts from the first tick of the window. A gap fills at the tick's price, as on a real market."""

    offset: int
    symbol: str
    """ whose tick it is """
    position: TradePosition | None = None
    """ to be closed """
    order: TradeOrder | None = None
    """ to be filled, or a stop limit to become a limit """
    reason: int = c.DEAL_REASON_EXPERT
    comment: str = ""


def first_stop(positions: Iterable[TradePosition], window: Window) -> Trigger | None:
    """The earliest stop loss or take profit among positions of the window's symbol."""
    earliest: Trigger | None = None
    for position in positions:
        if not position.sl and not position.tp:
            continue
        prices = window.closing(position.type)
        buy = position.type == c.POSITION_TYPE_BUY
        with np.errstate(invalid="ignore"):
            lost = (prices <= position.sl if buy else prices >= position.sl) if position.sl else None
            won = (prices >= position.tp if buy else prices <= position.tp) if position.tp else None
        hits = won if lost is None else lost if won is None else lost | won
        offset = None if hits is None else window.first(hits)
        if offset is None or (earliest is not None and offset >= earliest.offset):
            continue
        is_loss = lost is not None and bool(lost[offset])
        stop, word = (position.sl, "sl") if is_loss else (position.tp, "tp")
        earliest = Trigger(
            offset, window.profile.name, position=position, comment=f"[{word} {stop:.{window.profile.digits}f}]",
            reason=c.DEAL_REASON_SL if is_loss else c.DEAL_REASON_TP,
        )  # fmt: skip
    return earliest


def first_order(orders: Iterable[TradeOrder], window: Window) -> Trigger | None:
    """The earliest tick that reaches a pending order's price; the rest of a market order takes the next price."""
    earliest: Trigger | None = None
    for order in orders:
        buy = side_of(order.type) == c.ORDER_TYPE_BUY
        prices = window.ask if buy else window.bid
        with np.errstate(invalid="ignore"):
            if order.type in (c.ORDER_TYPE_BUY, c.ORDER_TYPE_SELL):
                hits = ~np.isnan(prices)
            elif (order.type in LIMITS) == buy:
                # a buy limit and a sell stop wait for a lower price, the others for a higher one
                hits = prices <= order.price_open
            else:
                hits = prices >= order.price_open
        offset = window.first(hits)
        if offset is not None and (earliest is None or offset < earliest.offset):
            earliest = Trigger(offset, window.profile.name, order=order, reason=order.reason)
    return earliest


def first_stop_out(
    ledger: Ledger, valuation: Valuation, windows: Mapping[str, Window], level: float, *, in_money: bool
) -> Trigger | None:
    """The earliest tick of any symbol at which the account falls below its stop-out level.

    `level` is a margin level in percent, or `in_money` an equity; `valuation` knows the prices before the windows.
    The largest loss is closed first; the caller looks again from the same tick, until the level has recovered.
    """
    margin = valuation.total_margin(ledger.positions.values())
    if not margin or not level:
        return None
    positions = [p for p in ledger.positions.values() if p.symbol in valuation.profiles]
    standing = {p.ticket: valuation.floating(p) + p.swap for p in positions}
    paths = {
        p.ticket: _profit_path(p, valuation, windows[p.symbol], standing[p.ticket])
        for p in positions
        if p.symbol in windows
    }
    found: tuple[int, Trigger] | None = None
    for symbol in sorted({p.symbol for p in positions} & windows.keys()):
        window = windows[symbol]
        profits = {}
        for p in positions:
            if p.symbol == symbol:
                profits[p.ticket] = paths[p.ticket]
            elif p.symbol in windows:
                at = np.searchsorted(windows[p.symbol].msc, window.msc, side="right")
                profits[p.ticket] = np.concatenate([[standing[p.ticket]], paths[p.ticket]])[at]
            else:
                profits[p.ticket] = np.full(len(window.msc), standing[p.ticket])
        equity = np.round(ledger.balance + np.sum(list(profits.values()), axis=0), MONEY_DIGITS)
        share = equity if in_money else equity / margin * 100
        offset = window.first(share < level)
        if offset is None:
            continue
        msc = int(window.msc[offset])
        if found is not None and found[0] <= msc:
            continue
        open_now = [p for p in positions if is_open(valuation.profiles[p.symbol].trade_sessions, msc)]
        worst = min(open_now, key=lambda p: float(profits[p.ticket][offset]))
        unit = "" if in_money else "%"
        comment = f"[so {share[offset]:.2f}{unit}]"
        found = msc, Trigger(offset, symbol, position=worst, reason=c.DEAL_REASON_SO, comment=comment)
    return None if found is None else found[1]


def _profit_path(position: TradePosition, valuation: Valuation, window: Window, standing: float) -> FloatArray:
    """The position's profit with its swap at each tick; a tick without a price keeps the one before.

    Other currencies are converted at the rate of the window's start.
    """
    profile = window.profile
    prices = window.closing(position.type)
    sign = 1 if position.type == c.POSITION_TYPE_BUY else -1
    money: FloatArray = sign * (prices - position.price_open) * slope(profile, position.volume)
    if profile.calc_mode in FOREX and profile.base == valuation.currency and profile.profit != valuation.currency:
        money = money / prices
    else:
        earns = valuation.convert(1.0, profile.profit, valuation.currency) or 0.0
        costs = -(valuation.convert(-1.0, profile.profit, valuation.currency) or 0.0)
        with np.errstate(invalid="ignore"):
            money = np.where(money > 0, money * earns, money * costs)
    path = np.concatenate([[standing], money + position.swap])
    sound = np.maximum.accumulate(np.where(np.isnan(path), 0, np.arange(len(path))))
    kept: FloatArray = path[sound][1:]
    return kept
