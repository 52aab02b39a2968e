"""Symbols, ticks and bars."""

from typing import Any

import numpy as np

from mt5sim import constants as c
from mt5sim.arguments import MAX_GROUP, MAX_SYMBOL, anything, int32, names_in, positional, seconds, text
from mt5sim.knobs import faults
from mt5sim.rates import NO_RATES, TIMEFRAMES, Rates
from mt5sim.records import build
from mt5sim.session import CALL_FAILED, INVALID_ARGUMENTS, INVALID_PARAMS, NOT_FOUND, Failed, call, session
from mt5sim.snapshots import SymbolInfo
from mt5sim.structs import BookInfo, Tick
from mt5sim.symbol_view import symbol_view
from mt5sim.tape import FLAG_MASKS, TICK_DTYPE, Ticks
from mt5sim.terminal import Terminal

NO_TICKS = np.zeros(0, dtype=TICK_DTYPE)


def _known(function: str, name: object) -> tuple[Terminal, str]:
    if not isinstance(name, str) or len(name) > MAX_SYMBOL:
        raise Failed(INVALID_ARGUMENTS)
    terminal = session.terminal()
    if name not in terminal.profiles:
        raise Failed(NOT_FOUND)
    return terminal, name


@call(None)
def symbols_total() -> int | None:
    return len(session.terminal().profiles)


@call(None)
def symbols_get(*args: Any, **kwargs: Any) -> tuple[SymbolInfo, ...] | bool | None:
    """symbols_get([group]): tuple of SymbolInfo. A bad argument gives False, not None."""
    if len(args) > 1 or (args and not isinstance(args[0], str)):
        session.last_error = (-2, "Invalid 1st unnamed argument" if len(args) == 1 else "Invalid number of arguments")
        return False
    try:
        group = args[0] if args else text(kwargs, "group", MAX_GROUP)
    except Failed as failed:
        session.last_error = failed.error
        return False
    terminal = session.terminal()
    names = list(terminal.profiles) if group is None else names_in(terminal.profiles, group)
    return tuple(symbol_view(terminal, name) for name in names)


@call(None)
def symbol_info(*args: Any) -> SymbolInfo | None:
    terminal, name = _known("symbol_info", *positional("symbol_info", args, anything))
    return symbol_view(terminal, name)


@call(None)
def symbol_info_tick(*args: Any) -> Tick | None:
    """The newest tick; all zero while the symbol has none."""
    terminal, name = _known("symbol_info_tick", *positional("symbol_info_tick", args, anything))
    feed = terminal.feeds.get(name)
    if feed is None or not feed.visible:
        return build(Tick, time=0, bid=0.0, ask=0.0, last=0.0, volume=0, time_msc=0, flags=0, volume_real=0.0)
    return Tick(feed.tape.row(feed.last_index()))


@call(False)
def symbol_select(*args: Any) -> bool:
    """symbol_select(symbol, [enable]): show in Market Watch, or hide, unless a position is open. Any value will do."""
    name, *enable = positional("symbol_select", args, anything, anything, optional=1)
    terminal, name = _known("symbol_select", name)
    if not enable or enable[0]:
        terminal.selected.add(name)
        return True
    if terminal.ledger.position_of(name) is not None:
        raise Failed(CALL_FAILED)
    terminal.selected.discard(name)
    return True


@call(None)
def copy_ticks_from(*args: Any) -> Ticks | None:
    """copy_ticks_from(symbol, date_from, count, flags): oldest first. In a replay at speed 0 this moves the market."""
    symbol, start, count, flags = positional("copy_ticks_from", args, anything, anything, int32, int32)
    from_msc = seconds("copy_ticks_from", start) * 1000
    terminal, name = _known("copy_ticks_from", symbol)
    if flags not in FLAG_MASKS or count <= 0:
        raise Failed(INVALID_PARAMS)
    feed = terminal.feeds.get(name)
    if feed is None:
        return NO_TICKS.copy()
    ticks = feed.read_from(from_msc, count, flags)
    terminal.settle()
    return ticks


@call(None)
def copy_ticks_range(*args: Any) -> Ticks | None:
    """copy_ticks_range(symbol, date_from, date_to, flags): both ends included, whole seconds."""
    symbol, start, stop, flags = positional("copy_ticks_range", args, anything, anything, anything, int32)
    from_msc, to_msc = (seconds("copy_ticks_range", date) * 1000 for date in (start, stop))
    terminal, name = _known("copy_ticks_range", symbol)
    if flags not in FLAG_MASKS:
        raise Failed(INVALID_PARAMS)
    feed = terminal.feeds.get(name)
    return NO_TICKS.copy() if feed is None else feed.read_range(from_msc, to_msc, flags)


def _bars(terminal: Terminal, name: str, timeframe: int) -> Rates:
    """The newest of them, as many as the chart holds."""
    if timeframe not in TIMEFRAMES:
        raise Failed(INVALID_PARAMS)
    feed = terminal.feeds.get(name)
    if feed is None:
        return NO_RATES
    return terminal.bars[name].bars(feed, timeframe, terminal.profiles[name].digits)[-max(1, faults.maxbars) :]


@call(None)
def copy_rates_from(*args: Any) -> Rates | None:
    """copy_rates_from(symbol, timeframe, date_from, count): the `count` bars that opened at date_from or before."""
    symbol, timeframe, start, count = positional("copy_rates_from", args, anything, int32, anything, int32)
    opened = seconds("copy_rates_from", start)
    rates = _bars(*_known("copy_rates_from", symbol), timeframe)
    return _newest(rates[: np.searchsorted(rates["time"], opened, side="right")], 0, count)


@call(None)
def copy_rates_from_pos(*args: Any) -> Rates | None:
    """copy_rates_from_pos(symbol, timeframe, start_pos, count): position 0 is the current bar."""
    symbol, timeframe, position, count = positional("copy_rates_from_pos", args, anything, int32, int32, int32)
    rates = _bars(*_known("copy_rates_from_pos", symbol), timeframe)
    return _newest(rates, position, count)


@call(None)
def copy_rates_range(*args: Any) -> Rates | None:
    """copy_rates_range(symbol, timeframe, date_from, date_to): bars that opened from date_from to date_to."""
    symbol, timeframe, start, stop = positional("copy_rates_range", args, anything, int32, anything, anything)
    first, last = (seconds("copy_rates_range", date) for date in (start, stop))
    rates = _bars(*_known("copy_rates_range", symbol), timeframe)
    times = rates["time"]
    found = rates[np.searchsorted(times, first, side="left") : np.searchsorted(times, last, side="right")]
    if len(found) >= faults.maxbars:
        raise Failed(INVALID_PARAMS)
    return found.copy()


def _newest(rates: Rates, position: int, count: int) -> Rates:
    """Asking for as many bars as a chart may hold, or more, fails whole: measured on a real terminal."""
    if position < 0 or not 0 < count < faults.maxbars:
        raise Failed(INVALID_PARAMS)
    end = max(0, len(rates) - position)
    return rates[max(0, end - count) : end].copy()


def _booked(function: str, args: tuple[Any, ...]) -> tuple[Terminal, str] | None:
    """The symbol whose depth of market is meant; None on a bad argument, which makes all three answer None."""
    (name,) = positional(function, args, anything)
    if isinstance(name, str) and len(name) <= MAX_SYMBOL:
        return _known(function, name)
    session.last_error = INVALID_ARGUMENTS
    return None


@call(False)
def market_book_add(*args: Any) -> bool | None:
    """market_book_add(symbol): subscribe to its depth of market. False, or None on a bad argument."""
    found = _booked("market_book_add", args)
    if found is None:
        return None
    session.books().add(found[1])
    return True


@call(None)
def market_book_get(*args: Any) -> tuple[BookInfo, ...] | None:
    """market_book_get(symbol): one level on each side, the quote itself, for the largest volume an order may have.

    None with -1 when the symbol has not been subscribed to.
    """
    found = _booked("market_book_get", args)
    if found is None:
        return None
    terminal, name = found
    if name not in session.books():
        raise Failed(CALL_FAILED)
    quote, lots = terminal.quote(name), terminal.profiles[name].volume_max
    if quote is None:
        return ()
    sides = ((c.BOOK_TYPE_SELL, quote.ask), (c.BOOK_TYPE_BUY, quote.bid))
    return tuple(build(BookInfo, type=side, price=price, volume=int(lots), volume_dbl=lots) for side, price in sides)


@call(False)
def market_book_release(*args: Any) -> bool | None:
    """market_book_release(symbol): end the subscription, whether there was one or not."""
    found = _booked("market_book_release", args)
    if found is None:
        return None
    session.books().discard(found[1])
    return True
