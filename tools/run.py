"""`make run`: the platform, a simulated terminal and the address to open. Ctrl-C stops everything.

Data lie in AITRADING_DATA_DIR or ./var. TICKS=file SYMBOL=name SPEED=n replays a file instead of generated prices,
LIVE=BTCUSDT shows an exchange's public quotes to the simulated account.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import get
from mt5sim.exchange import ADDRESS, SYMBOLS
from mt5sim.live import trouble_with
from stage import (
    ACCOUNT,
    DEMO_STRATEGY,
    ROOT,
    Stage,
    StageError,
    generated_market,
    last_line,
    live_market,
    replayed_market,
)  # fmt: skip

HISTORY_S = 4 * 3_600
"""The first start reads what the generator has, so that a newcomer's chart is not empty."""


class Stopped(Exception):
    """A person or a supervisor asked for the end."""


def stop_on_signal(number: int, _frame: FrameType | None) -> None:
    """Leave whatever is being done; `main` then stops the children."""
    # the second Ctrl-C must not interrupt the orderly end
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)


def options() -> argparse.Namespace:
    """The command line; the Makefile hands TICKS, SYMBOL and SPEED over in the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("AITRADING_DATA_DIR") or ROOT / "var"))
    parser.add_argument("--ticks", default=os.environ.get("TICKS") or None, metavar="FILE")
    parser.add_argument("--symbol", default=os.environ.get("SYMBOL") or None)
    parser.add_argument("--speed", default=os.environ.get("SPEED") or "1")
    parser.add_argument("--live", default=os.environ.get("LIVE") or None, metavar="SYMBOL")
    parser.add_argument("--free-ports", action="store_true", help="use any free ports instead of the usual ones")
    chosen = parser.parse_args()
    chosen.data = chosen.data.expanduser().absolute()
    if chosen.live is not None:
        chosen.live = chosen.live.upper()
        if chosen.ticks is not None:
            raise StageError("LIVE and TICKS are two sources of prices: give one of them.")
        if chosen.live not in SYMBOLS:
            raise StageError(f"LIVE={chosen.live} is not known: use {' or '.join(f'LIVE={name}' for name in SYMBOLS)}.")
    if chosen.ticks is not None:
        chosen.ticks = Path(chosen.ticks).expanduser().absolute()
        if not chosen.ticks.exists():
            raise StageError(f"TICKS={chosen.ticks} is no file and no folder.")
        if not chosen.symbol:
            raise StageError("TICKS needs SYMBOL as well: make run TICKS=file SYMBOL=EURUSD")
    try:
        chosen.speed = float(chosen.speed)
    except ValueError:
        chosen.speed = -1.0
    if not 0 <= chosen.speed < float("inf"):
        raise StageError("SPEED is a number: 1 as recorded, 10 ten times faster, 0 as fast as possible.")
    return chosen


def stage_of(chosen: argparse.Namespace) -> Stage:
    """Generated prices, the replay of a file, or live quotes."""
    if chosen.live is not None:
        market = live_market(chosen.live)
    elif chosen.ticks is None:
        market = generated_market(symbols=(), ticks_per_second=2.0)
    else:
        market = replayed_market(chosen.ticks, chosen.symbol, chosen.speed)
    strategy = os.environ.get("AITRADING_TRADING_ENGINE_STRATEGIES", DEMO_STRATEGY)
    return Stage(chosen.data, market, free_ports=chosen.free_ports, strategy=strategy)


def look_for_quotes(symbol: str, address: str = ADDRESS) -> None:
    """StageError when the exchange's quotes cannot be had: better said before a platform is started for them."""
    if trouble := trouble_with(address, SYMBOLS[symbol]):
        end = "" if trouble.endswith("?") else "."
        raise StageError(f"No live quotes of {symbol}: {trouble}{end} For simulated prices, start with: make run")


def setup_needed(data: Path) -> bool:
    """Whether the first user is still to be made."""
    try:
        return bool(json.loads(get(DataDir(data), "api-gateway", "/api/v1/setup", 5.0)[1])["needed"])
    except (OSError, ValueError, KeyError):
        return False


def greet(chosen: argparse.Namespace, stage: Stage, began: float) -> None:
    """Where to look, how to sign in, what is simulated, how to stop."""
    code_file = chosen.data / "secrets" / "setup.code"
    print(f"\nReady in {time.monotonic() - began:.1f} s.")
    print(f"  Open        {stage.address}")
    if setup_needed(chosen.data) and code_file.exists():
        print(f"  First user  {stage.address}/setup/?code={code_file.read_text().strip()}")
    else:
        print("  Sign in     with your user")
    prices = (
        f"{chosen.symbol} is replayed from {chosen.ticks} at speed {chosen.speed:g}"
        if chosen.ticks
        else "the prices are generated"
    )
    if chosen.live:
        prices = f"the quotes of {chosen.live} are live, from Binance's public stream"
        print("  Prices      live quotes, simulated account")
    print(f"  Simulated   the terminal, its broker and account {ACCOUNT}; {prices}. No real money is involved.")
    print(f"  Logs        {chosen.data / 'logs'}")
    print("  Stop        Ctrl-C\n", flush=True)


def watch(stage: Stage) -> None:
    """Return never while both live; StageError with the log's path when one has ended."""
    while True:
        for name, child in (("hub", stage.platform), ("client", stage.client)):
            if child is not None and child.poll() is not None:
                log = stage.log_of(name)
                raise StageError(f"The {name} has ended ({last_line(log)}); its log is {log}.")
        time.sleep(0.2)


def run(chosen: argparse.Namespace) -> int:
    """Start all, wait for the end, stop all."""
    began = time.monotonic()
    if chosen.live is not None:
        look_for_quotes(chosen.live)
    stage = stage_of(chosen)
    try:
        print("Starting the platform", flush=True)
        stage.start_platform(lambda names: print(f"  waiting for {', '.join(names)}", flush=True))
        stage.start_client(HISTORY_S)
        greet(chosen, stage, began)
        watch(stage)
    except Stopped:
        print("\nStopping", flush=True)
    finally:
        stage.stop()
        print("Stopped", flush=True)
    return 0


def main() -> int:
    """Exit code 0 when stopped by Ctrl-C, 1 when something went wrong."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_on_signal)
    try:
        return run(options())
    except Stopped:
        return 0
    except StageError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename or ''}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
