"""Positions, history, calculations and orders."""

import sqlite3
from collections.abc import Callable, Iterable
from math import inf
from typing import Any, TypeVar

from mt5sim import constants as c
from mt5sim.answers import check_answer, send_answer
from mt5sim.arguments import (
    MAX_GROUP,
    MAX_SYMBOL,
    anything,
    double,
    in_group,
    invalid,
    mask32,
    no_positional,
    positional,
    seconds,
    text,
    trade_request,
    whole,
)
from mt5sim.judge import MARKET_TYPES, Plan, Refusal
from mt5sim.knobs import faults, pause
from mt5sim.session import (
    INVALID_ARGUMENTS,
    INVALID_PARAMS,
    NOT_FOUND,
    RECEIVE_FAILED,
    SEND_FAILED,
    TRADE_API_DISABLED,
    Failed,
    call,
    session,
)
from mt5sim.structs import (
    OrderCheckResult,
    OrderSendResult,
    TradeDeal,
    TradeOrder,
    TradePosition,
)
from mt5sim.terminal import Terminal

Row = TypeVar("Row", TradeDeal, TradeOrder)


@call(None)
def positions_total() -> int | None:
    return len(session.terminal().ledger.positions)


@call(None)
def positions_get(*args: Any, **kwargs: Any) -> tuple[TradePosition, ...] | None:
    """positions_get(*, symbol, ticket, group): keyword only; an empty tuple when there are none."""
    wanted = _open_trades(args, kwargs)
    terminal = session.terminal()
    found = [position for position in terminal.ledger.positions.values() if wanted(position)]
    return tuple(terminal.valuation.priced(position) for position in found)


@call(None)
def orders_total() -> int | None:
    """How many orders still work."""
    return len(session.terminal().ledger.pending)


@call(None)
def orders_get(*args: Any, **kwargs: Any) -> tuple[TradeOrder, ...] | None:
    """orders_get(*, symbol, ticket, group): orders that still work; an empty tuple when there are none."""
    wanted = _open_trades(args, kwargs)
    terminal = session.terminal()
    return tuple(terminal.order_priced(order) for order in terminal.ledger.pending.values() if wanted(order))


def _open_trades(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[TradePosition | TradeOrder], bool]:
    """Which open trades are asked for. The documentation puts group before symbol; both go before ticket here."""
    no_positional(args)
    group, symbol = text(kwargs, "group", MAX_GROUP), text(kwargs, "symbol", MAX_SYMBOL)
    ticket = whole(kwargs, "ticket")
    if group is not None:
        return lambda row: in_group(row.symbol, group)
    if symbol is not None:
        return lambda row: row.symbol == symbol
    return lambda row: ticket is None or row.ticket == ticket


@call(None)
def history_orders_total(*args: Any) -> int | None:
    first, last = _period("history_orders_total", args)
    return len(_done_between(session.terminal().ledger.orders.values(), first, last, lambda order: order.time_done))


@call(None)
def history_orders_get(*args: Any, **kwargs: Any) -> tuple[TradeOrder, ...] | None:
    """history_orders_get(date_from, date_to, *, group) or (*, ticket) or (*, position)."""
    return _history(
        "history_orders_get",
        args,
        kwargs,
        lambda terminal: terminal.ledger.orders.values(),
        lambda order: order.time_done,
        lambda order: order.ticket,
    )


@call(None)
def history_deals_total(*args: Any) -> int | None:
    first, last = _period("history_deals_total", args)
    return len(_done_between(session.terminal().ledger.deals.values(), first, last, lambda deal: deal.time))


@call(None)
def history_deals_get(*args: Any, **kwargs: Any) -> tuple[TradeDeal, ...] | None:
    """history_deals_get(date_from, date_to, *, group) or (*, ticket) or (*, position). `ticket` is an ORDER's."""
    return _history(
        "history_deals_get",
        args,
        kwargs,
        lambda terminal: terminal.ledger.deals.values(),
        lambda deal: deal.time,
        lambda deal: deal.order,
    )


def _period(function: str, dates: tuple[Any, ...]) -> tuple[int, int]:
    first, last = positional(function, dates, anything, anything)
    return seconds(function, first), seconds(function, last)


def _done_between(rows: Iterable[Row], first: int, last: int, when: Callable[[Row], int]) -> list[Row]:
    return [row for row in rows if first <= when(row) <= last]


def _history(
    function: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    rows_of: Callable[[Terminal], Iterable[Row]],
    when: Callable[[Row], int],
    ticket_of: Callable[[Row], int],
) -> tuple[Row, ...]:
    ticket, position = whole(kwargs, "ticket"), whole(kwargs, "position")
    group = text(kwargs, "group", MAX_GROUP)
    by_ticket = ticket is not None or position is not None
    if len(args) not in ((0,) if by_ticket else (2,)):
        raise Failed(INVALID_ARGUMENTS)
    period = None if by_ticket else _period(function, args)
    rows = rows_of(session.terminal())
    if ticket is not None:
        return tuple(row for row in rows if ticket_of(row) == ticket)
    if period is None:
        return tuple(row for row in rows if row.position_id == position and position != 0)
    found = _done_between(rows, *period, when)
    return tuple(row for row in found if group is None or in_group(row.symbol, group))


@call(None)
def order_calc_margin(*args: Any) -> float | None:
    """order_calc_margin(action, symbol, volume, price): deposit currency; open positions do not matter."""
    side, symbol, volume, price = positional("order_calc_margin", args, mask32, anything, double, double)
    terminal, profile = _calculable(side, symbol)
    if not (0 < volume < inf and 0 < price < inf):
        raise Failed(INVALID_PARAMS)
    margin = terminal.valuation.margin(profile, volume, price, side)
    if margin is None:
        raise Failed(INVALID_PARAMS)
    return margin


@call(None)
def order_calc_profit(*args: Any) -> float | None:
    """order_calc_profit(action, symbol, volume, price_open, price_close): deposit currency, no swap or commission."""
    side, symbol, volume, opened, closed = positional(
        "order_calc_profit", args, mask32, anything, double, double, double
    )
    terminal, profile = _calculable(side, symbol)
    if not all(0 < number < inf for number in (volume, opened, closed)):
        raise Failed(INVALID_PARAMS)
    profit = terminal.valuation.profit(side, profile, volume, opened, closed)
    if profit is None:
        raise Failed(INVALID_PARAMS)
    return profit


def _calculable(side: int, symbol: object) -> tuple[Terminal, Any]:
    if not isinstance(symbol, str) or len(symbol) > MAX_SYMBOL:
        raise Failed(INVALID_ARGUMENTS)
    terminal = session.terminal()
    if symbol not in terminal.profiles:
        raise Failed(NOT_FOUND)
    if side not in MARKET_TYPES:
        raise invalid("action")
    return terminal, terminal.profiles[symbol]


@call(None)
def order_check(*args: Any, **kwargs: Any) -> OrderCheckResult | None:
    """order_check(request) or order_check(**request): what the account would be after it. retcode 0 = it would pass."""
    request = trade_request(args, kwargs)
    terminal = session.terminal()
    return check_answer(terminal, request)


@call(None)
def order_send(*args: Any, **kwargs: Any) -> OrderSendResult | None:
    """order_send(request) or order_send(**request). None = look at last_error, and reconcile before sending again."""
    request = trade_request(args, kwargs)
    terminal = session.terminal()
    if faults.tradeapi_disabled:
        raise Failed(TRADE_API_DISABLED)
    luck = terminal.luck()
    pause(faults.latency_ms + luck.latency_ms)
    if faults.take("lost_request"):
        raise Failed(SEND_FAILED)
    outcome: Plan | Refusal
    if faults.retcode:
        outcome = Refusal(faults.retcode)
    else:
        # the market has moved while the request was under way
        session.terminal()
        try:
            outcome = terminal.order(request)
        except sqlite3.Error:
            outcome = Refusal(c.TRADE_RETCODE_ERROR)
    pause(faults.reply_latency_ms)
    if faults.take("lost_reply"):
        raise Failed(RECEIVE_FAILED)
    return send_answer(terminal, request, outcome)
