"""What the broker does by the clock: orders that expire, swaps at midnight, and orders that live for a day only."""

from mt5sim import constants as c
from mt5sim.costs import DAY_MS, REOPENING, nights, swap
from mt5sim.execution import Desk
from mt5sim.ledger import MONEY_DIGITS, Change, Ledger
from mt5sim.market_week import week
from mt5sim.pending import ended
from mt5sim.profiles import SymbolProfile
from mt5sim.records import changed
from mt5sim.structs import TradeOrder, TradePosition

NEVER = 2**62
A_DAY_ONLY = (c.SYMBOL_ORDERS_DAILY, c.SYMBOL_ORDERS_DAILY_NO_STOPS)


def expires_at(order: TradeOrder, profile: SymbolProfile) -> int:
    """When an order that still works ends by itself, broker milliseconds."""
    day_end = (order.time_setup_msc // DAY_MS + 1) * DAY_MS
    if order.type_time == c.ORDER_TIME_DAY or profile.order_gtc_mode in A_DAY_ONLY:
        return int(day_end)
    if order.type_time == c.ORDER_TIME_SPECIFIED:
        return int(order.time_expiration * 1000)
    if order.type_time == c.ORDER_TIME_SPECIFIED_DAY:
        last_second = (order.time_expiration * 1000 // DAY_MS + 1) * DAY_MS - 1000
        sessions = week(profile.trade_sessions)
        # outside the sessions it expires at the nearest trading time
        return int(last_second if sessions is None else sessions.next_open(last_second))
    return NEVER


def next_midnight(position: TradePosition, profile: SymbolProfile) -> int:
    """The first midnight after the position was last touched, broker milliseconds; NEVER when nothing is due then.

    A midnight that does something touches the position, so no midnight is done twice, not even after a restart.
    """
    loses_stops = profile.order_gtc_mode == c.SYMBOL_ORDERS_DAILY and (position.sl or position.tp)
    if profile.swap_mode == c.SYMBOL_SWAP_MODE_DISABLED and not loses_stops:
        return NEVER
    return int((position.time_update_msc // DAY_MS + 1) * DAY_MS)


def next_due(ledger: Ledger, profiles: dict[str, SymbolProfile]) -> int:
    """When the clock next does something to these books, broker milliseconds."""
    orders = (expires_at(o, profiles[o.symbol]) for o in ledger.pending.values() if o.symbol in profiles)
    positions = (next_midnight(p, profiles[p.symbol]) for p in ledger.positions.values() if p.symbol in profiles)
    return min(min(orders, default=NEVER), min(positions, default=NEVER))


def fall_due(
    desk: Desk, profiles: dict[str, SymbolProfile], due_msc: int, now_msc: int, quiet_until_msc: int
) -> Change:
    """Everything that is due at a moment, or the next position to reopen; ask again until nothing is left.

    Up to `quiet_until_msc` no symbol has a newer price: the nights up to then are charged together, so that a weekend,
    or a stamp that is wrong by years, costs one change. Raises ArithmeticError when nothing converts a swap.
    """
    ledger = desk.ledger
    expired = tuple(
        ended(order, c.ORDER_STATE_EXPIRED, due_msc)
        for order in ledger.pending.values()
        if order.symbol in profiles and expires_at(order, profiles[order.symbol]) <= due_msc
    )
    touched: list[TradePosition] = []
    last = max(due_msc, quiet_until_msc) // DAY_MS * DAY_MS
    for position in ledger.positions.values():
        profile = profiles.get(position.symbol)
        if profile is None or next_midnight(position, profile) > due_msc:
            continue
        moved = _without_stops(position, profile)
        count = 0
        if profile.swap_mode != c.SYMBOL_SWAP_MODE_DISABLED:
            midnights = range(next_midnight(position, profile), last + 1, DAY_MS)
            count = sum(nights(profile, midnight) for midnight in midnights)
        if profile.swap_mode in REOPENING and count:
            if not expired and not touched:
                return _reopened(desk, profile, moved, count, max(last, now_msc))
            continue
        paid = swap(desk.valuation, profile, moved, count) if count else 0.0
        total = round(moved.swap + paid, MONEY_DIGITS)
        touched.append(changed(moved, swap=total, time_update=last // 1000, time_update_msc=last))
    return Change(orders=expired, positions=tuple(touched))


def _without_stops(position: TradePosition, profile: SymbolProfile) -> TradePosition:
    if profile.order_gtc_mode != c.SYMBOL_ORDERS_DAILY:
        return position
    return changed(position, sl=0.0, tp=0.0)


def _reopened(desk: Desk, profile: SymbolProfile, position: TradePosition, count: int, msc: int) -> Change:
    """Closed at the day's last price, opened again at it, or at the bid, plus the swap's points."""
    quote = desk.valuation.quote(profile.name)
    if quote is None:
        raise ArithmeticError(f"no price to reopen {profile.name}")
    closed = quote.to_close(position.type)
    base = closed if profile.swap_mode == c.SYMBOL_SWAP_MODE_REOPEN_CURRENT else quote.bid
    buy = position.type == c.POSITION_TYPE_BUY
    points = (profile.swap_long if buy else profile.swap_short) * count * profile.point
    opened = round(base - points if buy else base + points, profile.digits)
    return desk.reopen(profile, position, closed, opened, msc)
