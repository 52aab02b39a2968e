"""How many calls a second the simulator answers: `python mt5sim/tests/bench_mt5sim.py`. Not collected by pytest."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mt5sim as mt5

SECONDS = 3.0
SYMBOL = "EURUSD"


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


def measure() -> dict[str, float]:
    """Calls per second: quotes, orders of an account in memory, orders that are on disk before they are answered."""
    figures: dict[str, float] = {}
    symbols = (mt5.BUILT_IN[SYMBOL],)
    with tempfile.TemporaryDirectory() as folder:
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
