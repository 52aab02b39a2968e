"""The way of a tick from the spool to the server; and back: acks and rewinds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from contracts.codec import encode
from contracts.ticks import TickBatch
from contracts.uplink import Rewind
from kit import log
from kit.clock import Clock
from metatrader_connector.domain.cursor import Rows
from metatrader_connector.domain.pace import LEAST, Pace
from metatrader_connector.domain.window import Window
from metatrader_connector.ports import Line, Spool

ROWS_PER_READ = 5_000
RETRY_S = 0.25
DISK_RETRY_S = 2.0
AGE_EVERY_S = 60.0
_log = log.get("ticks")

KeepAside = Callable[[str, str, Rows, int], None]
"""(symbol, reason, rows, now_ms): keep refused rows for inspection."""


@dataclass(slots=True)
class Forwarder:
    """Sends what the spool has, within the window, in order."""

    spool: Spool
    line: Line
    clock: Clock
    window: Window = field(default_factory=lambda: Window(limit=LEAST))
    pace: Pace = field(default_factory=Pace)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ticks_sent: int = 0
    _asked: tuple[int, int, int] | None = None
    """ (stamp of the question behind a full window, the window's limit, when its oldest tick was sent) """

    def spooled(self, frames: tuple[tuple[TickBatch, bytes], ...]) -> None:
        """Batches have reached the disk: send them at once where they are next, else leave them to `pump`."""
        for batch, frame in frames:
            if batch.epoch != self.spool.epoch:
                continue  # it has another number by now
            self.window.spooled(batch.symbol, batch.last_seq)
            if self.line.writable() and self.window.fits(batch.symbol, batch.first_seq, batch.count):
                self._sent(batch, frame)
            else:
                self.wake.set()

    def _sent(self, batch: TickBatch, frame: bytes) -> None:
        if self.line.send_ticks(frame):
            self.window.sent(batch.symbol, batch.last_seq)
            self.pace.sent(batch.symbol, batch.last_seq, self._now_ms())
            self.ticks_sent += batch.count

    def begin(self, spooled: dict[str, int], stored: dict[str, int]) -> None:
        """A new connection: send again everything the store does not have."""
        for symbol, seq in spooled.items():
            self.window.spooled(symbol, seq)
        self.window.begin(stored.items())
        self.pace.begin()
        self._asked = None
        self.window.limit = self.pace.limit
        self.wake.set()

    def rewound(self, rewind: Rewind) -> None:
        """The server misses numbers."""
        if rewind.epoch == self.spool.epoch:
            self.window.rewind(rewind.symbol, rewind.from_seq)
            self.wake.set()

    def ponged(self, stamp: int) -> None:
        """The server answered a question: all that was sent before it has arrived."""
        if self._asked is not None and self._asked[0] == stamp:
            _, limit, oldest_ms = self._asked
            self.pace.reached(limit, self._now_ms() - oldest_ms)
            self._asked = None
            self.window.limit = self.pace.limit
            self.wake.set()

    def _ask(self) -> None:
        """Behind a full window: how long is its way?"""
        if self.pace.opening and self._asked is None and self.window.full():
            oldest_ms, stamp = self.pace.oldest_ms(), self.line.ask()
            self._asked = (stamp, self.pace.limit, oldest_ms) if stamp and oldest_ms is not None else None

    def _now_ms(self) -> int:
        return self.clock.monotonic_ns() // 1_000_000

    async def stored(self, stored: dict[str, int]) -> None:
        """The store has more: forget it here, and send on."""
        full, now_ms = self.window.full(), self._now_ms()
        for symbol, seq in stored.items():
            self.window.stored(symbol, seq)
            self.pace.stored(symbol, seq, now_ms, full=full)
        self.window.limit = self.pace.limit
        self.wake.set()
        await self.spool.trim(stored)

    async def age(self) -> None:
        """Let go of what has waited for too long, until cancelled."""
        while True:
            await self.spool.age(self.clock.now_ms())
            await asyncio.sleep(AGE_EVERY_S)

    async def pump(self) -> None:
        """Send what waits in the spool, until cancelled."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.line.connected and (due := self.window.next_read()) is not None:
                if not self.line.writable():
                    await self.line.until_writable()
                    continue
                symbol, first_seq, most = due
                batch = await self.spool.read(symbol, first_seq, most)
                if self.window.stream(symbol).sent != first_seq - 1:
                    continue  # an ack, a rewind or a new connection came meanwhile
                if batch is None or batch.first_seq != first_seq:
                    # the oldest were dropped: what is left begins a new epoch, which a new connection agrees on
                    _log.error("spool_hole", symbol=symbol, wanted=first_seq)
                    self.line.close()
                    break
                self._sent(batch, encode(batch))
                await asyncio.sleep(0)  # acks and signals get their turn between two frames
            self._ask()
