"""The module's names, numbers and types: 223 constants, 35 functions, 11 result types, 2 arrays."""

import copy
import json
import pickle
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "table.toml").read_text("utf-8"))
KINDS = {"i": int, "f": float, "b": bool, "s": str}
TICK = (1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0)


def constants() -> dict[str, int]:
    found: dict[str, int] = {}
    for group in TABLE["constants"]:
        for number, word in enumerate(group["names"].split(), group.get("first", 0)):
            name, _, value = word.partition("=")
            found[group["prefix"] + name] = int(value, 0) if value else number
    return found


def fields(name: str) -> list[tuple[str, str]]:
    return [tuple(word.split(":")) for word in TABLE["structs"][name].split()]


def dtype(name: str) -> np.dtype:
    return np.dtype([tuple(word.replace(":", ":<").split(":")) for word in TABLE["dtypes"][name].split()])


CONSTANTS = constants()


def test_there_are_223_constants() -> None:
    assert len(CONSTANTS) == 223


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_its_number(module: Any, name: str) -> None:
    assert getattr(module, name) == CONSTANTS[name]


def test_no_constant_is_there_that_the_package_has_not(module: Any) -> None:
    ours = {name for name, value in vars(module).items() if name.isupper() and isinstance(value, int)}
    assert ours - {"BUILT_IN"} == set(CONSTANTS)


def test_there_are_35_functions(module: Any) -> None:
    assert len(TABLE["functions"]) == 35
    assert [name for name in TABLE["functions"] if not callable(getattr(module, name, None))] == []


def test_the_table_agrees_with_the_reading_of_the_package(shared_file: Callable[[str], Path]) -> None:
    read = json.loads(shared_file("reference/mt5_api.json").read_text("utf-8"))
    assert read["constants"] == CONSTANTS
    assert set(TABLE["functions"]) == set(read["functions"])
    names = {"i": "int", "f": "float", "b": "bool", "s": "str", "r": "TradeRequest"}
    for name, kind in read["result_types"].items():
        assert [(key, names[letter]) for key, letter in fields(name)] == [(f["name"], f["py"]) for f in kind["fields"]]
    for name, kind in read["numpy_dtypes"].items():
        row = dtype(name)
        assert [[key, row[key].str, row.fields[key][1]] for key in row.names] == [f[:3] for f in kind["fields"]]


def structs(mt5: Any, symbol: str, request_of: dict[str, Any]) -> dict[str, Any]:
    """One of each that a terminal without trades has to show."""
    check = mt5.order_check(request_of)
    return {
        "Tick": mt5.symbol_info_tick(symbol), "SymbolInfo": mt5.symbol_info(symbol),
        "AccountInfo": mt5.account_info(), "TerminalInfo": mt5.terminal_info(),
        "OrderCheckResult": check, "TradeRequest": check.request,
    }  # fmt: skip


def assert_is_a_struct(struct: Any, name: str) -> None:
    """A tuple whose items have names, in the package's order and of its types."""
    expected = fields(name)
    assert type(struct).__name__ == name
    assert isinstance(struct, tuple)
    assert len(struct) == struct.n_fields == struct.n_sequence_fields == len(expected)
    assert struct.n_unnamed_fields == 0
    assert list(struct._asdict()) == [key for key, _ in expected]
    assert tuple(struct._asdict().values()) == tuple(struct) == tuple(getattr(struct, key) for key, _ in expected)
    for value, (key, letter) in zip(struct, expected, strict=True):
        assert type(value).__name__ == ("TradeRequest" if letter == "r" else KINDS[letter].__name__), key


def test_the_results_are_tuples_with_names(mt5: Any, symbol: str, request_of: dict[str, Any]) -> None:
    for name, struct in structs(mt5, symbol, request_of).items():
        assert_is_a_struct(struct, name)


def test_the_results_of_a_trade_are_tuples_with_names(
    trading: Any, symbol: str, request_of: dict[str, Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    result = trading.order_send(request_of)
    assert result.retcode == trading.TRADE_RETCODE_DONE, result
    (position,) = eventually(lambda: trading.positions_get(ticket=result.order))
    (order,) = eventually(lambda: trading.history_orders_get(ticket=result.order))
    (deal,) = eventually(lambda: trading.history_deals_get(ticket=result.order))
    assert trading.Close(symbol, ticket=position.ticket) is True
    for name, struct in (
        ("OrderSendResult", result), ("TradePosition", position), ("TradeOrder", order), ("TradeDeal", deal),
    ):  # fmt: skip
        assert_is_a_struct(struct, name)


def test_a_level_of_the_depth_of_market_is_a_tuple_with_names(mt5: Any, symbol: str) -> None:
    if not mt5.market_book_add(symbol):
        pytest.skip(f"{symbol} has no depth of market here: {mt5.last_error()}")
    levels = mt5.market_book_get(symbol)
    assert mt5.market_book_release(symbol) is True
    for level in levels:
        assert_is_a_struct(level, "BookInfo")


def test_a_nested_request_stays_a_request(mt5: Any, request_of: dict[str, Any]) -> None:
    check = mt5.order_check(request_of)
    assert type(check._asdict()["request"]).__name__ == "TradeRequest"
    assert check.request._asdict() == {**check.request._asdict(), **request_of}


def test_a_struct_is_no_namedtuple_and_cannot_be_changed(mt5: Any, symbol: str) -> None:
    tick = mt5.symbol_info_tick(symbol)
    assert not any(hasattr(tick, name) for name in ("_fields", "_replace", "_make", "__dict__"))
    with pytest.raises(AttributeError):
        tick.bid = 2.0
    assert tick == tuple(tick)
    assert hash(tick) == hash(tuple(tick))
    assert tick[1:3] == (tick.bid, tick.ask)


def printed(kind: str, struct: Any, names: tuple[str, ...]) -> str:
    return f"{kind}({', '.join(f'{name}={getattr(struct, name)!r}' for name in names)})"


def test_a_struct_prints_as_the_struct_sequences_of_this_python_do(mt5: Any, symbol: str) -> None:
    """Whole: only Pythons before 3.9 cut long ones off with `...`, as old examples show."""
    for struct in (mt5.symbol_info_tick(symbol), mt5.symbol_info(symbol)):
        assert repr(struct) == printed(type(struct).__name__, struct, tuple(struct._asdict()))
    local = time.localtime(0)
    assert repr(local) == printed("time.struct_time", local, type(local).__match_args__)


def test_a_struct_can_be_copied_but_not_pickled_because_its_type_has_no_module(mt5: Any, symbol: str) -> None:
    tick = mt5.symbol_info_tick(symbol)
    assert str(type(tick)) == "<class 'Tick'>"
    assert copy.copy(tick) == copy.deepcopy(tick) == tick
    assert type(copy.copy(tick)) is type(tick)
    with pytest.raises(pickle.PicklingError, match="Tick"):
        pickle.dumps(tick)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="struct sequences know copy.replace since Python 3.13")
def test_a_struct_can_be_copied_with_changes(mt5: Any, symbol: str) -> None:
    tick = mt5.symbol_info_tick(symbol)
    assert copy.replace(tick, bid=2.0)._asdict() == {**tick._asdict(), "bid": 2.0}
    with pytest.raises(TypeError):
        copy.replace(tick, nothing=2.0)


def test_a_struct_is_made_from_a_sequence_of_the_right_length_only(mt5: Any, symbol: str) -> None:
    kind = type(mt5.symbol_info_tick(symbol))
    assert kind(TICK).time_msc == 1000
    with pytest.raises(TypeError, match="8-sequence"):
        kind((1, 2))
    with pytest.raises(TypeError):
        kind(*TICK)


def test_ticks_and_rates_are_packed_arrays(mt5: Any, good: dict[str, Any]) -> None:
    ticks = mt5.copy_ticks_from(good["symbol"], good["date_from"], 10, good["flags"])
    rates = mt5.copy_rates_from_pos(good["symbol"], good["timeframe"], 0, 10)
    for name, rows in (("ticks", ticks), ("rates", rates)):
        assert rows.dtype == dtype(name)
        assert (rows.dtype.itemsize, rows.ndim) == (60, 1)
        assert 0 < len(rows) <= 10
        assert (np.diff(rows["time"]) >= 0).all(), "oldest first"
