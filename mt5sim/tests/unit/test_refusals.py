"""What a broker refuses, each with its own retcode and without touching the account."""

import tempfile
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mt5sim as mt5
from mt5sim.retcodes import TEXTS

from .conftest import Desk

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012)]
EURUSD = mt5.BUILT_IN["EURUSD"]


@pytest.mark.parametrize("volume", [0.0, -0.1, 0.001, 0.015, 100.01, 1e300, float("inf"), float("nan")])
def test_a_volume_off_the_symbols_grid_is_10014(desk, volume: float) -> None:
    desk.load(QUOTES)
    assert desk.buy(volume).retcode == mt5.TRADE_RETCODE_INVALID_VOLUME


@pytest.mark.parametrize("volume", [0.01, 0.07, 0.29, 0.57, 1.13])
def test_a_volume_on_the_grid_passes_in_spite_of_binary_fractions(desk, volume: float) -> None:
    desk.load(QUOTES)
    assert desk.buy(volume).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(
    ("exemode", "mask", "filling", "passes"),
    [
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 1, mt5.ORDER_FILLING_FOK, True),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 1, mt5.ORDER_FILLING_IOC, False),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 2, mt5.ORDER_FILLING_FOK, False),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 3, mt5.ORDER_FILLING_RETURN, False),
        (mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 0, mt5.ORDER_FILLING_RETURN, True),
        (mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE, 0, mt5.ORDER_FILLING_IOC, False),
        (mt5.SYMBOL_TRADE_EXECUTION_INSTANT, 0, mt5.ORDER_FILLING_RETURN, True),
        (mt5.SYMBOL_TRADE_EXECUTION_INSTANT, 0, mt5.ORDER_FILLING_FOK, True),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 7, mt5.ORDER_FILLING_BOC, False),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, 3, 9, False),
    ],
)
def test_the_fill_policy_follows_execution_mode_and_mask(
    desk, exemode: int, mask: int, filling: int, passes: bool
) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, exemode=exemode, filling_mode=mask),))
    expected = mt5.TRADE_RETCODE_DONE if passes else mt5.TRADE_RETCODE_INVALID_FILL
    assert desk.buy(type_filling=filling, price=1.1002).retcode == expected


@pytest.mark.parametrize(
    ("side", "stops"),
    [
        (0, {"sl": 1.1001}),
        (0, {"sl": 1.1000}),
        (0, {"tp": 1.0999}),
        (0, {"sl": -1.0}),
        (1, {"sl": 1.1001}),
        (1, {"tp": 1.1003}),
        (1, {"tp": float("nan")}),
    ],
)
def test_stops_on_the_wrong_side_of_the_price_are_10016(desk, side: int, stops: dict[str, float]) -> None:
    desk.load(QUOTES)
    assert desk.send(side, **stops).retcode == mt5.TRADE_RETCODE_INVALID_STOPS


@pytest.mark.parametrize(("sl", "passes"), [(1.0990, True), (1.0991, False)])
def test_stops_keep_the_stops_level_to_the_point(desk, sl: float, passes: bool) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, stops_level=100),))
    assert (desk.buy(sl=sl).retcode == mt5.TRADE_RETCODE_DONE) is passes


def test_an_order_beyond_the_free_margin_is_10019(desk) -> None:
    desk.load(QUOTES, account={"balance": 1000.0})
    assert desk.buy(1.0).retcode == mt5.TRADE_RETCODE_NO_MONEY
    assert desk.buy(0.8).retcode == mt5.TRADE_RETCODE_DONE
    assert desk.buy(0.1).retcode == mt5.TRADE_RETCODE_NO_MONEY
    # the opposite side covers what is held and needs less margin
    assert desk.sell(0.9).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(
    ("mode", "buy", "sell"),
    [
        (mt5.SYMBOL_TRADE_MODE_DISABLED, 10017, 10017),
        (mt5.SYMBOL_TRADE_MODE_LONGONLY, 10009, 10042),
        (mt5.SYMBOL_TRADE_MODE_SHORTONLY, 10043, 10009),
        (mt5.SYMBOL_TRADE_MODE_CLOSEONLY, 10044, 10044),
    ],
)
def test_the_trade_mode_of_a_symbol_is_kept(desk, mode: int, buy: int, sell: int) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, trade_mode=mode),))
    assert (desk.buy().retcode, desk.sell().retcode) == (buy, sell)


def test_a_long_only_symbol_lets_a_position_be_closed(desk) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, trade_mode=mt5.SYMBOL_TRADE_MODE_LONGONLY),))
    opened = desk.buy()
    assert desk.sell(position=opened.order).retcode == mt5.TRADE_RETCODE_DONE


def test_the_volume_limit_holds_per_direction(desk) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, volume_limit=0.3),))
    assert [desk.buy(0.2).retcode, desk.buy(0.2).retcode, desk.sell(0.2).retcode] == [10009, 10034, 10009]


def test_no_quote_is_10021_and_a_closed_market_10018(desk) -> None:
    desk.load([(float("nan"), 1.1), *QUOTES])
    assert desk.buy().retcode == mt5.TRADE_RETCODE_PRICE_OFF
    mt5.faults.market_closed = True
    assert desk.buy().retcode == mt5.TRADE_RETCODE_MARKET_CLOSED


def test_an_unknown_symbol_or_action_is_an_invalid_request(desk) -> None:
    desk.load(QUOTES)
    assert desk.buy(symbol="NOPE").retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send(action=99).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send().retcode == mt5.TRADE_RETCODE_INVALID


def test_a_pending_type_is_no_market_order(desk) -> None:
    desk.load(QUOTES)
    assert desk.send(mt5.ORDER_TYPE_BUY_LIMIT).retcode == mt5.TRADE_RETCODE_INVALID_ORDER


def test_instant_execution_asks_for_a_price_within_the_deviation(desk) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, exemode=mt5.SYMBOL_TRADE_EXECUTION_INSTANT),))
    assert desk.buy().retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    requote = desk.buy(price=1.1000, deviation=19)
    assert (requote.retcode, requote.bid, requote.ask) == (mt5.TRADE_RETCODE_REQUOTE, 1.1000, 1.1002)
    assert desk.buy(price=1.1000, deviation=20).price == 1.1002


def test_a_refusal_names_no_ticket_and_changes_nothing(desk) -> None:
    desk.load(QUOTES)
    before = mt5.account_info()
    result = desk.buy(0.001)
    assert (result.order, result.deal, result.volume, result.price) == (0, 0, 0.0, 0.0)
    assert (result.comment, result.request.volume) == ("Invalid volume", 0.001)
    assert mt5.account_info() == before
    assert len(desk.deals()) == 1


def test_a_request_that_leaves_the_terminal_gets_the_next_id(desk) -> None:
    desk.load(QUOTES)
    assert [desk.buy().request_id, desk.buy(0.001).request_id] == [1, 2]
    mt5.faults.autotrading = False
    assert desk.buy().request_id == 0


ANY_FLOAT = st.floats() | st.sampled_from([0.0, 0.1, 1.1, 1.1002])
SMALL_INT = st.integers(0, 12)


@given(
    st.fixed_dictionaries(
        dict.fromkeys(("action", "type", "type_filling", "position", "deviation", "order"), SMALL_INT)
        | dict.fromkeys(("volume", "price", "sl", "tp", "stoplimit"), ANY_FLOAT)
        | {"symbol": st.sampled_from(["EURUSD", "USDJPY", "", "NOPE"])}
    ),
    st.sampled_from([mt5.SYMBOL_TRADE_EXECUTION_INSTANT, mt5.SYMBOL_TRADE_EXECUTION_MARKET]),
)
@settings(max_examples=300, deadline=None)
def test_no_request_however_odd_raises_or_breaks_the_account(request: dict[str, Any], exemode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.load(QUOTES, symbols=(replace(EURUSD, exemode=exemode), mt5.BUILT_IN["USDJPY"]))
        check, result = mt5.order_check(request), mt5.order_send(request)
        assert result is not None
        assert check is not None
        assert result.comment == TEXTS[result.retcode]
        assert check.retcode == (0 if result.retcode == mt5.TRADE_RETCODE_DONE else result.retcode)
        assert isfinite(mt5.account_info().equity)
