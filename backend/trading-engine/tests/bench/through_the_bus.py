"""Measure the engine process behind a real bus: `python tests/bench/through_the_bus.py [ticks per batch]`."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine_world import ACCOUNT, TENANT, batch
from memory_store import MemoryStore

from contracts import subjects
from contracts.codec import encode
from kit.free_ports import free_port
from kit.keys import make_private_key
from kit.nats_bus import NatsBus
from kit.testing import write_service_keys
from kit.testing.engines import NatsServer, nats_server
from kit.testing.pki import page

SYMBOLS = [f"SYM{i}" for i in range(8)]
TICKS = 2_000_000


def figures(server: NatsServer, port: int) -> dict[str, float]:
    """Ticks worked on and CPU seconds used."""
    text = page(port, "trading-engine", server.files("operator"), "/metrics")[1].decode()
    found = {}
    for name in ("engine_ticks_total", "process_cpu_seconds_total"):
        match = re.search(rf"^{name} ([0-9.e+]+)$", text, re.MULTILINE)
        found[name] = float(match[1]) if match else 0.0
    return found


async def publish(bus: NatsBus, size: int) -> None:
    """Keep 64 batches on their way, as a busy bridge does."""
    now = time.time_ns() // 1_000_000
    slots = asyncio.Semaphore(64)

    async def one(symbol: str, data: bytes) -> None:
        async with slots:
            await bus.store(subjects.ticks(TENANT, ACCOUNT, symbol), data)

    for i in range(TICKS // size // len(SYMBOLS)):
        first = i * size + 1
        async with asyncio.TaskGroup() as group:
            for symbol in SYMBOLS:
                made = batch(first, [1.1] * size, at_ms=now + first * 5, step_ms=5, symbol=symbol)
                group.create_task(one(symbol, encode(made)))


async def measure(server: NatsServer, directory: Path, size: int) -> None:
    write_service_keys(directory / "secrets")
    make_private_key(directory / "secrets" / "signal.key")
    bus = await server.connect("bench")
    await MemoryStore().serve(bus)
    port = free_port()
    environ = {
        **os.environ,
        **server.environ("trading-engine"),
        "AITRADING_DATA_DIR": str(directory),
        "AITRADING_TRADING_ENGINE_PORT": str(port),
        "AITRADING_TRADING_ENGINE_STRATEGIES": "ma_cross:default/*:*:sample_ms=1000",
    }
    engine = subprocess.Popen([sys.executable, "-m", "trading_engine"], env=environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                info = await bus._js.consumer_info("TICKS", "engine-ticks")
                if info.push_bound:
                    break
            except Exception:
                await asyncio.sleep(0.05)
        before = await asyncio.to_thread(figures, server, port)
        total = TICKS // size // len(SYMBOLS) * len(SYMBOLS) * size
        began = time.monotonic()
        sending = asyncio.create_task(publish(bus, size))
        seen = before
        while seen["engine_ticks_total"] < total and time.monotonic() - began < 120:
            await asyncio.sleep(0.1)
            seen = await asyncio.to_thread(figures, server, port)
        took = time.monotonic() - began
        await sending
        cpu = seen["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
        ticks = seen["engine_ticks_total"]
        sys.stdout.write(
            f"batches of {size}: {ticks:,.0f} ticks in {took:.1f} s = {ticks / took:,.0f} ticks/s through the bus; "
            f"the engine used {cpu:.1f} s of one core = {ticks / cpu:,.0f} ticks per CPU second\n"
        )
    finally:
        engine.terminate()
        engine.wait()
        await bus.close()


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    with tempfile.TemporaryDirectory() as directory, nats_server(Path(directory)) as server:
        asyncio.run(measure(server, Path(directory), size))


main()
