"""Pending orders: where they may stand, when they are filled, how they end."""

from dataclasses import replace
from typing import Any

import pytest

import mt5sim as mt5

from .conftest import T0

EURUSD = mt5.BUILT_IN["EURUSD"]
START = (1.1000, 1.1002)
FLAT = [START] * 4
BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT = range(2, 8)
DAY_MS = 86_400_000
MIDNIGHT = (T0 // DAY_MS + 1) * DAY_MS


def place(order_type: int, price: float, **more: Any) -> mt5.OrderSendResult:
    request = {
        "action": mt5.TRADE_ACTION_PENDING, "symbol": "EURUSD", "volume": 0.1, "type": order_type, "price": price,
        "type_filling": mt5.ORDER_FILLING_RETURN,
    }  # fmt: skip
    return mt5.order_send(**(request | more))


def order() -> mt5.TradeOrder:
    (found,) = mt5.orders_get()
    return found


def done(ticket: int) -> mt5.TradeOrder:
    (found,) = mt5.history_orders_get(ticket=ticket)
    return found


def test_a_placed_order_waits_with_its_ticket_and_costs_no_margin(desk) -> None:
    desk.load(FLAT)
    result = place(BUY_LIMIT, 1.09, sl=1.08, tp=1.2, magic=7, comment="mine")
    assert (result.retcode, result.deal, result.volume, result.price) == (mt5.TRADE_RETCODE_DONE, 0, 0.1, 0.0)
    waiting = order()
    assert (waiting.ticket, waiting.state, waiting.type) == (result.order, mt5.ORDER_STATE_PLACED, BUY_LIMIT)
    assert (waiting.price_open, waiting.sl, waiting.tp, waiting.magic, waiting.comment) == (1.09, 1.08, 1.2, 7, "mine")
    assert (waiting.price_current, waiting.time_done, waiting.position_id) == (1.1002, 0, 0)
    assert (mt5.orders_total(), mt5.positions_total(), mt5.account_info().margin) == (1, 0, 0.0)
    assert mt5.history_orders_get(ticket=result.order) == ()


@pytest.mark.parametrize(
    ("order_type", "price", "reached", "paid"),
    [
        (BUY_LIMIT, 1.0990, (1.0988, 1.0990), 1.0990),
        (BUY_LIMIT, 1.0990, (1.0980, 1.0982), 1.0982),
        (SELL_LIMIT, 1.1010, (1.1010, 1.1012), 1.1010),
        (BUY_STOP, 1.1010, (1.1008, 1.1010), 1.1010),
        (BUY_STOP, 1.1010, (1.1020, 1.1022), 1.1022),
        (SELL_STOP, 1.0990, (1.0990, 1.0992), 1.0990),
    ],
)
def test_an_order_is_filled_by_the_first_tick_that_reaches_it_at_that_ticks_price(
    desk, order_type: int, price: float, reached: tuple[float, float], paid: float
) -> None:
    desk.load([START, START, reached, START])
    ticket = place(order_type, price, sl=0.0).order
    desk.step()
    assert mt5.orders_total() == 1
    desk.step(2)
    position, filled, deal = desk.position(), done(ticket), desk.deals()[-1]
    assert (position.ticket, position.price_open, position.type) == (ticket, paid, order_type % 2)
    assert (filled.state, filled.position_id, filled.type) == (mt5.ORDER_STATE_FILLED, ticket, order_type)
    assert (filled.price_open, filled.volume_current, filled.time_done - filled.time_setup) == (price, 0.0, 2)
    assert (deal.order, deal.position_id, deal.price, deal.entry) == (ticket, ticket, paid, mt5.DEAL_ENTRY_IN)
    assert mt5.orders_total() == 0


@pytest.mark.parametrize(
    ("order_type", "price", "near"), [(BUY_LIMIT, 1.0990, (1.0989, 1.0991)), (SELL_STOP, 1.0990, (1.0991, 1.0993))]
)
def test_a_price_one_point_away_fills_nothing(desk, order_type: int, price: float, near: tuple[float, float]) -> None:
    desk.load([START, near])
    place(order_type, price)
    desk.step()
    assert (mt5.orders_total(), mt5.positions_total()) == (1, 0)


def test_a_stop_limit_becomes_a_limit_and_keeps_its_ticket(desk) -> None:
    desk.load([START, (1.1010, 1.1012), (1.1000, 1.1002)])
    ticket = place(BUY_STOP_LIMIT, 1.1010, stoplimit=1.1003).order
    assert (order().price_open, order().price_stoplimit) == (1.1010, 1.1003)
    desk.step()
    assert (order().ticket, order().type, order().price_open, order().price_stoplimit) == (ticket, 2, 1.1003, 0.0)
    desk.step()
    assert (desk.position().ticket, desk.position().price_open) == (ticket, 1.1002)


@pytest.mark.parametrize(
    ("order_type", "price", "retcode"),
    [
        (BUY_LIMIT, 1.1002, 10009),
        (BUY_LIMIT, 1.1003, 10015),
        (SELL_LIMIT, 1.1000, 10009),
        (SELL_LIMIT, 1.0999, 10015),
        (BUY_STOP, 1.1001, 10015),
        (SELL_STOP, 1.1001, 10015),
        (BUY_LIMIT, 0.0, 10015),
        (BUY_LIMIT, float("nan"), 10015),
        (8, 1.1, 10035),
        (0, 1.1, 10035),
    ],
)
def test_an_order_stands_on_its_side_of_the_market(desk, order_type: int, price: float, retcode: int) -> None:
    desk.load(FLAT)
    assert place(order_type, price).retcode == retcode


@pytest.mark.parametrize(
    ("order_type", "fits", "too_near"),
    [
        (BUY_LIMIT, 1.0992, 1.09921),
        (SELL_LIMIT, 1.1010, 1.10099),
        (BUY_STOP, 1.1012, 1.10119),
        (SELL_STOP, 1.0990, 1.09901),
    ],
)
def test_the_stops_level_keeps_an_order_away_from_the_market(desk, order_type, fits: float, too_near: float) -> None:
    desk.load(FLAT, symbols=(replace(EURUSD, stops_level=100),))
    assert place(order_type, too_near).retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    assert place(order_type, fits).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(("sl", "retcode"), [(1.0890, 10009), (1.08901, 10016), (1.0901, 10016)])
def test_the_stops_of_an_order_are_measured_from_its_own_price(desk, sl: float, retcode: int) -> None:
    desk.load(FLAT, symbols=(replace(EURUSD, stops_level=100),))
    assert place(BUY_LIMIT, 1.0900, sl=sl).retcode == retcode


@pytest.mark.parametrize(
    ("order_type", "stoplimit", "retcode"),
    [(BUY_STOP_LIMIT, 1.1005, 10009), (BUY_STOP_LIMIT, 1.1011, 10015), (BUY_STOP_LIMIT, 0.0, 10015)],
)
def test_a_buy_stop_limit_limits_below_its_stop(desk, order_type: int, stoplimit: float, retcode: int) -> None:
    desk.load(FLAT)
    assert place(order_type, 1.1010, stoplimit=stoplimit).retcode == retcode


@pytest.mark.parametrize(("stoplimit", "retcode"), [(1.1002, 10009), (1.10021, 10015)])
def test_the_limit_of_a_stop_limit_keeps_the_stops_level_to_its_stop(desk, stoplimit: float, retcode: int) -> None:
    desk.load(FLAT, symbols=(replace(EURUSD, stops_level=200),))
    assert place(BUY_STOP_LIMIT, 1.1022, stoplimit=stoplimit).retcode == retcode


def test_an_order_is_modified_and_keeps_its_ticket_and_volume(desk) -> None:
    desk.load(FLAT)
    ticket = place(BUY_LIMIT, 1.09).order
    request = {"action": mt5.TRADE_ACTION_MODIFY, "order": ticket, "price": 1.08, "sl": 1.07, "tp": 1.2}
    result = mt5.order_send(**request)
    assert (result.retcode, result.order, result.deal) == (mt5.TRADE_RETCODE_DONE, ticket, 0)
    moved = order()
    assert (moved.ticket, moved.price_open, moved.sl, moved.tp, moved.volume_initial) == (ticket, 1.08, 1.07, 1.2, 0.1)
    assert mt5.order_send(**request).retcode == mt5.TRADE_RETCODE_NO_CHANGES
    assert mt5.order_send(**(request | {"price": 1.2})).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    assert mt5.order_send(**(request | {"order": 5})).retcode == mt5.TRADE_RETCODE_INVALID


def test_a_removed_order_is_cancelled_in_the_history(desk) -> None:
    desk.load(FLAT)
    ticket = place(BUY_LIMIT, 1.09).order
    assert mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=ticket).retcode == mt5.TRADE_RETCODE_DONE
    assert (mt5.orders_get(), done(ticket).state) == ((), mt5.ORDER_STATE_CANCELED)
    assert done(ticket).volume_current == 0.1
    assert mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=ticket).retcode == mt5.TRADE_RETCODE_INVALID


@pytest.mark.parametrize(("price", "retcode"), [(1.0992, 10029), (1.09919, 10009)])
def test_an_order_within_the_freeze_level_is_neither_changed_nor_removed(desk, price: float, retcode: int) -> None:
    desk.load(FLAT, symbols=(replace(EURUSD, freeze_level=100),))
    ticket = place(BUY_LIMIT, price).order
    change = {"action": mt5.TRADE_ACTION_MODIFY, "order": ticket, "price": 1.08}
    assert mt5.order_check(change).retcode == (0 if retcode == 10009 else retcode)
    assert mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=ticket).retcode == retcode


def test_orders_are_found_by_symbol_ticket_and_group(desk) -> None:
    desk.load(FLAT)
    first, second = place(BUY_LIMIT, 1.09).order, place(SELL_LIMIT, 1.11).order
    assert [o.ticket for o in mt5.orders_get()] == [first, second]
    assert [o.ticket for o in mt5.orders_get(ticket=second)] == [second]
    assert len(mt5.orders_get(symbol="EURUSD")) == len(mt5.orders_get(group="EUR*")) == 2
    assert mt5.orders_get(symbol="GBPUSD") == mt5.orders_get(group="!EUR*") == ()


def test_a_pending_order_without_money_is_rejected_when_its_price_comes(desk) -> None:
    desk.load([START, (1.0980, 1.0982)], account={"balance": 50.0})
    ticket = place(BUY_LIMIT, 1.099).order
    desk.step()
    assert (mt5.positions_get(), mt5.orders_get(), done(ticket).state) == ((), (), mt5.ORDER_STATE_REJECTED)


def test_on_a_netting_account_an_order_works_on_the_one_position(desk) -> None:
    desk.load([START, (1.1010, 1.1012)], account={"margin_mode": "netting"})
    opened = desk.buy(0.3)
    ticket = place(SELL_LIMIT, 1.1005, volume=0.1).order
    desk.step()
    assert (desk.position().ticket, desk.position().volume) == (opened.order, 0.2)
    assert (done(ticket).position_id, desk.deals()[-1].entry) == (opened.order, mt5.DEAL_ENTRY_OUT)


def test_stops_of_a_filled_order_protect_its_position(desk) -> None:
    desk.load([START, (1.0980, 1.0982), (1.0960, 1.0962)])
    place(BUY_LIMIT, 1.099, sl=1.097)
    desk.step(2)
    assert (mt5.positions_get(), desk.deals()[-1].reason) == ((), mt5.DEAL_REASON_SL)


@pytest.mark.parametrize(
    ("type_time", "expiration", "mask", "retcode"),
    [
        (mt5.ORDER_TIME_GTC, 0, 1, 10009),
        (mt5.ORDER_TIME_GTC, 0, 14, 10022),
        (mt5.ORDER_TIME_DAY, 0, 2, 10009),
        (mt5.ORDER_TIME_SPECIFIED, T0 // 1000 + 1, 4, 10009),
        (mt5.ORDER_TIME_SPECIFIED, T0 // 1000, 4, 10022),
        (mt5.ORDER_TIME_SPECIFIED, T0 // 1000 + 60, 11, 10022),
        (mt5.ORDER_TIME_SPECIFIED_DAY, T0 // 1000 - 60, 15, 10009),
        (mt5.ORDER_TIME_SPECIFIED_DAY, T0 // 1000 - 86_400, 15, 10022),
        (9, 0, 15, 10022),
    ],
)
def test_a_lifetime_must_be_offered_and_in_the_future(desk, type_time, expiration, mask: int, retcode: int) -> None:
    desk.load(FLAT, symbols=(replace(EURUSD, expiration_mode=mask),))
    assert place(BUY_LIMIT, 1.09, type_time=type_time, expiration=expiration).retcode == retcode


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({"type_time": mt5.ORDER_TIME_DAY}, MIDNIGHT),
        ({"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": T0 // 1000 + 90}, T0 // 1000 * 1000 + 90_000),
        ({"type_time": mt5.ORDER_TIME_SPECIFIED_DAY, "expiration": T0 // 1000}, MIDNIGHT - 1000),
    ],
)
def test_an_order_expires_to_the_second(desk, more: dict[str, Any], ends: int) -> None:
    desk.load_rows([(T0, *START), (ends - 1, *START), (ends, 1.0, 1.0002), (ends + 1000, *START)])
    ticket = place(BUY_LIMIT, 1.09, **more).order
    desk.step()
    assert mt5.orders_total() == 1
    desk.step()
    # the tick at the end would have filled it
    assert (mt5.orders_get(), mt5.positions_get()) == ((), ())
    assert (done(ticket).state, done(ticket).time_done_msc) == (mt5.ORDER_STATE_EXPIRED, ends)


def test_a_symbol_may_delete_orders_and_stops_at_the_end_of_the_day(desk) -> None:
    symbol = replace(EURUSD, order_gtc_mode=mt5.SYMBOL_ORDERS_DAILY)
    desk.load_rows([(T0, *START), (MIDNIGHT + 1, *START)], symbols=(symbol,))
    ticket = place(BUY_LIMIT, 1.09).order
    desk.buy(sl=1.05, tp=1.2)
    desk.step()
    assert done(ticket).state == mt5.ORDER_STATE_EXPIRED
    assert (desk.position().sl, desk.position().tp) == (0.0, 0.0)


def test_a_symbol_may_delete_orders_at_the_end_of_the_day_and_keep_stops(desk) -> None:
    symbol = replace(EURUSD, order_gtc_mode=mt5.SYMBOL_ORDERS_DAILY_NO_STOPS)
    desk.load_rows([(T0, *START), (MIDNIGHT + 1, *START)], symbols=(symbol,))
    place(BUY_LIMIT, 1.09)
    desk.buy(sl=1.05)
    desk.step()
    assert (mt5.orders_total(), desk.position().sl) == (0, 1.05)


def test_pending_orders_survive_a_restart_and_are_filled_afterwards(desk) -> None:
    state = desk.folder / "account.sqlite"
    rows = [(1.1, 1.1002), (1.1, 1.1002), (1.098, 1.0982)]
    desk.load(rows, state_file=state)
    kept, gone = place(BUY_LIMIT, 1.099).order, place(BUY_LIMIT, 1.09).order
    mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=gone)
    desk.load(rows, state_file=state)
    assert [o.ticket for o in mt5.orders_get()] == [kept]
    assert place(BUY_LIMIT, 1.05).order == gone + 1
    desk.step(2)
    assert desk.position().ticket == kept


def test_events_of_several_symbols_happen_in_the_order_of_their_time(desk) -> None:
    """However the ticks are read: the dollar is sold at its own tick, and what comes later knows it."""
    files = {}
    for name, prices in {"EURUSD": [1.1, 1.1, 1.1, 1.09], "GBPUSD": [1.3, 1.29, 1.28, 1.28]}.items():
        rows = [(T0 + 1000 * i, price, round(price + 0.0002, 5)) for i, price in enumerate(prices)]
        files[name] = desk.write(rows, f"{name}.csv")
    mt5.load(mt5.TerminalConfig(market=mt5.Replay(files=files, speed=0)))
    for name, price in (("EURUSD", 1.095), ("GBPUSD", 1.295)):
        assert place(BUY_LIMIT, price, symbol=name).retcode == mt5.TRADE_RETCODE_DONE
    mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_ALL)
    mt5.copy_ticks_from("GBPUSD", 1, 10, mt5.COPY_TICKS_ALL)
    filled = [(deal.symbol, deal.time_msc - T0) for deal in mt5.history_deals_get(1, 2**31 - 1)[1:]]
    assert filled == [("GBPUSD", 1000), ("EURUSD", 3000)]
