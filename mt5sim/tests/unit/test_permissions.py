"""What the broker lets nobody do: outside the sessions, beyond the limits, against the symbol's or account's rules."""

from dataclasses import replace
from typing import Any

import pytest

import mt5sim as mt5
from mt5sim.market_week import week

EURUSD = mt5.BUILT_IN["EURUSD"]
QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012)]
MONDAY = 1_699_833_600_000
""" Monday 13 November 2023, 0:00 """
HOUR = 3_600_000
WORKDAYS = "Mon-Fri 08:00-17:00"


def pending(order_type: int, price: float, **more: Any) -> mt5.OrderSendResult:
    request = {"action": mt5.TRADE_ACTION_PENDING, "symbol": "EURUSD", "volume": 0.1, "type_filling": 2}
    return mt5.order_send(**(request | {"type": order_type, "price": price} | more))


@pytest.mark.parametrize(
    ("hour", "retcode"), [(7.999, 10018), (8.0, 10009), (16.9997, 10009), (17.0, 10018), (5 * 24 + 12.0, 10018)]
)
def test_outside_the_trade_sessions_every_request_is_10018(desk, hour: float, retcode: int) -> None:
    desk.load_rows([(int(MONDAY + hour * HOUR), *QUOTES[0])], symbols=(replace(EURUSD, trade_sessions=WORKDAYS),))
    assert desk.buy().retcode == retcode
    assert pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.09).retcode == retcode


def test_in_the_trade_session_but_outside_the_quote_sessions_there_is_no_price(desk) -> None:
    desk.load_rows([(MONDAY, *QUOTES[0])], symbols=(replace(EURUSD, quote_sessions=WORKDAYS),))
    assert desk.buy().retcode == mt5.TRADE_RETCODE_PRICE_OFF


def test_stops_and_pending_orders_wait_for_the_session(desk) -> None:
    symbol = replace(EURUSD, trade_sessions=WORKDAYS)
    noon, evening, morning = MONDAY + 12 * HOUR, MONDAY + 20 * HOUR, MONDAY + 32 * HOUR
    desk.load_rows([(noon, *QUOTES[0]), (evening, 1.0, 1.0002), (morning, 1.05, 1.0502)], symbols=(symbol,))
    desk.buy(sl=1.08)
    pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.07)
    desk.step()
    assert (mt5.positions_total(), mt5.orders_total()) == (1, 1)
    desk.step()
    assert (desk.deals()[-1].price, desk.deals()[-2].price, mt5.orders_total()) == (1.05, 1.0502, 0)


def test_an_order_of_a_day_outside_the_session_expires_when_trading_starts_again(desk) -> None:
    symbol = replace(EURUSD, trade_sessions=WORKDAYS)
    noon, night, morning = MONDAY + 12 * HOUR, MONDAY + 26 * HOUR, MONDAY + 32 * HOUR
    desk.load_rows([(t, *QUOTES[0]) for t in (noon, night, morning)], symbols=(symbol,))
    ticket = pending(2, 1.09, type_time=mt5.ORDER_TIME_SPECIFIED_DAY, expiration=noon // 1000).order
    desk.step()
    assert mt5.orders_total() == 1
    desk.step()
    (order,) = mt5.history_orders_get(ticket=ticket)
    assert (order.state, order.time_done_msc) == (mt5.ORDER_STATE_EXPIRED, morning)


@pytest.mark.parametrize(
    ("text", "msc", "inside"),
    [
        ("Sun 22:00-24:00", MONDAY - HOUR, True),
        ("Sun 22:00-24:00", MONDAY, False),
        ("Mon-Tue 00:00-08:00,09:00-24:00; Fri 00:00-12:00", MONDAY + 8 * HOUR, False),
        ("Mon-Tue 00:00-08:00,09:00-24:00; Fri 00:00-12:00", MONDAY + 9 * HOUR, True),
        ("Fri-Mon 10:00-11:00", MONDAY + 10 * HOUR, True),
        ("Fri-Mon 10:00-11:00", MONDAY + 34 * HOUR, False),
    ],
)
def test_sessions_are_written_as_days_and_times(text: str, msc: int, inside: bool) -> None:
    sessions = week(text)
    assert sessions is not None
    assert sessions.holds(msc) is inside


@pytest.mark.parametrize(
    "text",
    ["always", "Mon 8:00-9:00", "Mon 09:00-08:00", "Moo 08:00-09:00", "Mon 08:00-25:00", "Mon 08:00-10:00,09:00-11:00"],
)
def test_sessions_that_cannot_be_read_are_a_mistake_of_the_configuration(text: str) -> None:
    with pytest.raises(mt5.ConfigError, match="session"):
        mt5.TerminalConfig(symbols=(replace(EURUSD, trade_sessions=text),))


def test_the_account_limits_its_pending_orders_and_its_positions(desk) -> None:
    desk.load(QUOTES, account={"limit_orders": 2, "limit_positions": 2})
    assert [pending(2, 1.09).retcode for _ in range(3)] == [10009, 10009, mt5.TRADE_RETCODE_LIMIT_ORDERS]
    assert [desk.buy().retcode for _ in range(3)] == [10009, 10009, mt5.TRADE_RETCODE_LIMIT_POSITIONS]
    assert mt5.account_info().limit_orders == 2


def test_the_volume_limit_counts_positions_and_pending_orders_of_a_direction(desk) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, volume_limit=0.3),))
    desk.buy(0.1)
    assert pending(mt5.ORDER_TYPE_BUY_STOP, 1.2, volume=0.2).retcode == mt5.TRADE_RETCODE_DONE
    assert desk.buy(0.01).retcode == mt5.TRADE_RETCODE_LIMIT_VOLUME
    assert pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.09, volume=0.01).retcode == mt5.TRADE_RETCODE_LIMIT_VOLUME
    assert pending(mt5.ORDER_TYPE_SELL_LIMIT, 1.2, volume=0.3).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(
    ("mode", "buy", "sell"),
    [
        (mt5.SYMBOL_TRADE_MODE_DISABLED, 10017, 10017),
        (mt5.SYMBOL_TRADE_MODE_LONGONLY, 10009, 10042),
        (mt5.SYMBOL_TRADE_MODE_SHORTONLY, 10043, 10009),
        (mt5.SYMBOL_TRADE_MODE_CLOSEONLY, 10044, 10044),
    ],
)
def test_the_trade_mode_of_a_symbol_holds_for_pending_orders(desk, mode: int, buy: int, sell: int) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, trade_mode=mode),))
    assert (pending(2, 1.09).retcode, pending(3, 1.11).retcode) == (buy, sell)


@pytest.mark.parametrize(
    ("bit", "allowed"), [(1, {0}), (2, {2, 3}), (4, {4, 5}), (8, {6, 7}), (127, {0, 2, 3, 4, 5, 6, 7})]
)
def test_a_type_that_the_symbol_does_not_take_is_10035(desk, bit: int, allowed: set[int]) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, order_mode=bit),))
    prices = {2: 1.09, 3: 1.11, 4: 1.11, 5: 1.09, 6: 1.11, 7: 1.09}
    codes = {kind: pending(kind, price, stoplimit=price).retcode for kind, price in prices.items()}
    codes[0] = desk.buy(type_filling=1).retcode
    assert {kind for kind, code in codes.items() if code == mt5.TRADE_RETCODE_DONE} == allowed
    assert set(codes.values()) <= {mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_INVALID_ORDER}


@pytest.mark.parametrize(("bits", "stops"), [(1 | 16, {"tp": 1.2}), (1 | 32, {"sl": 1.05})])
def test_a_stop_that_the_symbol_does_not_take_is_10016(desk, bits: int, stops: dict[str, float]) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, order_mode=bits),))
    assert desk.buy(**stops).retcode == mt5.TRADE_RETCODE_INVALID_STOPS


@pytest.mark.parametrize(
    ("filling", "kind", "exemode", "mask", "passes"),
    [
        (mt5.ORDER_FILLING_RETURN, 2, mt5.SYMBOL_TRADE_EXECUTION_MARKET, 0, True),
        (mt5.ORDER_FILLING_FOK, 2, mt5.SYMBOL_TRADE_EXECUTION_MARKET, 1, True),
        (mt5.ORDER_FILLING_FOK, 2, mt5.SYMBOL_TRADE_EXECUTION_MARKET, 2, False),
        (mt5.ORDER_FILLING_BOC, 2, mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 4, True),
        (mt5.ORDER_FILLING_BOC, 2, mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 3, False),
        (mt5.ORDER_FILLING_BOC, 5, mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 4, False),
        (9, 2, mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 7, False),
    ],
)
def test_the_fill_policy_of_a_pending_order(desk, filling: int, kind: int, exemode, mask: int, passes: bool) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, exemode=exemode, filling_mode=mask),))
    expected = mt5.TRADE_RETCODE_DONE if passes else mt5.TRADE_RETCODE_INVALID_FILL
    assert pending(kind, 1.09, type_filling=filling).retcode == expected


@pytest.mark.parametrize(("account", "retcode"), [({"trade_allowed": False}, 10017), ({"trade_expert": False}, 10026)])
def test_a_broker_may_forbid_trading_or_automated_trading(desk, account: dict[str, bool], retcode: int) -> None:
    desk.load(QUOTES, account=account)
    assert (desk.buy().retcode, pending(2, 1.09).retcode) == (retcode, retcode)
    info = mt5.account_info()
    assert {"trade_allowed": info.trade_allowed, "trade_expert": info.trade_expert} | account == {
        "trade_allowed": info.trade_allowed,
        "trade_expert": info.trade_expert,
    }
