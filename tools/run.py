"""`make run`: the platform, a simulated terminal and the address to open. Ctrl-C stops everything.

Data lie in AITRADING_DATA_DIR or ./var. TICKS=file SYMBOL=name SPEED=n replays a file instead of generated prices.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ACCOUNT = "1000001"
BUILT_IN = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "BTCUSD")
""" symbols whose contract the simulated terminal knows """
STRATEGIES = f"ma_cross:default/{ACCOUNT}:{{symbol}}:volume=0.1,fast=5,slow=20,sample_ms=1000"
START_LIMIT_S = 120.0
STOP_LIMIT_S = 90.0
CLIENT_STOP_LIMIT_S = 20.0


class RunError(Exception):
    """It can't go on; the text is one sentence that says what to do."""


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
    parser.add_argument("--free-ports", action="store_true", help="use any free ports instead of the usual ones")
    chosen = parser.parse_args()
    chosen.data = chosen.data.expanduser().absolute()
    if chosen.ticks is not None:
        chosen.ticks = Path(chosen.ticks).expanduser().absolute()
        if not chosen.ticks.is_file():
            raise RunError(f"TICKS={chosen.ticks} is not a file.")
        if not chosen.symbol:
            raise RunError("TICKS needs SYMBOL as well: make run TICKS=file SYMBOL=EURUSD")
    try:
        chosen.speed = float(chosen.speed)
    except ValueError:
        chosen.speed = -1.0
    if not 0 <= chosen.speed < float("inf"):
        raise RunError("SPEED is a number: 1 as recorded, 10 ten times faster, 0 as fast as possible.")
    return chosen


def terminal_config(chosen: argparse.Namespace) -> dict[str, Any]:
    """What the simulated terminal shall be: generated prices, or the replay of a file."""
    account = {"login": int(ACCOUNT), "server": "mt5sim-Demo", "name": "Demo"}
    # most brokers' clock, and what the connector expects unless told otherwise
    common = {"account": account, "clock": "ny+7"}
    if chosen.ticks is None:
        return {**common, "market": {"kind": "generator"}, "state_file": "broker.sqlite"}
    symbol = chosen.symbol
    profile = symbol if symbol in BUILT_IN else {"name": symbol, "like": "EURUSD"}
    market = {"kind": "replay", "file": str(chosen.ticks), "symbol": symbol, "speed": chosen.speed}
    # positions opened at replayed prices must not meet others: each symbol's replay remembers its own account
    return {**common, "symbols": [profile], "market": market, "state_file": f"broker-replay-{symbol}.sqlite"}


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def spawn(log: Path, *argv: str, **environ: str) -> "subprocess.Popen[bytes]":
    """Start a child in its own session (Ctrl-C reaches only us), its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log.unlink(missing_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def last_line(log: Path) -> str:
    """The last line that a child wrote for a person; JSON log lines are for machines."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace")[-16_384:].splitlines()]
        for line in reversed(lines):
            if line and not line.startswith("{"):
                return line
    return "it left no message"


def get(port: int, path: str) -> Any:
    """JSON of a page on this machine; None when nobody answers yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ports_of(data: Path, hub: int) -> dict[str, int]:
    """Where everything listens, once this hub has written it down."""
    try:
        state = json.loads((data / "run" / "state.json").read_text())
        return dict(state["ports"]) if state["hub"]["pid"] == hub else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def not_ready(ports: dict[str, int]) -> list[str] | None:
    """Names of services that are not ready yet; None while the hub itself does not answer."""
    found = get(ports["central-hub"], "/services")
    if found is None:
        return None
    return [
        row["service"]
        for row in found["services"]["services"]
        if row["state"] != "running" or (row["heartbeat"] is not None and not row["heartbeat"]["ready"])
    ]


def pauses(limit_s: float, what: str) -> Iterator[None]:
    """Short waits; RunError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
    raise RunError(f"{what} within {limit_s:.0f} s.")


def wait_ready(hub: "subprocess.Popen[bytes]", data: Path, log: Path) -> dict[str, int]:
    """Show what is still starting until everything is ready; the ports."""
    shown: list[str] | None = None
    ports: dict[str, int] = {}
    for _ in pauses(START_LIMIT_S, f"The platform was not ready (see {data / 'logs'})"):
        if hub.poll() is not None:
            raise RunError(last_line(log))
        ports = ports or ports_of(data, hub.pid)
        waiting = not_ready(ports) if ports else None
        if waiting == []:
            return ports
        if waiting != shown and waiting is not None:
            print(f"  waiting for {', '.join(waiting)}", flush=True)
            shown = waiting
    return ports


def enrol(data: Path, out: Path) -> None:
    """The enrolment file of the demo terminal."""
    argv = (str(BIN / "aitrading"), "terminal", "add", "--account", ACCOUNT, "--data", str(data), "--out", str(out))
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(done.stderr.strip() or "the demo terminal could not be enrolled")


def greet(chosen: argparse.Namespace, ports: dict[str, int], began: float) -> None:
    """Where to look, how to sign in, what is simulated, how to stop."""
    address = f"http://127.0.0.1:{ports['api-gateway']}"
    setup = get(ports["api-gateway"], "/api/v1/setup")
    code_file = chosen.data / "secrets" / "setup.code"
    print(f"\nReady in {time.monotonic() - began:.1f} s.")
    print(f"  Open        {address}")
    if setup and setup.get("needed") and code_file.exists():
        print(f"  First user  {address}/setup/?code={code_file.read_text().strip()}")
    else:
        print("  Sign in     with your user")
    prices = (
        f"{chosen.symbol} is replayed from {chosen.ticks} at speed {chosen.speed:g}"
        if chosen.ticks
        else "the prices are generated"
    )
    print(f"  Simulated   the terminal, its broker and account {ACCOUNT}; {prices}. No real money is involved.")
    print(f"  Logs        {chosen.data / 'logs'}")
    print("  Stop        Ctrl-C\n", flush=True)


def watch(children: dict[str, tuple["subprocess.Popen[bytes]", Path]]) -> None:
    """Return never while all live; RunError with the log's path when one has ended."""
    while True:
        for name, (child, log) in children.items():
            if child.poll() is not None:
                raise RunError(f"The {name} has ended ({last_line(log)}); its log is {log}.")
        time.sleep(0.2)


def end(child: "subprocess.Popen[bytes] | None", limit_s: float) -> None:
    """Ask a child to end; kill it when it does not."""
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(chosen: argparse.Namespace) -> int:
    """Start all, wait for the end, stop all: the client first, so that nothing is sent to a server that is going."""
    began = time.monotonic()
    hub_log, client_log = chosen.data / "logs" / "hub.log", chosen.data / "logs" / "client.log"
    config, enrolment = chosen.data / "client" / "terminal.json", chosen.data / "client" / "enrolment.json"
    hub = client = None
    try:
        print("Starting the platform", flush=True)
        strategies = STRATEGIES.format(symbol=chosen.symbol or "EURUSD")
        strategies = os.environ.get("AITRADING_TRADING_ENGINE_STRATEGIES", strategies)
        extra = ("--free-ports",) if chosen.free_ports else ()
        hub = spawn(
            hub_log,
            str(BIN / "aitrading"),
            "up",
            "--data",
            str(chosen.data),
            *extra,
            AITRADING_TRADING_ENGINE_STRATEGIES=strategies,
        )
        ports = wait_ready(hub, chosen.data, hub_log)
        write_private(config, json.dumps(terminal_config(chosen), indent=1))
        enrol(chosen.data, enrolment)
        files = ("--enrolment", str(enrolment), "--terminal", "mt5sim", "--terminal-path", str(config))
        client_data = ("--data", str(chosen.data / "client"))
        client = spawn(client_log, str(BIN / "aitrading-client"), "run", *files, *client_data, *extra)
        greet(chosen, ports, began)
        watch({"platform": (hub, hub_log), "simulated terminal's client": (client, client_log)})
    except Stopped:
        print("\nStopping", flush=True)
        return 0
    finally:
        end(client, CLIENT_STOP_LIMIT_S)
        end(hub, STOP_LIMIT_S)
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
    except RunError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename or ''}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
