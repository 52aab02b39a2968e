"""The module looks like the real one: names, numbers, types, calling rules."""

import ast
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mt5sim as mt5
from mt5sim import constants, session
from mt5sim.retcodes import TEXTS

STRUCTS = [
    "Tick",
    "BookInfo",
    "TradePosition",
    "TradeOrder",
    "TradeDeal",
    "TradeRequest",
    "OrderSendResult",
    "OrderCheckResult",
    "AccountInfo",
    "TerminalInfo",
    "SymbolInfo",
]


def test_all_223_constants_have_the_values_of_the_package(api: dict[str, Any]) -> None:
    ours = {name: value for name, value in vars(constants).items() if name.isupper()}
    assert ours == api["constants"]
    assert all(getattr(mt5, name) == value for name, value in api["constants"].items())


@pytest.mark.parametrize("name", STRUCTS)
def test_a_result_type_has_the_fields_of_the_package_in_order(api: dict[str, Any], name: str) -> None:
    fields = api["result_types"][name]["fields"]
    kind = getattr(mt5, name)
    assert [(key, hint.__name__) for key, hint in kind.__annotations__.items()] == [
        (f["name"], f["py"]) for f in fields
    ]
    assert kind.n_fields == api["result_types"][name]["n_fields"]


def test_every_function_of_the_package_exists(api: dict[str, Any]) -> None:
    assert [name for name in api["functions"] if not callable(getattr(mt5, name, None))] == []


def test_ticks_and_rates_have_the_packed_dtypes_of_the_package(api: dict[str, Any]) -> None:
    mt5.load(mt5.TerminalConfig())
    arrays = {
        "ticks": mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_ALL),
        "rates": mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 10),
    }
    for name, array in arrays.items():
        expected = api["numpy_dtypes"][name]
        assert array.dtype.itemsize == expected["itemsize"]
        found = [[key, array.dtype[key].str, array.dtype.fields[key][1]] for key in array.dtype.names]
        assert found == [field[:3] for field in expected["fields"]]


def test_every_error_text_is_one_of_the_package(api: dict[str, Any]) -> None:
    known = {(code, words) for code, words, _ in api["errors"]["codes_and_default_texts"]}
    known |= {(-2, words) for words in api["errors"]["local_-2_texts"]}
    ours = {value for value in vars(session).values() if isinstance(value, tuple) and len(value) == 2}
    assert ours <= known
    assert len(ours) >= 10


def test_every_trade_retcode_has_words() -> None:
    assert set(TEXTS) == {value for name, value in vars(constants).items() if name.startswith("TRADE_RETCODE_")}


def test_a_struct_is_a_tuple_with_names_but_no_namedtuple() -> None:
    tick = mt5.Tick((1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0))
    assert isinstance(tick, tuple)
    assert (tick[1], tick.ask) == (1.1, 1.2)
    assert tick._asdict()["time_msc"] == 1000
    assert repr(tick).startswith("Tick(time=1, bid=1.1, ask=1.2,")
    assert not any(hasattr(tick, name) for name in ("_fields", "_replace", "_make", "__dict__"))
    with pytest.raises(AttributeError):
        tick.bid = 2.0


def test_a_struct_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(TypeError, match="8-sequence"):
        mt5.Tick((1, 2))


def test_struct_values_are_plain_python_numbers() -> None:
    mt5.load(mt5.TerminalConfig())
    for struct in (mt5.symbol_info_tick("EURUSD"), mt5.symbol_info("EURUSD"), mt5.account_info(), mt5.terminal_info()):
        for value, hint in zip(struct, type(struct).__annotations__.values(), strict=True):
            assert type(value) is hint


def test_the_terminal_says_that_it_is_simulated() -> None:
    mt5.load(mt5.TerminalConfig())
    info, account = mt5.terminal_info(), mt5.account_info()
    assert (info.name, info.company) == ("mt5sim", "Simulated prices")
    assert "sim" in account.server
    assert account.trade_mode == mt5.ACCOUNT_TRADE_MODE_DEMO


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        (mt5.version, (0, 0, "")),
        (mt5.terminal_info, None),
        (mt5.account_info, None),
        (mt5.symbols_total, None),
        (mt5.symbols_get, None),
        (lambda: mt5.symbol_select("EURUSD"), False),
        (lambda: mt5.login(1), False),
        (mt5.positions_get, None),
        (mt5.orders_total, None),
        (lambda: mt5.history_deals_get(1, 2), None),
        (lambda: mt5.copy_ticks_from("EURUSD", 1, 1, -1), None),
        (lambda: mt5.order_send(action=1), None),
        (lambda: mt5.order_calc_profit(0, "EURUSD", 1.0, 1.0, 1.0), None),
    ],
)
def test_without_a_connection_a_call_returns_its_failure_value(call: Any, failure: object) -> None:
    assert call() == failure
    assert mt5.last_error() == (-10004, "No IPC connection")


def test_last_error_is_empty_before_the_first_call_and_success_after_a_good_one() -> None:
    assert mt5.last_error() == (0, "")
    assert mt5.initialize()
    assert mt5.last_error() == (1, "Success")


def test_shutdown_closes_the_connection_and_initialize_finds_the_same_terminal_again() -> None:
    mt5.load(mt5.TerminalConfig(account=mt5.Account(login=77)))
    assert mt5.shutdown()
    assert mt5.account_info() is None
    assert mt5.initialize()
    assert mt5.account_info().login == 77


def test_depth_of_market_shows_the_quote_to_whoever_has_asked_for_it() -> None:
    mt5.load(mt5.TerminalConfig())
    assert mt5.market_book_get("EURUSD") is None
    assert mt5.last_error() == (-1, "Terminal: Call failed")
    assert mt5.market_book_add("EURUSD") is True
    sell, buy = mt5.market_book_get("EURUSD")
    assert (sell.type, buy.type) == (mt5.BOOK_TYPE_SELL, mt5.BOOK_TYPE_BUY)
    assert sell.price > buy.price > 0
    assert (type(sell.volume), type(sell.volume_dbl)) == (int, float)
    assert mt5.market_book_release("EURUSD") is True
    assert mt5.market_book_get("EURUSD") is None
    assert (mt5.market_book_add(1), mt5.market_book_get(1), mt5.market_book_release(1)) == (None, None, None)
    assert mt5.market_book_add("NOPE") is False


def test_a_refused_calling_rule_leaves_last_error_alone() -> None:
    mt5.load(mt5.TerminalConfig())
    assert mt5.symbol_info("NOPE") is None
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        mt5.symbol_info(symbol="EURUSD")
    with pytest.raises(TypeError, match="takes no arguments"):
        mt5.symbols_total(1)
    assert mt5.last_error() == (-4, "Terminal: Not found")


def test_a_chart_holds_maxbars_and_asking_for_as_many_fails_whole() -> None:
    mt5.load(mt5.TerminalConfig())
    mt5.faults.maxbars = 10
    assert mt5.terminal_info().maxbars == 10
    newest = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 9)
    assert len(newest) == 9
    assert mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 10) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")
    assert mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M1, 1, 2_000_000_000) is None
    assert len(mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M1, int(newest["time"][0]), 2_000_000_000)) == 9
    assert mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_M1, 2_000_000_000, 10) is None
    assert len(mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 9, 9)) == 1


def test_an_unknown_symbol_is_not_found() -> None:
    mt5.load(mt5.TerminalConfig())
    for answer in (mt5.symbol_info("NOPE"), mt5.symbol_info_tick("NOPE"), mt5.copy_ticks_range("NOPE", 1, 2, -1)):
        assert answer is None
        assert mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.symbol_select("NOPE", True) is False


def test_a_script_may_ask_which_orders_a_symbol_takes() -> None:
    mt5.load(mt5.TerminalConfig())
    assert all(info.order_mode == 127 for info in mt5.symbols_get())


def test_a_symbol_can_be_hidden_and_shown() -> None:
    mt5.load(mt5.TerminalConfig())
    assert mt5.symbol_select("EURUSD", False)
    assert mt5.symbol_info("EURUSD").visible is False
    assert mt5.symbol_select("EURUSD")
    assert mt5.symbol_info("EURUSD").select is True


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("*USD*", {"EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "BTCUSD"}),
        ("*,!*USD", {"USDJPY"}),
        ("EUR*,GBP*", {"EURUSD", "GBPUSD"}),
        ("", set()),
    ],
)
def test_a_group_lets_in_and_takes_away(group: str, names: set[str]) -> None:
    mt5.load(mt5.TerminalConfig())
    assert {info.name for info in mt5.symbols_get(group)} == names
    assert {info.name for info in mt5.symbols_get(group=group)} == names


def test_symbols_get_answers_a_bad_argument_with_false() -> None:
    mt5.load(mt5.TerminalConfig())
    assert mt5.symbols_get(5) is False
    assert mt5.symbols_get(group=5) is False
    assert mt5.last_error() == (-2, 'Invalid "group" argument')


def test_numbers_of_a_tick_array_can_be_written_by_the_reader() -> None:
    mt5.load(mt5.TerminalConfig())
    ticks = mt5.copy_ticks_from("EURUSD", 1, 5, mt5.COPY_TICKS_ALL)
    ticks["bid"] = np.nan
    assert not np.isnan(mt5.copy_ticks_from("EURUSD", 1, 5, mt5.COPY_TICKS_ALL)["bid"]).any()


def test_the_package_needs_numpy_and_nothing_else() -> None:
    imported = set()
    for file in Path(mt5.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    assert imported - sys.stdlib_module_names == {"numpy", "mt5sim"}
