"""One suite for both modules: `pytest tests/conformance --terminal=mt5sim` or, on Windows, `--terminal=MetaTrader5`.

Against the real package it connects to a running terminal (`--terminal-path`, or whichever the package finds) and only
reads and is refused; orders are sent with `--may-trade` alone, and only on a demo account. What nobody has seen a real
terminal do is marked `assumed`: there the simulator has chosen, and against the real one such a test only reports.
"""

import importlib
import os
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "table.toml").read_text("utf-8"))
SHARED = Path(__file__).resolve().parents[4] / "shared"
MODULES = ("mt5sim", "MetaTrader5")
HISTORY_S = 3 * 86_400


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--terminal", choices=MODULES, default="mt5sim", help="the module under test")
    group.addoption("--terminal-path", default="", help="terminal64.exe or the simulator's JSON; default: it chooses")
    group.addoption("--symbol", default="EURUSD", help="a symbol of the terminal that is quoted now")
    group.addoption("--may-trade", action="store_true", help="send orders, on a demo account only")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "assumed: nobody has seen a real terminal do this; the simulator has chosen")


def option(config: pytest.Config, name: str, default: Any) -> Any:
    """The option, also where this folder is only collected on the way and its options were never parsed."""
    return config.getoption(name, default=default)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if option(config, "--terminal", "mt5sim") == "mt5sim":
        return
    for item in items:
        if item.get_closest_marker("assumed"):
            item.add_marker(pytest.mark.xfail(reason="assumed by the simulator, never seen", strict=False))


@pytest.fixture(scope="session")
def module(request: pytest.FixtureRequest) -> Any:
    """The module under test, not connected."""
    name = option(request.config, "--terminal", "mt5sim")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"--terminal={name} cannot be imported here ({error}): NOTHING of it has been tested")


@pytest.fixture(scope="session")
def real(module: Any) -> bool:
    return bool(module.__name__ == "MetaTrader5")


@pytest.fixture(scope="session")
def environ(module: Any) -> dict[str, str]:
    """For a new process: it finds the module under test where this one has found it, installed or not."""
    return {**os.environ, "PYTHONPATH": str(Path(module.__file__).resolve().parents[1])}


@pytest.fixture
def path(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What to hand to initialize."""
    given = option(request.config, "--terminal-path", "")
    return (given,) if given else ()


@pytest.fixture
def offline(module: Any, real: bool) -> Iterator[Any]:
    """The module in a process that has no connection; nothing of one test is left for the next."""
    module.shutdown()
    yield module
    module.shutdown()
    if not real:
        sys.modules["mt5sim.session"].session.end()


@pytest.fixture
def mt5(offline: Any, path: tuple[str, ...]) -> Any:
    """The module, connected."""
    if not offline.initialize(*path):
        pytest.fail(f"no terminal: {offline.last_error()}; start it and log it in to a demo account")
    return offline


@pytest.fixture
def symbol(mt5: Any, request: pytest.FixtureRequest) -> str:
    """A symbol in Market Watch with a quote."""
    name: str = option(request.config, "--symbol", "EURUSD")
    assert mt5.symbol_select(name, True), f"{name}: {mt5.last_error()}; name another with --symbol"
    return name


@pytest.fixture
def good(mt5: Any, symbol: str) -> dict[str, Any]:
    """A value for every slot with which a call succeeds."""
    tick = mt5.symbol_info_tick(symbol)
    return {
        "symbol": symbol, "enable": True, "timeframe": mt5.TIMEFRAME_M1, "start_pos": 0, "count": 10,
        "date_from": int(tick.time) - HISTORY_S, "date_to": int(tick.time) + HISTORY_S, "flags": mt5.COPY_TICKS_ALL,
        "action": mt5.ORDER_TYPE_BUY, "volume": 0.1, "price": tick.ask, "price_close": tick.ask + 0.001,
    }  # fmt: skip


@pytest.fixture
def request_of(mt5: Any, symbol: str) -> dict[str, Any]:
    """A market order that the symbol takes, as the documentation writes one."""
    info, tick = mt5.symbol_info(symbol), mt5.symbol_info_tick(symbol)
    return {
        "action": mt5.TRADE_ACTION_DEAL, "symbol": symbol, "volume": info.volume_min, "type": mt5.ORDER_TYPE_BUY,
        "price": tick.ask, "sl": 0.0, "tp": 0.0, "deviation": 20, "magic": 234000, "comment": "conformance",
        "type_time": mt5.ORDER_TIME_GTC,
        "type_filling": mt5.ORDER_FILLING_FOK if info.filling_mode & 1 else mt5.ORDER_FILLING_IOC,
    }  # fmt: skip


@pytest.fixture
def trading(mt5: Any, real: bool, request: pytest.FixtureRequest) -> Any:
    """The module, allowed to trade."""
    if real and not option(request.config, "--may-trade", False):
        pytest.skip("orders are sent to a real terminal with --may-trade only: NOT tested")
    if mt5.account_info().trade_mode != mt5.ACCOUNT_TRADE_MODE_DEMO:
        pytest.skip("orders are sent on a demo account only: NOT tested")
    return mt5


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"needs ../shared/{name}, which is not part of the repository")
        return SHARED / name

    return find


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """What is asked for, as soon as it is true: a broker's books need a moment."""

    def wait(ask: Callable[[], Any], limit_s: float = 10.0) -> Any:
        end = time.monotonic() + limit_s
        while not (answer := ask()) and time.monotonic() < end:
            time.sleep(0.05)
        assert answer
        return answer

    return wait
