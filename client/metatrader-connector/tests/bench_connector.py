"""Figures of the connector alone, with mt5sim in its own process: capture, throughput, and an order's way out."""

import asyncio
import contextlib
import csv
import gzip
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.audit_log import AuditLog
from client_security.domain.enrolment import Enrolment
from client_security.domain.signal_keys import SignalKeys
from client_security.domain.verification import Trust
from contracts.accounts import AccountState, Side
from contracts.executions import Execution
from contracts.signals import Signal, magic_of, short_id
from kit.clock import SystemClock
from kit.keys import key_id
from kit.signing import sign
from metatrader_connector.account_watch import AccountWatch
from metatrader_connector.adapters.journal import SqliteJournal
from metatrader_connector.adapters.spool import SqliteSpool
from metatrader_connector.adapters.terminal import TerminalClient
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.limits import Limits
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.terminal import Launch
from metatrader_connector.ea_ticks import MergedTicks
from metatrader_connector.order_desk import OrderDesk
from metatrader_connector.order_gate import OrderGate
from metatrader_connector.tick_flow import Forwarder
from metatrader_connector.tick_reader import Reader

LOGIN = 1000001
POLL_S = 0.1
POLLER = """
import sys, time, mt5sim as mt5
assert mt5.initialize(sys.argv[1]), mt5.last_error()
symbol, until, seen, last = sys.argv[2], time.monotonic() + float(sys.argv[3]), 0, None
while time.monotonic() < until:
    tick = mt5.symbol_info_tick(symbol)
    if tick.time_msc and tuple(tick) != last:
        seen, last = seen + 1, tuple(tick)
    time.sleep(0.1)
print(seen)
"""
"""What most people write; it sees the last tick of every 100 ms."""


class NoLine:
    """No server: everything stays in the spool."""

    connected = False

    def __init__(self) -> None:
        self.executions: list[Execution] = []

    def writable(self) -> bool:
        return False

    async def until_writable(self) -> None:
        await asyncio.Event().wait()

    def close(self) -> None:
        return

    def send_ticks(self, frame: bytes) -> bool:
        return False

    def send_execution(self, execution: Execution) -> bool:
        self.executions.append(execution)
        return True

    def send_state(self, state: AccountState) -> bool:
        return False


@dataclass
class Rig:
    """The connector's parts without a server."""

    terminal: TerminalClient
    spool: SqliteSpool
    reader: Reader
    watch: AccountWatch
    line: NoLine

    async def spooled(self) -> int:
        return sum((await self.spool.spooled()).values())


def simulated(home: Path, file: Path, symbol: str, speed: float) -> Path:
    """The terminal's JSON."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "terminal.json"
    account = {"login": LOGIN, "server": "mt5sim-Demo", "balance": 1e9}
    market = {"kind": "replay", "file": str(file), "symbol": symbol, "speed": speed}
    path.write_text(json.dumps({"account": account, "market": market}))
    return path


@contextlib.asynccontextmanager
async def rig(home: Path, path: Path) -> AsyncIterator[Rig]:
    """Started, reading, and stopped at the end."""
    clock, line = SystemClock(), NoLine()
    terminal = TerminalClient(Launch("mt5sim", str(path), str(home / "terminal.lock"), 60_000))
    spool = SqliteSpool(home / "spool.db", clock.now_ms(), 1 << 32)
    enrolment = Enrolment("wss://localhost/terminal", "bench", str(LOGIN), "a.b.c", {}, 1)
    watch = AccountWatch(terminal, line, enrolment, clock, "utc", (), 64, dict, tuple)
    reader = Reader(
        terminal, MergedTicks(terminal, clock), spool, Forwarder(spool, line, clock), enrolment, clock, "utc", 0.01, -1,
        watch.symbols, lambda *_: None,
    )  # fmt: skip
    tasks = [asyncio.create_task(one) for one in (terminal.run(), watch.run(), reader.run())]
    try:
        yield Rig(terminal, spool, reader, watch, line)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        spool.close()


def busiest(source: Path, target: Path, seconds: int) -> int:
    """Cut the busiest stretch of a recording; how many ticks it has."""
    with gzip.open(source, "rt", newline="") as file:
        rows = list(csv.reader(file))
    head, rows = rows[0], rows[1:]
    stamps = [int(row[0]) for row in rows]
    best, begin = (0, 0), 0
    for end, stamp in enumerate(stamps):
        while stamp - stamps[begin] >= seconds * 1_000:
            begin += 1
        best = max(best, (end - begin + 1, begin))
    count, begin = best
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows[begin : begin + count]])
    return count


async def capture(home: Path, file: Path, count: int, speed: float, seconds: float) -> tuple[int, int]:
    """(ticks spooled, ticks a 100 ms poller of the last tick saw), both from their own replay of the same file."""
    path = simulated(home, file, "XAUUSD", speed)
    poller = await asyncio.create_subprocess_exec(
        sys.executable, "-c", POLLER, str(path), "XAUUSD", str(seconds / speed + 1), stdout=asyncio.subprocess.PIPE
    )
    async with rig(home, path) as made:
        deadline = time.monotonic() + seconds / speed + 30
        while (found := await made.spooled()) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
    said, _ = await poller.communicate()
    return found, int(said)


async def throughput(home: Path, file: Path, count: int) -> float:
    """Ticks a second from the simulated terminal to the disk, from the first to the last."""
    async with rig(home, simulated(home, file, "EURUSD", 0)) as made:
        before = 0
        while not before:
            # taken before the question: an answer that comes late must not make the way look shorter
            began = time.perf_counter()
            before = await made.spooled()
            await asyncio.sleep(0.002)
        while (found := await made.spooled()) < count:
            await asyncio.sleep(0.005)
        return (found - before) / (time.perf_counter() - began)


def fsync_ms(file: Path, times: int = 200) -> list[float]:
    """How long this disk takes to keep a page, in ms."""
    found = []
    with file.open("wb", buffering=0) as out:
        for _ in range(times):
            out.write(bytes(4_096))
            began = time.perf_counter()
            os.fsync(out.fileno())
            found.append((time.perf_counter() - began) * 1_000)
    return found


async def order_delays(home: Path, file: Path, orders: int) -> tuple[list[float], int]:
    """(ms from a signal's arrival to `order_send` being entered, ticks of history read meanwhile)."""
    clock, key = SystemClock(), Ed25519PrivateKey.generate()
    async with rig(home, simulated(home, file, "EURUSD", 0)) as made:
        journal, audit = SqliteJournal(home / "journal.db", made.spool.epoch, clock.now_ms()), AuditLog(home / "audit")
        wide = Limits(max_volume_per_order=Decimal(100), max_volume_total=Decimal(100_000), orders_per_minute=100_000)
        gate = OrderGate(journal, made.watch, clock, lambda: wide, lambda: None, made.reader.quotes)
        server_clock = ServerClock()
        server_clock.heard(clock.boot_ns(), clock.boot_ns(), clock.now_ms())
        keys = SignalKeys({key_id(key): key.public_key()}, None)
        desk = OrderDesk(
            made.terminal, journal, made.line, made.watch, audit, Trust("bench", str(LOGIN), keys, journal.created_ms),
            clock, "utc", gate, 10_000, 1.0, Lease(1, clock.boot_ns() + 10**15), server_clock,
        )  # fmt: skip
        running = asyncio.create_task(desk.run())
        while not made.reader.quotes:
            await asyncio.sleep(0.01)
        before = made.reader.ticks_read
        for number in range(1, orders + 1):
            identity = uuid.uuid4().hex
            signal = Signal(
                identity, identity, "bench", str(LOGIN), "s", number, clock.now_ms(), clock.now_ms() + 4_000, "EURUSD",
                Side.BUY if number % 2 else Side.SELL, Decimal("0.01"), 0, 0.0, 0, magic_of(identity),
                short_id(identity), fence=1,
            )  # fmt: skip
            await desk.receive(sign(signal, key), time.monotonic_ns())
            while len(made.line.executions) < number:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
        running.cancel()
        delays = [e.decision_to_send_us / 1_000 for e in made.line.executions if e.sent_ms]
        if len(delays) < orders:
            raise RuntimeError(f"only {len(delays)} of {orders} orders went out: {made.line.executions[-1].reason}")
        read = made.reader.ticks_read - before
        journal.close()
        audit.close()
    return delays, read
