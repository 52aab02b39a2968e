"""The numeric rules of a symbol: volume steps, fill policy, distances to the market, expiration."""

from math import inf, isfinite

from mt5sim import constants as c
from mt5sim.costs import DAY_MS
from mt5sim.profiles import (
    EXPIRATION_DAY,
    EXPIRATION_GTC,
    EXPIRATION_SPECIFIED,
    EXPIRATION_SPECIFIED_DAY,
    FILLING_BOC,
    FILLING_FOK,
    FILLING_IOC,
    ORDER_LIMIT,
    ORDER_SL,
    ORDER_STOP,
    ORDER_STOP_LIMIT,
    ORDER_TP,
    SymbolProfile,
)
from mt5sim.structs import TradeOrder, TradePosition
from mt5sim.valuation import Quote

WHOLE_STEP = 1e-6
PRICED_EXECUTION = (c.SYMBOL_TRADE_EXECUTION_REQUEST, c.SYMBOL_TRADE_EXECUTION_INSTANT)
LIMITS = (c.ORDER_TYPE_BUY_LIMIT, c.ORDER_TYPE_SELL_LIMIT)
STOPS = (c.ORDER_TYPE_BUY_STOP, c.ORDER_TYPE_SELL_STOP)
STOP_LIMITS = (c.ORDER_TYPE_BUY_STOP_LIMIT, c.ORDER_TYPE_SELL_STOP_LIMIT)
PENDING_BITS = dict.fromkeys(LIMITS, ORDER_LIMIT) | dict.fromkeys(STOPS, ORDER_STOP)
PENDING_BITS |= dict.fromkeys(STOP_LIMITS, ORDER_STOP_LIMIT)
""" type of a pending order -> its bit in `order_mode` """
TIME_BITS = {
    c.ORDER_TIME_GTC: EXPIRATION_GTC,
    c.ORDER_TIME_DAY: EXPIRATION_DAY,
    c.ORDER_TIME_SPECIFIED: EXPIRATION_SPECIFIED,
    c.ORDER_TIME_SPECIFIED_DAY: EXPIRATION_SPECIFIED_DAY,
}
FILLING_BITS = {
    c.ORDER_FILLING_FOK: FILLING_FOK,
    c.ORDER_FILLING_IOC: FILLING_IOC,
    c.ORDER_FILLING_BOC: FILLING_BOC,
}


def side_of(order_type: int) -> int:
    """ORDER_TYPE_BUY or ORDER_TYPE_SELL of any order type: they alternate."""
    return order_type % 2


def volume_fits(volume: float, profile: SymbolProfile) -> bool:
    """A whole number of steps between the symbol's least and largest volume."""
    if not isfinite(volume):
        return False
    steps = volume / profile.volume_step
    whole = abs(steps - round(steps)) <= WHOLE_STEP
    tolerance = profile.volume_step * WHOLE_STEP
    return whole and profile.volume_min - tolerance <= volume <= profile.volume_max + tolerance


def filling_fits(filling: int, profile: SymbolProfile) -> bool:
    """A market order's policy: mql5.com, "Fill policy", by execution mode, then by the symbol's mask."""
    if profile.exemode in PRICED_EXECUTION:
        return filling in (c.ORDER_FILLING_FOK, c.ORDER_FILLING_IOC, c.ORDER_FILLING_RETURN)
    if filling == c.ORDER_FILLING_RETURN:
        return profile.exemode == c.SYMBOL_TRADE_EXECUTION_EXCHANGE
    return filling != c.ORDER_FILLING_BOC and bool(profile.filling_mode & FILLING_BITS.get(filling, 0))


def pending_filling_fits(filling: int, order_type: int, profile: SymbolProfile) -> bool:
    """A pending order may always RETURN; Book-or-Cancel is for limit orders where the mask has it."""
    if filling == c.ORDER_FILLING_RETURN:
        return True
    if filling == c.ORDER_FILLING_BOC:
        return order_type not in STOPS and bool(profile.filling_mode & FILLING_BOC)
    return filling_fits(filling, profile)


def stops_fit(side: int, sl: float, tp: float, price: float, profile: SymbolProfile) -> bool:
    """On the losing and the winning side of `price`, at least the stops level away from it, and allowed at all.

    `price` is the closing price of a position or the opening price of a pending order.
    """
    if not (0 <= sl < inf and 0 <= tp < inf):
        return False
    sign = 1 if side == c.ORDER_TYPE_BUY else -1
    least = max(profile.stops_level, 1)
    sl_points = round(sign * (price - sl) / profile.point, 6)
    tp_points = round(sign * (tp - price) / profile.point, 6)
    allowed = (not sl or profile.order_mode & ORDER_SL) and (not tp or profile.order_mode & ORDER_TP)
    return bool(allowed) and (not sl or sl_points >= least) and (not tp or tp_points >= least)


def on_tick(price: float, profile: SymbolProfile) -> bool:
    """Whether the exchange has such a price. A tick of one point leaves rounding to the terminal."""
    steps = price / profile.tick
    return not profile.tick_size or abs(steps - round(steps)) <= WHOLE_STEP


def distance(order_type: int, price: float, quote: Quote, profile: SymbolProfile) -> float:
    """Points between the market and a pending order's price; negative on the wrong side of the market."""
    market = quote.to_open(side_of(order_type))
    below = order_type in (c.ORDER_TYPE_BUY_LIMIT, c.ORDER_TYPE_SELL_STOP, c.ORDER_TYPE_SELL_STOP_LIMIT)
    return round((market - price if below else price - market) / profile.point, 6)


def limit_fits(order_type: int, price: float, stoplimit: float, profile: SymbolProfile) -> bool:
    """A buy stop limit's second price is below its first, a sell's above, by at least the stops level."""
    sign = 1 if side_of(order_type) == c.ORDER_TYPE_BUY else -1
    points = round(sign * (price - stoplimit) / profile.point, 6)
    return 0 < stoplimit < inf and points >= profile.stops_level and on_tick(stoplimit, profile)


def frozen(position: TradePosition, quote: Quote, profile: SymbolProfile) -> bool:
    """A position whose stop the price has come close to may be neither changed nor closed."""
    price = quote.to_close(position.type)
    return any(stop and _within(price - stop, profile) for stop in (position.sl, position.tp))


def order_frozen(order: TradeOrder, quote: Quote, profile: SymbolProfile) -> bool:
    """A pending order whose price the market has come close to may be neither changed nor removed."""
    return _within(quote.to_open(side_of(order.type)) - order.price_open, profile)


def _within(gap: float, profile: SymbolProfile) -> bool:
    return profile.freeze_level > 0 and round(abs(gap) / profile.point, 6) <= profile.freeze_level


def expiration_fits(type_time: int, expiration: int, now_msc: int, profile: SymbolProfile) -> bool:
    """A lifetime the symbol offers, and a date (broker's clock, seconds) that has not passed."""
    if not profile.expiration_mode & TIME_BITS.get(type_time, 0):
        return False
    if type_time == c.ORDER_TIME_SPECIFIED:
        return expiration * 1000 > now_msc
    return type_time != c.ORDER_TIME_SPECIFIED_DAY or expiration * 1000 // DAY_MS >= now_msc // DAY_MS
