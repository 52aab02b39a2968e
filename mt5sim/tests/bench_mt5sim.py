"""How much a second the simulator answers: `python mt5sim/tests/bench_mt5sim.py`. Not collected by pytest."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import mt5sim as mt5

SECONDS = 3.0
SYMBOL = "EURUSD"
TICKS = 2_000_000
WINDOW = 20_000
""" ticks asked for at once """


def per_second(call: Callable[[], int], seconds: float = SECONDS) -> float:
    """`call` says how many it has done."""
    done, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        done += call()
    return done / took


def quotes() -> int:
    for _ in range(100):
        mt5.symbol_info_tick(SYMBOL)
    return 100


def orders() -> int:
    """Opens a position and closes it: two orders."""
    request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": SYMBOL, "volume": 0.01, "type_filling": 1}
    opened = mt5.order_send(**request, type=mt5.ORDER_TYPE_BUY)
    closed = mt5.order_send(**request, type=mt5.ORDER_TYPE_SELL, position=opened.order)
    if (opened.retcode, closed.retcode) != (mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_DONE):
        raise RuntimeError(f"an order was refused: {opened.comment}, {closed.comment}")
    return 2


def recording(folder: Path) -> Path:
    """Two million ticks, some twelve a second, in mt5sim's plain CSV."""
    random = np.random.default_rng(1)
    msc = 1_700_000_000_000 + np.cumsum(random.integers(0, 160, TICKS))
    bid = np.round(1.1 + np.cumsum(random.integers(-1, 2, TICKS)) * 1e-5, 5)
    file = folder / "ticks.csv"
    rows = np.column_stack([msc, bid, bid + 8e-5])
    np.savetxt(file, rows, fmt="%d,%.5f,%.5f", comments="", header="ts_ms_utc,bid,ask")
    return file


def ticks_per_second(folder: Path) -> float:
    """A reader as a terminal's client is: whole seconds, then drop what was had of the last millisecond."""
    mt5.load(mt5.TerminalConfig(market=mt5.Replay(recording(folder), SYMBOL, speed=0)))
    cursor, had, total, began = 1_000, 0, 0, time.perf_counter()
    while total < TICKS:
        stamps = mt5.copy_ticks_from(SYMBOL, cursor // 1000, WINDOW, mt5.COPY_TICKS_ALL)["time_msc"]
        start = int(np.searchsorted(stamps, cursor)) + had
        if start >= len(stamps):
            raise RuntimeError(f"{total} of {TICKS} ticks were read")
        total += len(stamps) - start
        cursor = int(stamps[-1])
        had = int((stamps == cursor).sum())
    return total / (time.perf_counter() - began)


def measure() -> dict[str, float]:
    """Per second: ticks read, quotes, orders of an account in memory, orders that are on disk before the answer."""
    figures: dict[str, float] = {}
    symbols = (mt5.BUILT_IN[SYMBOL],)
    with tempfile.TemporaryDirectory() as folder:
        figures["copy_ticks_from"] = ticks_per_second(Path(folder))
        for name, state_file in (("", None), ("_on_disk", Path(folder) / "account.sqlite")):
            mt5.load(mt5.TerminalConfig(symbols=symbols, state_file=state_file))
            if not name:
                figures["symbol_info_tick"] = per_second(quotes)
            figures["order_send" + name] = per_second(orders)
        mt5.load(mt5.TerminalConfig())
        mt5.shutdown()
    return figures


if __name__ == "__main__":
    for figure, value in measure().items():
        sys.stdout.write(f"{figure}: {value:,.0f}/s\n")
