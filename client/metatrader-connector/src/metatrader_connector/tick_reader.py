"""The way of a tick from the terminal to the spool: what was missed first, then what comes, each exactly once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from client_security.domain.enrolment import Enrolment
from contracts.accounts import TickGap
from kit import log
from kit.clock import Clock
from metatrader_connector.domain.backfill import BEHIND_S, Backfill, too_far
from metatrader_connector.domain.broker_clock import one_to_utc, to_broker
from metatrader_connector.domain.cursor import FIRST_SECOND, Cursor, Rows, rows_of
from metatrader_connector.domain.feed_watch import FeedWatch
from metatrader_connector.domain.limits import Quote
from metatrader_connector.domain.terminal import TICK_BYTES, Opened, TickRead
from metatrader_connector.domain.ticks import Origin, Received, receive
from metatrader_connector.ports import Spool, StorageFailed, Terminal, TerminalDown, TickSource
from metatrader_connector.tick_flow import Forwarder

ROWS_PER_READ = 5_000
"""An order waits until a read is over."""
RETRY_S = 0.25
DISK_RETRY_S = 2.0
_log = log.get("ticks")

KeepAside = Callable[[str, str, Rows, int], None]
"""(symbol, reason, rows, now_ms): keep refused rows for inspection."""


@dataclass(slots=True)
class Reader:
    """Reads every symbol's new ticks, again and again. `quotes` holds the newest sane price of each."""

    terminal: Terminal
    source: TickSource
    """The terminal asked again and again, or whoever tells sooner."""
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
    feed: FeedWatch | None = None
    backfill_max_s: int = 0
    """History is read again at most so far back; 0: as far as it takes."""
    quotes: dict[str, Quote] = field(default_factory=dict)
    _unsaved: list[TickGap] = field(default_factory=list)
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
            except StorageFailed as error:  # a full disk: MT5 keeps the ticks, and they are read when there is room
                self.trouble = str(error)
                _log.error("spool_not_written", reason=self.trouble)
                await asyncio.sleep(DISK_RETRY_S)
            except (TerminalDown, OSError) as error:
                self.trouble = str(error)
            await asyncio.sleep(RETRY_S)

    async def _read_session(self, opened: Opened) -> None:
        session, cursors = self.terminal.session, await self.spool.cursors()
        epoch = self.spool.epoch
        behind: set[str] = set()
        filling: dict[str, Backfill] = {}
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
                        await self._begin_filling(name, cursors, filling, opened)
                live = tuple(name for name in names if name not in filling)
                reads = tuple(
                    TickRead(name, cursors[name].read_from_s, cursors[name].taken + ROWS_PER_READ) for name in live
                )
                packed = await self.source.ticks(reads) if reads else ()
                missed, history = await self._missed(names, cursors, filling)
                if self.spool.epoch != epoch:
                    break  # the cursors count in an epoch that is over
                # a crash between read and spool only means that the same rows are read again
                results = self._received((*live, *missed), (*packed, *history), cursors, behind, filling, opened)
                if results:
                    if saving is not None:
                        await saving
                    saving = asyncio.create_task(self._save(results, epoch))
                else:
                    if saving is not None:
                        await saving
                        saving = None
                    self.trouble = ""
                    await (self.source.news(self.poll_s) if reads or filling else asyncio.sleep(RETRY_S))
        finally:
            if saving is not None:
                await asyncio.gather(saving, return_exceptions=True)

    async def _begin_filling(
        self, name: str, cursors: dict[str, Cursor], filling: dict[str, Backfill], opened: Opened
    ) -> None:
        if opened.replay:
            return  # its clock is the recording's: there is no now to catch up with
        now_ms = self.clock.now_ms()
        now_s = to_broker(self.zone, now_ms) // 1000
        before = cursors[name]
        if (later := too_far(before, now_s, self.backfill_max_s)) is not None:
            began = one_to_utc(self.zone, before.newest_msc, now_ms)
            ended = one_to_utc(self.zone, later.from_s * 1000, now_ms)
            await self.spool.lost(TickGap(name, began, ended, 0, "not_read", now_ms))
            cursors[name] = later
        if now_s - cursors[name].from_s > BEHIND_S:
            filling[name] = Backfill(cursors[name].from_s)

    async def _missed(
        self, names: tuple[str, ...], cursors: dict[str, Cursor], filling: dict[str, Backfill]
    ) -> tuple[tuple[str, ...], tuple[bytes | None, ...]]:
        """One window of history for each symbol that is behind: (symbols, rows)."""
        found: list[tuple[str, bytes | None]] = []
        for name in [name for name in names if name in filling]:
            now_ms = self.clock.now_ms()
            fill, now_s = filling[name], to_broker(self.zone, now_ms) // 1000
            if not fill.due(now_ms):
                continue
            if (read := fill.read(cursors[name], now_s, now_ms)) is None:
                del filling[name]
                continue
            data = await self.terminal.ticks_range(read)
            rows = len(data or b"") // TICK_BYTES
            if fill.settled(rows, now_ms):
                fill.took(read, rows)
                found.append((name, data))
        return tuple(name for name, _ in found), tuple(data for _, data in found)

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
        filling: dict[str, Backfill],
        opened: Opened,
    ) -> list[Received]:
        now_ms = self.clock.now_ms()
        origin = Origin(self.enrolment.tenant, self.enrolment.account, self.spool.epoch, self.zone)
        results = []
        for name, data in zip(names, packed, strict=True):
            if not data:
                if name not in filling:
                    behind.discard(name)
                continue
            cursors_before = cursors[name].newest_msc
            found = receive(origin, cursors[name], rows_of(data), now_ms, name in behind and not opened.replay)
            cursors[name] = found.cursor
            if found.new_rows < ROWS_PER_READ and name not in filling:
                behind.discard(name)
            if found.gap:
                self.gaps += 1
                self._history_changed(name, cursors_before, found, now_ms)
            if found.new_rows:
                results.append(found)
                self.ticks_read += found.new_rows
                self._quote(name, found, now_ms)
            for reason, rows in found.refused.items():
                self.keep_aside(name, reason, rows, now_ms)
        return results

    def _history_changed(self, name: str, newest_msc: int, found: Received, now_ms: int) -> None:
        """The terminal's past is another one: what lay between is not known, and said so."""
        _log.warning("history_changed", symbol=name)
        began = one_to_utc(self.zone, newest_msc, now_ms)
        ended = memoryview(found.batches[0].time_msc).cast("q")[0] if found.batches else now_ms
        self._unsaved.append(TickGap(name, began, max(began, ended), 0, "history_changed", now_ms))

    def _quote(self, name: str, found: Received, now_ms: int) -> None:
        if found.batches:
            last = found.batches[-1]
            bid, ask = (memoryview(column).cast("d")[-1] for column in (last.bid, last.ask))
            self.quotes[name] = Quote(bid, ask, now_ms)
            if self.feed is not None:
                self.feed.heard(name, now_ms)

    async def _save(self, results: list[Received], epoch: int) -> None:
        counts: dict[str, int] = {}
        for found in results:
            for reason, rows in found.refused.items():
                counts[reason] = counts.get(reason, 0) + len(rows)
        batches = tuple(batch for found in results for batch in found.batches)
        frames = await self.spool.append(batches, tuple(found.cursor for found in results), counts, epoch)
        self.forwarder.spooled(frames)
        while self._unsaved:
            await self.spool.lost(self._unsaved.pop(0))
