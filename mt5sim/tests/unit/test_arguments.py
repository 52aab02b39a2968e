"""What the C module refuses, and in which words."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import mt5sim as mt5

GOOD = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "sl": 0.0, "tp": 0.0, "price": 0.0}


@pytest.fixture(autouse=True)
def terminal() -> None:
    mt5.load(mt5.TerminalConfig())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 1) for name in ("volume", "price", "stoplimit", "sl", "tp")),
        ("volume", "0.1"),
        ("sl", None),
        *((name, 1.0) for name in ("action", "magic", "order", "deviation", "type", "type_filling", "type_time")),
        *((name, np.int64(1)) for name in ("expiration", "position", "position_by", "magic")),
        ("expiration", datetime(2030, 1, 1, tzinfo=UTC)),
        ("magic", -1),
        ("magic", 2**64),
        ("comment", "x" * 30),
        ("comment", 5),
        ("symbol", "x" * 30),
    ],
)
def test_a_request_field_of_the_wrong_type_is_refused_by_name(name: str, value: Any) -> None:
    assert mt5.order_send(**(GOOD | {name: value})) is None
    assert mt5.last_error() == (-2, f'Invalid "{name}" argument')
    assert mt5.order_check(GOOD | {name: value}) is None


def test_the_first_wrong_field_in_the_checking_order_is_named() -> None:
    assert mt5.order_send(tp=1, sl=1, volume=1, comment=1) is None
    assert mt5.last_error() == (-2, 'Invalid "volume" argument')


def test_numpy_floats_29_characters_and_unknown_keys_pass() -> None:
    request = GOOD | {"volume": np.float64(0.1), "comment": "x" * 29, "anything": object()}
    assert mt5.order_send(request).retcode == mt5.TRADE_RETCODE_DONE
    assert type(mt5.order_send(**request).request.volume) is float


def test_a_request_comes_as_one_dictionary_or_as_keywords_never_both() -> None:
    assert mt5.order_send(GOOD, volume=0.1) is None
    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")
    assert mt5.order_send(5) is None
    assert mt5.last_error() == (-2, "Invalid 1st unnamed argument")


@pytest.mark.parametrize("function", [mt5.positions_get, mt5.orders_get])
def test_open_trades_are_asked_for_by_keyword_only(function: Any) -> None:
    assert function("EURUSD") is None
    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")
    assert function(ticket="1") is None
    assert mt5.last_error() == (-2, 'Invalid "ticket" argument')


@pytest.mark.parametrize(
    "name",
    [
        "symbol_info",
        "symbol_info_tick",
        "symbol_select",
        "copy_ticks_from",
        "copy_rates_from_pos",
        "order_calc_margin",
        "history_deals_total",
        "market_book_get",
    ],
)
def test_positional_only_functions_take_no_keywords(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(mt5, name)(symbol="EURUSD")


@pytest.mark.parametrize(
    "call",
    [
        lambda: mt5.copy_ticks_from("EURUSD", 1, 10.0, -1),
        lambda: mt5.copy_rates_from_pos("EURUSD", "M1", 0, 1),
        lambda: mt5.copy_rates_from_pos("EURUSD", 1, 0),
        lambda: mt5.order_calc_profit(0, "EURUSD", "1", 1.0, 1.0),
    ],
)
def test_a_wrong_type_in_a_native_slot_is_a_system_error(call: Any) -> None:
    with pytest.raises(SystemError, match="returned a result with an exception set"):
        call()


@pytest.mark.parametrize("date", ["2024-01-01", None, np.int64(5), np.datetime64("2024-01-01"), float("nan")])
def test_a_date_is_a_number_or_a_datetime(date: object) -> None:
    assert mt5.copy_ticks_from("EURUSD", date, 1, -1) is None
    assert mt5.last_error() == (-2, "Invalid arguments")


def test_dates_are_cut_to_whole_seconds() -> None:
    ticks = mt5.copy_ticks_from("EURUSD", 1, 1000, mt5.COPY_TICKS_ALL)
    middle = int(ticks["time_msc"][500])
    from_float = mt5.copy_ticks_from("EURUSD", middle / 1000, 1, mt5.COPY_TICKS_ALL)
    from_datetime = mt5.copy_ticks_from("EURUSD", datetime.fromtimestamp(middle / 1000, UTC), 1, mt5.COPY_TICKS_ALL)
    assert from_float["time_msc"][0] >= middle // 1000 * 1000
    assert from_float["time_msc"][0] <= middle
    assert (from_float == from_datetime).all()


def test_a_date_beyond_2038_overflows_as_32_bits_do() -> None:
    assert len(mt5.copy_ticks_from("EURUSD", 2**31, 1, -1)) == 1


@pytest.mark.parametrize(("count", "flags"), [(0, -1), (-5, -1), (5, 99)])
def test_a_count_or_flag_that_makes_no_sense_is_invalid(count: int, flags: int) -> None:
    assert mt5.copy_ticks_from("EURUSD", 1, count, flags) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("1",), "Invalid 1st unnamed argument"),
        ((1, 2), "Invalid 2nd unnamed argument"),
        ((), 'Invalid "login" argument'),
    ],
)
def test_login_names_the_argument_it_refuses(args: tuple[Any, ...], words: str) -> None:
    assert mt5.login(*args) is False
    assert mt5.last_error() == (-2, words)


def test_initialize_refuses_wrong_types_by_name() -> None:
    assert mt5.initialize(5) is False
    assert mt5.last_error() == (-2, "Invalid 1st unnamed argument")
    assert mt5.initialize(timeout="5") is False
    assert mt5.last_error() == (-2, 'Invalid "timeout" argument')
    assert mt5.initialize(path="x" * 258) is False
    assert mt5.last_error() == (-2, 'Invalid "path" argument')


def test_history_is_asked_for_by_period_or_ticket_or_position() -> None:
    assert mt5.history_deals_get() is None
    assert mt5.history_deals_get(1) is None
    assert mt5.history_deals_get(1, 2, ticket=5) is None
    assert mt5.last_error() == (-2, "Invalid arguments")
    assert mt5.history_deals_get(ticket=5) == ()


def test_calculations_refuse_what_they_cannot_calculate() -> None:
    assert mt5.order_calc_margin(5, "EURUSD", 1.0, 1.0) is None
    assert mt5.order_calc_margin(0, "NOPE", 1.0, 1.0) is None
    assert mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.order_calc_profit(0, "EURUSD", 1.0, 0.0, 1.0) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")
