"""How each function is called and what it does when it cannot answer: every function against every rule of its kind."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "table.toml").read_text("utf-8"))
FUNCTIONS: dict[str, dict[str, str]] = TABLE["functions"]
VALUES: dict[str, object] = {"None": None, "False": False, "True": True, "zeros": (0, 0, "")}
UNKNOWN = "NO.SUCH.SYMBOL"

BAD: dict[str, tuple[object, ...]] = {
    "S": (5, None, b"EURUSD", "x" * 30),
    "D": ("2024-01-01", None, np.int64(5), np.datetime64("2024-01-01")),
    "i": (1.0, "1", None, 2**31),
    "k": (1.0, "1", None),
    "d": ("1", None),
}
""" values that a slot of a kind does not take """
NATIVE = "ikd"
""" kinds of slots whose refusal leaves a Python error behind the result """


def taking(*ways: str) -> list[str]:
    return [name for name, row in FUNCTIONS.items() if row["takes"] in ways]


def slots(name: str) -> list[tuple[str, str]]:
    """(name, kind) of every slot in order, optional ones included."""
    return [(key, kind[0]) for key, kind in (word.split(":") for word in FUNCTIONS[name]["slots"].split())]


def good_args(name: str, good: dict[str, Any]) -> list[Any]:
    return [good[key] for key, _ in slots(name)]


def failure(name: str, why: str = "fails") -> object:
    row = FUNCTIONS[name]
    return VALUES[row.get(why, row["fails"])]


POSITIONAL = taking("positional")
WITH_SYMBOL = [name for name in POSITIONAL if slots(name)[0][1] == "S" or slots(name)[1:2] == [("symbol", "S")]]
SLOTS = [
    (name, number, value)
    for name in POSITIONAL
    for number, (_, kind) in enumerate(slots(name))
    for value in BAD.get(kind, ())
]
NO_ANSWER: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((name, (), {}) for name in taking("nothing") if name not in ("shutdown", "last_error")),
    *((name, (), {}) for name in taking("keyword")),
    *((name, (), {"action": 1}) for name in taking("request")),
    ("symbols_get", (), {}),
    ("login", (1,), {}),
    ("history_orders_get", (1, 2), {}),
    ("history_deals_get", (), {"ticket": 1}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), NO_ANSWER, ids=[name for name, *_ in NO_ANSWER])
def test_without_a_connection_a_call_returns_its_failure(
    offline: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    answer = getattr(offline, name)(*args, **kwargs)
    assert (answer, type(answer)) == (failure(name), type(failure(name)))
    assert offline.last_error() == (-10004, TABLE["errors"]["-10004"])


@pytest.mark.parametrize("name", POSITIONAL)
def test_without_a_connection_a_positional_call_returns_its_failure(offline: Any, name: str) -> None:
    plain = {"S": "EURUSD", "D": 1, "i": 1, "k": 0, "d": 1.0, "p": True}
    answer = getattr(offline, name)(*[plain[kind] for _, kind in slots(name)])
    assert (answer, type(answer)) == (failure(name), type(failure(name)))
    assert offline.last_error() == (-10004, TABLE["errors"]["-10004"])


@pytest.mark.parametrize(("name", "error"), [("Buy", AttributeError), ("Sell", AttributeError), ("Close", TypeError)])
def test_without_a_connection_a_helper_breaks(offline: Any, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(offline, name)(*["EURUSD", 0.1][: 1 if name == "Close" else 2])


@pytest.mark.parametrize("name", taking("nothing"))
def test_a_function_without_parameters_takes_none(mt5: Any, name: str) -> None:
    for args, kwargs in (((1,), {}), ((), {"symbol": "EURUSD"})):
        with pytest.raises(TypeError):
            getattr(mt5, name)(*args, **kwargs)


@pytest.mark.parametrize("name", taking("nothing"))
def test_a_function_without_parameters_answers(mt5: Any, name: str) -> None:
    assert_good(mt5, name, getattr(mt5, name)())


@pytest.mark.parametrize("name", POSITIONAL)
def test_a_positional_function_answers(mt5: Any, good: dict[str, Any], name: str) -> None:
    if name == "market_book_get" and not mt5.market_book_add(good["symbol"]):
        pytest.skip(f"no depth of market here: {mt5.last_error()}")
    assert_good(mt5, name, getattr(mt5, name)(*good_args(name, good)))


@pytest.mark.parametrize("name", POSITIONAL)
def test_a_positional_function_takes_no_keywords(mt5: Any, good: dict[str, Any], name: str) -> None:
    keywords = {key: good[key] for key, _ in slots(name)}
    assert mt5.symbol_info(UNKNOWN) is None
    with pytest.raises(TypeError):
        getattr(mt5, name)(**keywords)
    assert mt5.last_error()[0] == -4, "it is refused before the module is entered, which would begin with a success"


@pytest.mark.parametrize("name", POSITIONAL)
def test_a_wrong_number_of_arguments_is_a_system_error(mt5: Any, good: dict[str, Any], name: str) -> None:
    args = good_args(name, good)
    least = args[:-1] if FUNCTIONS[name]["slots"].endswith("?") else args
    for wrong in (least[:-1], [*args, 1]):
        with pytest.raises(SystemError, match="returned a result with an exception set"):
            getattr(mt5, name)(*wrong)


@pytest.mark.parametrize(("name", "number", "value"), SLOTS, ids=lambda part: repr(part)[:24])
def test_a_slot_refuses_what_it_does_not_take(
    mt5: Any, good: dict[str, Any], name: str, number: int, value: object
) -> None:
    args = good_args(name, good)
    args[number] = value
    if slots(name)[number][1] in NATIVE:
        with pytest.raises(SystemError, match="returned a result with an exception set"):
            getattr(mt5, name)(*args)
        return
    assert getattr(mt5, name)(*args) is failure(name, "bad")
    assert mt5.last_error() == (-2, "Invalid arguments")


@pytest.mark.parametrize("name", [name for name in POSITIONAL if "i" in [kind for _, kind in slots(name)]])
def test_an_int_slot_takes_whatever_has_an_index(mt5: Any, good: dict[str, Any], name: str) -> None:
    args = [np.int64(good[key]) if kind == "i" else good[key] for key, kind in slots(name)]
    assert_good(mt5, name, getattr(mt5, name)(*args))


@pytest.mark.parametrize("name", ["order_calc_margin", "order_calc_profit"])
def test_a_double_slot_takes_ints_and_the_floats_of_numpy(mt5: Any, good: dict[str, Any], name: str) -> None:
    args = [np.float32(good[key]) if kind == "d" else good[key] for key, kind in slots(name)]
    args[2] = 1
    assert_good(mt5, name, getattr(mt5, name)(*args))


def test_symbol_select_takes_any_truth(mt5: Any, symbol: str) -> None:
    for yes in (1, "yes", [0]):
        assert mt5.symbol_select(symbol, yes) is True
    assert mt5.symbol_info(symbol).select is True


@pytest.mark.parametrize("name", WITH_SYMBOL)
@pytest.mark.assumed
def test_an_unknown_symbol_is_not_found(mt5: Any, good: dict[str, Any], name: str) -> None:
    args = [UNKNOWN if key == "symbol" else good[key] for key, _ in slots(name)]
    assert getattr(mt5, name)(*args) is failure(name)
    assert mt5.last_error() == (-4, TABLE["errors"]["-4"])


def test_symbol_info_of_an_unknown_symbol_is_none_and_not_found(mt5: Any) -> None:
    assert mt5.symbol_info(UNKNOWN) is None
    assert mt5.last_error() == (-4, TABLE["errors"]["-4"])


@pytest.mark.parametrize(
    "date",
    [
        datetime(2024, 1, 1),  # noqa: DTZ001 a naive one is taken for the local zone of the PC
        datetime(2024, 1, 1, tzinfo=UTC),
        1_704_067_200,
        1_704_067_200.9,
        np.float64(1.7e9),
    ],
)
def test_a_date_is_an_int_a_float_or_a_datetime(mt5: Any, date: object) -> None:
    assert isinstance(mt5.history_deals_total(date, date), int)
    assert mt5.last_error() == (1, "Success")


def test_dates_have_no_part_of_a_second(mt5: Any, good: dict[str, Any]) -> None:
    ticks = mt5.copy_ticks_from(good["symbol"], good["date_from"], 1000, good["flags"])
    second = int(ticks["time"][len(ticks) // 2])
    whole, part, aware = (
        mt5.copy_ticks_range(good["symbol"], start, second + 60, good["flags"])
        for start in (second, second + 0.999, datetime.fromtimestamp(second + 0.999, UTC))
    )
    assert whole["time"][0] == second
    assert len(part) == len(aware) == len(whole)


@pytest.mark.parametrize("name", ["positions_get", "orders_get"])
def test_open_trades_are_asked_for_by_keyword_only(mt5: Any, symbol: str, name: str) -> None:
    function: Callable[..., Any] = getattr(mt5, name)
    assert function(symbol) is None
    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")
    for wrong in ({"ticket": "1"}, {"ticket": 1.0}, {"ticket": np.int64(1)}, {"symbol": 5}, {"group": 5}):
        (key,) = wrong
        assert function(**wrong) is None
        assert mt5.last_error() == (-2, f'Invalid "{key}" argument')
    for right in ({}, {"symbol": symbol}, {"group": "*"}, {"ticket": 1}):
        assert_good(mt5, name, function(**right))
    assert function(ticket=1) == ()
    assert function(group="x" * 1998) is None
    assert mt5.last_error() == (-2, 'Invalid "group" argument')


@pytest.mark.parametrize("name", ["history_orders_get", "history_deals_get"])
def test_history_is_asked_for_by_period_ticket_or_position(mt5: Any, good: dict[str, Any], name: str) -> None:
    function: Callable[..., Any] = getattr(mt5, name)
    period = (good["date_from"], good["date_to"])
    assert_good(mt5, name, function(*period))
    assert_good(mt5, name, function(*period, group="*"))
    assert function(*period, group=f"{UNKNOWN}*") == ()
    assert (function(ticket=1), function(position=1)) == ((), ())
    for key in ("ticket", "position"):
        assert function(**{key: "1"}) is None
        assert mt5.last_error() == (-2, f'Invalid "{key}" argument')
    assert function("yesterday", good["date_to"]) is None
    assert mt5.last_error() == (-2, "Invalid arguments")


@pytest.mark.parametrize("name", ["history_orders_get", "history_deals_get"])
@pytest.mark.assumed
def test_history_without_a_whole_period_is_refused(mt5: Any, name: str) -> None:
    for args in ((), (1,)):
        assert getattr(mt5, name)(*args) is None
        assert mt5.last_error() == (-2, "Invalid arguments")


def test_symbols_get_answers_a_bad_argument_with_false(mt5: Any, symbol: str) -> None:
    assert mt5.symbols_get(5) is False
    assert mt5.symbols_get(group=5) is False
    assert mt5.last_error() == (-2, 'Invalid "group" argument')
    assert mt5.symbols_get("*", "*") is False
    for found in (mt5.symbols_get(symbol), mt5.symbols_get(group=symbol), mt5.symbols_get(f"*{symbol}*,!{symbol}?*")):
        assert symbol in [info.name for info in found]
    assert_good(mt5, "symbols_get", mt5.symbols_get())
    assert len(mt5.symbols_get()) == mt5.symbols_total()


@pytest.mark.parametrize(("count", "flags"), [(0, -1), (-5, -1)])
@pytest.mark.assumed
def test_a_count_that_makes_no_sense_is_invalid(mt5: Any, good: dict[str, Any], count: int, flags: int) -> None:
    assert mt5.copy_ticks_from(good["symbol"], good["date_from"], count, flags) is None
    assert mt5.last_error() == (-2, TABLE["errors"]["-2"])


def test_no_more_bars_are_given_than_the_chart_holds(mt5: Any, good: dict[str, Any]) -> None:
    longest = mt5.terminal_info().maxbars
    assert mt5.copy_rates_from_pos(good["symbol"], good["timeframe"], 0, longest) is None
    assert mt5.last_error() == (-2, TABLE["errors"]["-2"])
    assert mt5.copy_rates_from_pos(good["symbol"], good["timeframe"], 0, longest - 1) is not None


@pytest.mark.assumed
def test_a_period_without_history_is_an_array_without_rows(mt5: Any, good: dict[str, Any]) -> None:
    later = good["date_to"] + 86_400
    for rows in (
        mt5.copy_ticks_range(good["symbol"], later, later + 60, good["flags"]),
        mt5.copy_rates_range(good["symbol"], good["timeframe"], later, later + 60),
    ):
        assert (len(rows), rows.dtype.itemsize) == (0, 60)


def assert_good(mt5: Any, name: str, answer: Any) -> None:
    """The answer has the type that the table promises, and last_error says success."""
    error = mt5.last_error()
    kind, _, of = FUNCTIONS[name]["gives"].partition(" ")
    checks: dict[str, Callable[[], bool]] = {
        "True": lambda: answer is True,
        "int": lambda: type(answer) is int,
        "float": lambda: type(answer) is float,
        "tuple": lambda: type(answer) is tuple and all(type(row).__name__ == of for row in answer),
        "version": lambda: [type(part) for part in answer] == [int, int, str] and answer[0] == 500,
        "error": lambda: [type(part) for part in answer] == [int, str],
        "ticks": lambda: isinstance(answer, np.ndarray) and "time_msc" in answer.dtype.names,
        "rates": lambda: isinstance(answer, np.ndarray) and "tick_volume" in answer.dtype.names,
    }
    assert checks.get(kind, lambda: type(answer).__name__ == kind)(), answer
    assert error == (1, "Success")
