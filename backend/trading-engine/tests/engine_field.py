"""The engine as a process between a real bus and a store in memory; tests may kill it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine_world import ACCOUNT, SYMBOL, TENANT, account, batch
from memory_store import MemoryStore

from contracts import subjects
from contracts.codec import decode, encode
from contracts.orders import Order
from contracts.signals import SignedSignal
from kit.bus import Delivery, Message
from kit.free_ports import free_port
from kit.nats_bus import NatsBus
from kit.testing.engines import NatsServer

CROSS = "ma_cross:default/*:*:volume=0.1,fast=1,slow=3,sample_ms=100"
FALLS_THEN_RISES = [1.15, 1.14, 1.13, 1.12, 1.11, 1.10, 1.20]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Field:
    """A bus, a store, and an engine process that may be killed."""

    directory: Path
    server: NatsServer
    bus: NatsBus
    store: MemoryStore = field(default_factory=MemoryStore)
    process: "subprocess.Popen[bytes] | None" = None
    signals: list[SignedSignal] = field(default_factory=list)
    told: list[Order] = field(default_factory=list)
    first_at: dict[str, int] = field(default_factory=dict)
    """ signal id -> when it was first seen, ns """
    seq: int = 0
    epoch: int = 5

    async def listen(self) -> None:
        async def on_signals(deliveries: list[Delivery]) -> None:
            for delivery in deliveries:
                signed = decode(delivery.data, SignedSignal)
                self.first_at.setdefault(signed.signal_id, time.monotonic_ns())
                self.signals.append(signed)
                await delivery.ack()

        async def on_order(message: Message) -> None:
            self.told.append(decode(message.data, Order))

        await self.bus.consume("SIGNALS", "test-bridge", "signals.>", on_signals)
        await self.bus.subscribe("orders.>", on_order)

    def start(self) -> None:
        environ = {
            **os.environ,
            **self.server.environ("trading-engine"),
            "AITRADING_DATA_DIR": str(self.directory),
            "AITRADING_TRADING_ENGINE_PORT": str(free_port()),
            "AITRADING_TRADING_ENGINE_STRATEGIES": CROSS,
            "AITRADING_LOG_LEVEL": "warning",
        }
        self.process = subprocess.Popen([sys.executable, "-m", "trading_engine"], env=environ)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    async def account_reports(self) -> None:
        await self.bus.store(subjects.account(TENANT, ACCOUNT), encode(account(now_ms())))

    async def ticks(self, bids: list[float], symbol: str = SYMBOL) -> None:
        now = now_ms()
        made = batch(
            self.seq + 1,
            bids,
            at_ms=now + self.seq * 100,
            step_ms=100,
            received_ms=now,
            epoch=self.epoch,
            symbol=symbol,
        )
        self.seq += len(bids)
        await self.bus.store(subjects.ticks(TENANT, ACCOUNT, symbol), encode(made))

    async def cross(self) -> None:
        """Ticks of a new epoch that make the strategy buy, once."""
        self.epoch, self.seq = self.epoch + 1, 0
        await self.account_reports()
        await asyncio.sleep(0.05)  # the account's picture has its own consumer: let it get there first
        await self.ticks(FALLS_THEN_RISES)


async def engine_listens(bus: NatsBus) -> bool:
    with contextlib.suppress(Exception):
        info = await bus._js.consumer_info("TICKS", "engine-ticks")
        return bool(info.push_bound)
    return False
