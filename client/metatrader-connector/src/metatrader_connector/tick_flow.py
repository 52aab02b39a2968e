"""The way of a tick: terminal, validation, spool, uplink; and back: acks and rewinds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from client_security.domain.enrolment import Enrolment
from contracts.codec import encode
from contracts.ticks import TickBatch
from contracts.uplink import Rewind
from kit import log
from kit.clock import Clock
from metatrader_connector.domain.broker_clock import to_broker
from metatrader_connector.domain.cursor import FIRST_SECOND, Cursor, Rows, rows_of
from metatrader_connector.domain.limits import Quote
from metatrader_connector.domain.pace import LEAST, Pace
from metatrader_connector.domain.terminal import Opened, TickRead
from metatrader_connector.domain.ticks import Origin, Received, receive
from metatrader_connector.domain.window import Window
from metatrader_connector.ports import Line, Spool, SpoolFull, Terminal, TerminalDown

ROWS_PER_READ = 20_000
RETRY_S = 0.25
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
                    _log.error("spool_hole", symbol=symbol, wanted=first_seq)
                    break
                self._sent(batch, encode(batch))
                await asyncio.sleep(0)  # acks and signals get their turn between two frames
            self._ask()


@dataclass(slots=True)
class Reader:
    """Reads every symbol's new ticks, again and again. `quotes` holds the newest sane price of each."""

    terminal: Terminal
    spool: Spool
    forwarder: Forwarder
    enrolment: Enrolment
    clock: Clock
    zone: str
    poll_s: float
    first_read_s: int
    symbols: Callable[[], tuple[str, ...]]
    """What to stream now; empty until the account was seen, or when it is the wrong one."""
    keep_aside: KeepAside
    quotes: dict[str, Quote] = field(default_factory=dict)
    trouble: str = ""
    ticks_read: int = 0
    gaps: int = 0

    async def run(self) -> None:
        """Read until cancelled. Every trouble is followed by a fresh start from what the spool knows."""
        while True:
            opened = await self.terminal.ready()
            try:
                await self._read_session(opened)
                self.trouble = ""
            except SpoolFull as error:
                self.trouble = str(error)
                _log.warning("spool_full", reason=self.trouble)
                while not self.spool.room():  # noqa: ASYNC110 acks free it; a quarter of a second late is fine
                    await asyncio.sleep(RETRY_S)
            except (TerminalDown, OSError) as error:
                self.trouble = str(error)
            await asyncio.sleep(RETRY_S)

    async def _read_session(self, opened: Opened) -> None:
        session, cursors = self.terminal.session, await self.spool.cursors()
        epoch = self.spool.epoch
        behind: set[str] = set()
        seen: set[str] = set()
        saving: asyncio.Task[None] | None = None
        try:
            while self.terminal.session == session and self.terminal.opened is not None and self.spool.epoch == epoch:
                names = self.symbols()
                for name in names:
                    if name not in seen:
                        seen.add(name)
                        behind.add(name)
                        cursors.setdefault(name, Cursor(name, self._first_second(opened)))
                reads = tuple(
                    TickRead(name, cursors[name].read_from_s, cursors[name].taken + ROWS_PER_READ) for name in names
                )
                packed = await self.terminal.ticks(reads) if reads else ()
                if self.spool.epoch != epoch:
                    break  # the cursors count in an epoch that is over
                # a crash between read and spool only means that the same rows are read again
                results = self._received(names, packed, cursors, behind, opened)
                if results:
                    if saving is not None:
                        await saving
                    saving = asyncio.create_task(self._save(results, epoch))
                else:
                    if saving is not None:
                        await saving
                        saving = None
                    self.trouble = ""
                    await asyncio.sleep(self.poll_s if reads else RETRY_S)
        finally:
            if saving is not None:
                await asyncio.gather(saving, return_exceptions=True)

    def _first_second(self, opened: Opened) -> int:
        if opened.replay or self.first_read_s < 0:
            return FIRST_SECOND
        return to_broker(self.zone, self.clock.now_ms()) // 1000 - self.first_read_s

    def _received(
        self,
        names: tuple[str, ...],
        packed: tuple[bytes | None, ...],
        cursors: dict[str, Cursor],
        behind: set[str],
        opened: Opened,
    ) -> list[Received]:
        now_ms = self.clock.now_ms()
        origin = Origin(self.enrolment.tenant, self.enrolment.account, self.spool.epoch, self.zone)
        results = []
        for name, data in zip(names, packed, strict=True):
            if not data:
                behind.discard(name)
                continue
            found = receive(origin, cursors[name], rows_of(data), now_ms, name in behind and not opened.replay)
            cursors[name] = found.cursor
            if found.new_rows < ROWS_PER_READ:
                behind.discard(name)
            if found.gap:
                self.gaps += 1
                _log.warning("history_changed", symbol=name)
            if found.new_rows:
                results.append(found)
                self.ticks_read += found.new_rows
                self._quote(name, found, now_ms)
            for reason, rows in found.refused.items():
                self.keep_aside(name, reason, rows, now_ms)
        return results

    def _quote(self, name: str, found: Received, now_ms: int) -> None:
        if found.batches:
            last = found.batches[-1]
            bid, ask = (memoryview(column).cast("d")[-1] for column in (last.bid, last.ask))
            self.quotes[name] = Quote(bid, ask, now_ms)

    async def _save(self, results: list[Received], epoch: int) -> None:
        counts: dict[str, int] = {}
        for found in results:
            for reason, rows in found.refused.items():
                counts[reason] = counts.get(reason, 0) + len(rows)
        batches = tuple(batch for found in results for batch in found.batches)
        frames = await self.spool.append(batches, tuple(found.cursor for found in results), counts, epoch)
        self.forwarder.spooled(frames)
