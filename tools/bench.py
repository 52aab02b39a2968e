"""`make bench`: the figures of the platform on this machine, measured now. Writes build/bench.json."""

import argparse
import asyncio
import csv
import gzip
import importlib.util
import json
import os
import platform
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from memory import pss_mb
from smoke import count, latencies_ms, percentile, watermark
from stage import ACCOUNT, BIN, ROOT, TENANT, Stage, StageError, generated_market, replayed_market, until

OUT = ROOT / "build" / "bench.json"
STORED_TICKS = 1_000_000
ORDER_SECONDS = 120
"""Long enough for about a hundred orders: a 99th percentile of fewer is their maximum."""
REVOCATIONS = 10
WARM_UP_SECONDS = 10
"""Left out: the first orders wait for history to be read, statements to be planned and modules to be touched."""
ORDER_STRATEGY = f"ma_cross:{TENANT}/{ACCOUNT}:*:volume=0.1,fast=2,slow=4,sample_ms=100,cooldown_ms=200"


@dataclass(frozen=True)
class Figure:
    """One measured number. `least` and `aim` are what was promised; None where there is no promise."""

    name: str
    value: float | None
    unit: str
    least: float | None
    aim: float | None
    conditions: str


def machine() -> str:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    versions = ", ".join(f"{name} {version(name)}" for name in ("chdb", "nats-py", "picows", "litestar", "msgspec"))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores {model}, {system}; {versions}"


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise StageError(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_ticks(file: Path, number: int) -> None:
    """A tick file of a seeded walk: the figures need no market's data."""
    walk, bid, now = random.Random(7), 1.10000, 1_700_000_000_000  # noqa: S311 prices, not secrets
    with gzip.open(file, "wt", compresslevel=1, newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["ts_ms_utc", "bid", "ask"])
        for _ in range(number):
            now += walk.randrange(1, 400)
            bid = round(bid + walk.choice((-1, 0, 0, 1)) * 1e-5, 5)
            rows.writerow([now, f"{bid:.5f}", f"{bid + 8e-5:.5f}"])


def ready_and_memory(data: Path) -> list[Figure]:
    """Start-up of a platform that was started before, and what it weighs when nothing happens."""
    stage = Stage(data)
    try:
        stage.start_platform()
        stage.stop()
        seconds = []
        for _ in range(3):
            seconds.append(stage.start_platform())
            stage.stop()
        stage.start_platform()
        stage.start_client()
        time.sleep(20)
        server, processes = pss_mb(data)
        ready = statistics.median(seconds)
        shown = ", ".join(f"{s:.2f}" for s in seconds)
        return [
            Figure("ready_warm_s", round(ready, 2), "s", 6, 3, f"`aitrading up` to all ready, median of 3: {shown}"),
            Figure(
                "idle_pss_mb", round(server), "MB", None, 600,
                f"sum of PSS of {processes} processes: engines, services, client, terminal at 4 ticks/s, 20 s",
            ),
        ]  # fmt: skip
    finally:
        stage.stop()


def bridge(_data: Path) -> list[Figure]:
    """The bridge alone: single-tick messages on one connection, counted by a receiver on the stream."""
    module = _module(ROOT / "backend/data-bridge/tests/bench_bridge.py")
    value = asyncio.run(module.measure())
    conditions = (
        "one connection, one tick a message, real NATS with JetStream; sender, bridge, NATS, receiver on one machine"
    )
    return [Figure("bridge_messages_per_s", round(value), "messages/s", 5_000, 100_000, conditions)]


def stored(data: Path) -> list[Figure]:
    """Terminal to ClickHouse, the whole path, engine included."""
    file = data / "ticks.csv.gz"
    data.mkdir(parents=True, exist_ok=True)
    made_ticks(file, STORED_TICKS)
    stage = Stage(data / "stage", replayed_market(file, "EURUSD", 0))

    async def run() -> float:
        async with stage.bus() as bus:
            stage.start_client()

            async def begun() -> int:
                return await watermark(bus)

            async def done() -> bool:
                return await watermark(bus) >= STORED_TICKS

            before: int = await until(begun, 60, "the first tick", every_s=0.005)
            started = time.monotonic()
            await until(done, 300, f"storing {STORED_TICKS:,} ticks", every_s=0.05)
            took = time.monotonic() - started
            counted = await count(bus)
            if counted.stored != STORED_TICKS or counted.lost or counted.duplicated:
                raise StageError(f"the store holds {counted}, not {STORED_TICKS:,} ticks once each")
            return (STORED_TICKS - before) / took

    try:
        stage.start_platform()
        value = asyncio.run(run())
    finally:
        stage.stop()
    conditions = (
        f"{STORED_TICKS:,} made ticks at full speed from mt5sim, first stored to last by the store's watermark, then "
        "counted in ClickHouse"
    )
    return [Figure("stored_ticks_per_s", round(value), "ticks/s", 50_000, 500_000, conditions)]


def tick_to_order(data: Path) -> list[Figure]:
    """Tick received by the connector to `order_send` called, on a market of moderate pace."""
    stage = Stage(data, generated_market(seed=3, ticks_per_second=20.0), strategy=ORDER_STRATEGY)

    async def run() -> tuple[list[float], list[float]]:
        async with stage.bus() as bus:
            stage.start_client()
            await asyncio.sleep(WARM_UP_SECONDS)
            warm = await latencies_ms(bus)
            await asyncio.sleep(ORDER_SECONDS)
            every = await latencies_ms(bus)  # newest first
            return every[: len(every) - len(warm)], warm

    try:
        stage.start_platform()
        delays, warm = asyncio.run(run())
    finally:
        stage.stop()
    conditions = (
        f"{len(delays)} orders in {ORDER_SECONDS} s, 2 symbols at 20 ticks/s, whole path with fsync at journal and "
        f"PostgreSQL; p50 {percentile(delays, 0.5)} ms, max {percentile(delays, 1.0)} ms; left out are "
        f"{len(warm)} orders of the first {WARM_UP_SECONDS} s, max {percentile(warm, 1.0)} ms"
    )
    return [Figure("tick_to_order_p99_ms", percentile(delays, 0.99), "ms", 50, 5, conditions)]


GOLD = ROOT.parent / "shared" / "data" / "xauusd_oanda_20140502_ticks_utc.csv.gz"


def connector(data: Path) -> list[Figure]:
    """The connector alone, terminal to disk: what it captures, how fast it is, and an order's way past its reads."""
    module = _module(ROOT / "client/metatrader-connector/tests/bench_connector.py")
    data.mkdir(parents=True, exist_ok=True)
    figures = []
    for speed, seconds in ((1.0, 60), (100.0, 3_600)):
        if not GOLD.exists():
            print(f"capture: the recording {GOLD.name} is not here", file=sys.stderr)
            break
        cut = data / f"gold{seconds}.csv"
        count = module.busiest(GOLD, cut, seconds)
        found, polled = asyncio.run(module.capture(data / f"capture{seconds}", cut, count, speed, seconds))
        name = f"gold_{speed:g}x"
        how = f"the busiest {seconds} s of the gold recording, {count:,} ticks, replayed at {speed:g}x by mt5sim"
        share = round(100 * found / count, 2)
        figures += [
            Figure(f"{name}_captured_percent", share, "%", 100, 100, how + "; spooled ticks counted"),
            Figure(
                f"{name}_poller_percent", round(100 * polled / count, 1), "%", None, None,
                how + "; a script that asks for the last tick every 100 ms of its own time",
            ),
        ]  # fmt: skip
    file = data / "ticks.csv.gz"
    made_ticks(file, STORED_TICKS)
    rate = asyncio.run(module.throughput(data / "throughput", file, STORED_TICKS))
    figures.append(
        Figure("spooled_ticks_per_s", round(rate), "ticks/s", 200_000, None, f"{STORED_TICKS:,} ticks, mt5sim to disk")
    )
    delays, read = asyncio.run(module.order_delays(data / "orders", file, 300))
    sync = module.fsync_ms(data / "fsync")
    how = (
        f"{len(delays)} orders, signal received to order_send entered, the intent's fsync included, while {read:,} "
        f"ticks of history were read; an fsync alone on this disk took p50 {percentile(sync, 0.5)}, "
        f"p99 {percentile(sync, 0.99)} ms; load {os.getloadavg()[0]:.1f}"
    )
    figures += [
        Figure("signal_to_send_p50_ms", percentile(delays, 0.5), "ms", None, 1, how),
        Figure("signal_to_send_p99_ms", percentile(delays, 0.99), "ms", None, 5, how),
    ]
    return figures


def access_token(address: str, name: str, password: str) -> str:
    """What a program is given that signs in for a person."""
    body = json.dumps({"name": name, "password": password}).encode()
    request = urllib.request.Request(f"{address}/api/v1/session/token", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        token: str = json.loads(answer.read())["access_token"]
        return token


def api(data: Path) -> list[Figure]:
    """A signed-in program's reads, 200 a second, open loop, while prices move; one refusal and there is no figure."""
    module = _module(ROOT / "backend/api-gateway/tests/bench_api.py")
    # one user asks as fast as two hundred
    stage = Stage(data, environ={"AITRADING_API_GATEWAY_READS_PER_MINUTE": "60000"})
    password = secrets.token_urlsafe(18)
    try:
        stage.start_platform()
        stage.start_client()
        stage.run_cli("user", "add", "bench", "--role", "viewer", "--password-stdin", stdin=password + "\n")
        time.sleep(5)
        token = access_token(stage.address, "bench", password)
        result: dict[str, Any] = asyncio.run(module.measure(stage.address, token))
    except module.NotAnsweredError as error:
        raise StageError(str(error)) from None
    finally:
        stage.stop()
    conditions = (
        "GET /api/v1/symbols, all answered with 200, 200 requests/s, open loop, 10 s, prices moving; "
        + json.dumps(result)
    )
    return [Figure("api_read_p95_ms", round(float(result["p95_ms"]), 2), "ms", 100, 10, conditions)]


def simulator(_data: Path) -> list[Figure]:
    """The simulated terminal alone, called as a script calls it."""
    rates = _module(ROOT / "mt5sim/tests/bench_mt5sim.py").measure()
    on_disk = f"{rates['order_send_on_disk']:,.0f}/s with a state_file, which is on disk before the answer"
    return [
        Figure(
            "mt5sim_ticks_per_s", round(rates["copy_ticks_from"]), "ticks/s", 1_000_000, None,
            "copy_ticks_from in process, 2,000,000 made ticks at full speed, windows of 20,000",
        ),
        Figure(
            "mt5sim_quotes_per_s", round(rates["symbol_info_tick"]), "calls/s", None, None,
            "symbol_info_tick in process, one symbol generated in real time, 3 s",
        ),
        Figure(
            "mt5sim_orders_per_s", round(rates["order_send"]), "calls/s", None, None,
            f"order_send in process, a market order that opens or closes, 3 s; {on_disk}",
        ),
    ]  # fmt: skip


def refused(address: str, token: str) -> bool:
    """Whether the gateway no longer takes this token."""
    request = urllib.request.Request(f"{address}/api/v1/symbols", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 401


def revoked(data: Path) -> list[Figure]:
    """The operator ends somebody's sessions: from starting the command to the first refusal of a living token."""
    stage = Stage(data)
    password, took = secrets.token_urlsafe(18), []
    try:
        stage.start_platform()
        stage.run_cli("user", "add", "bench", "--role", "viewer", "--password-stdin", stdin=password + "\n")
        for _ in range(REVOCATIONS):
            token = access_token(stage.address, "bench", password)
            if refused(stage.address, token):
                raise StageError("a new token was refused before anything was revoked")
            started = time.monotonic()
            with ThreadPoolExecutor(1) as beside:
                command = beside.submit(stage.run_cli, "user", "end-sessions", "bench")
                while not refused(stage.address, token):
                    if time.monotonic() - started > 20:
                        raise StageError("a token of ended sessions was taken for twenty seconds")
                    time.sleep(0.01)
                took.append((time.monotonic() - started) * 1000)
                command.result()
    finally:
        stage.stop()
    conditions = f"{REVOCATIONS} times `aitrading user end-sessions`, its own start included; max {max(took):.0f} ms"
    return [Figure("revoked_p50_ms", round(statistics.median(took)), "ms", None, 1_000, conditions)]


BENCHES: dict[str, Callable[[Path], list[Figure]]] = {
    "ready": ready_and_memory,
    "bridge": bridge,
    "stored": stored,
    "order": tick_to_order,
    "connector": connector,
    "api": api,
    "mt5sim": simulator,
    "revoked": revoked,
}


def table(figures: list[Figure]) -> str:
    """The figures for a terminal."""
    lines = [f"{'name':<24}{'value':>12} {'unit':<12}{'least':>9}{'aim':>9}  conditions"]
    for f in figures:
        value = "not measured" if f.value is None else f"{f.value:,g}"
        least, aim = ("–" if x is None else f"{x:,g}" for x in (f.least, f.aim))
        lines.append(f"{f.name:<24}{value:>12} {f.unit:<12}{least:>9}{aim:>9}  {f.conditions}")
    return "\n".join(lines)


def main() -> int:
    """Runs the benches named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which; all when none is named")
    names = parser.parse_args().names or list(BENCHES)
    print(machine(), file=sys.stderr)
    figures: list[Figure] = []
    failed = False
    for name in names:
        data = Path(tempfile.mkdtemp(prefix=f"aitrading-bench-{name}-"))
        try:
            figures += BENCHES[name](data)
        except StageError as error:
            failed = True
            print(f"{name}: {error} (kept: {data})", file=sys.stderr)
            continue
        shutil.rmtree(data, ignore_errors=True)
    OUT.parent.mkdir(exist_ok=True)
    where = machine()
    OUT.write_text(
        json.dumps([{**asdict(f), "conditions": f"{f.conditions}; {where}"} for f in figures], indent=1) + "\n"
    )
    print(table(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    print(f"measured with {BIN}", file=sys.stderr)
    sys.exit(main())
