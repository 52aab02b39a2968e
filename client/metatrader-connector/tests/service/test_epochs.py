"""What the server has and what this PC has disagree: numbers begin anew, and nothing is stuck, lost or doubled."""

import asyncio
import contextlib
from decimal import Decimal

import numpy as np
import pytest

from client_security.domain.enrolment import Enrolment
from contracts.accounts import Side
from contracts.codec import decode
from contracts.executions import Execution, ExecutionState
from contracts.ticks import TickBatch, pack
from contracts.uplink import Ack, Rewind, StreamPosition, Welcome
from kit.testing import FakeClock, eventually
from metatrader_connector.adapters.journal import SqliteJournal
from metatrader_connector.adapters.spool import EpochChanged, SqliteSpool
from metatrader_connector.domain.cursor import TICK_DTYPE, Cursor
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.terminal import Opened
from metatrader_connector.ea_ticks import MergedTicks
from metatrader_connector.routes import NewEpoch, ServerSide
from metatrader_connector.tick_flow import Forwarder
from metatrader_connector.tick_reader import Reader

ENROLMENT = Enrolment("ws://127.0.0.1/", "default", "1000001", "a.b.c", {}, 1)


class Line:
    """A connection that keeps what is sent."""

    connected = True

    def __init__(self) -> None:
        self.ticks: list[TickBatch] = []
        self.executions: list[Execution] = []
        self.asked = 0

    def writable(self) -> bool:
        return True

    async def until_writable(self) -> None:
        return

    def send_ticks(self, frame: bytes) -> bool:
        self.ticks.append(decode(frame, TickBatch))
        return True

    def ask(self) -> int:
        self.asked += 1
        return self.asked

    def send_execution(self, execution: Execution) -> bool:
        self.executions.append(execution)
        return True


class Ends:
    """The server's side with a spool and a journal on disk."""

    def __init__(self, tmp_path) -> None:
        self.clock, self.line = FakeClock(), Line()
        self.spool = SqliteSpool(tmp_path / "spool.db", 1_000, 1 << 22)
        self.journal = SqliteJournal(tmp_path / "journal.db", 1_000, 1)
        self.forwarder = Forwarder(self.spool, self.line, self.clock)
        self.server = ServerSide(
            self.spool, self.journal, self.forwarder, None, self.line, self.clock, Lease(), ServerClock(), None
        )

    async def spooled(self, first: int, count: int) -> None:
        longs, doubles = pack("q", range(count)), pack("d", range(count))
        batch = TickBatch("default", "1000001", "EURUSD", self.spool.epoch, first, count, longs, longs, doubles,
                          doubles, pack("I", [6] * count), bytes(count))  # fmt: skip
        cursor = Cursor("EURUSD", 5, next_seq=first + count)
        self.forwarder.spooled(await self.spool.append((batch,), (cursor,)))

    async def report(self, signal: str) -> Execution:
        zero = Decimal(0)
        refused = Execution("default", "1000001", 0, 0, signal, signal, ExecutionState.REFUSED, "unknown_key", "",
                            "EURUSD", Side.BUY, zero, zero, 0.0, 0, 0, 0, 0, 1, 1, 0, 0, 0)  # fmt: skip
        return await self.journal.report(None, refused)

    async def connect(self, ticks: int = 0, executions: int = 0) -> None:
        stored = (StreamPosition("EURUSD", self.spool.epoch, ticks),) if ticks else ()
        self.line.ticks.clear()
        self.line.executions.clear()
        await self.server.welcomed(Welcome(stored, executions, 0, "s"))
        await self.server.resumed()


@pytest.fixture
def side(tmp_path):
    made = Ends(tmp_path)
    yield made
    made.spool.close()
    made.journal.close()


async def pumped(side: Ends) -> list[tuple[int, int]]:
    pump = asyncio.create_task(side.forwarder.pump())
    await eventually(lambda: side.line.ticks)
    pump.cancel()
    return [(batch.first_seq, batch.last_seq) for batch in side.line.ticks]


async def test_a_store_that_lost_what_the_spool_still_has_gets_it_again(side) -> None:
    await side.connect()
    await side.spooled(1, 10)
    await side.server.acked(Ack((StreamPosition("EURUSD", 1_000, 8),)))
    await side.connect(ticks=5)
    assert await pumped(side) == [(6, 10)]


async def test_a_rewind_behind_what_the_store_confirmed_makes_the_connection_compare_again(side) -> None:
    await side.connect()
    await side.spooled(1, 10)
    await side.spooled(11, 10)
    await side.server.acked(Ack((StreamPosition("EURUSD", 1_000, 10),)))
    side.server.rewound(Rewind("EURUSD", 1_000, 11, "hole"))
    side.server.rewound(Rewind("EURUSD", 999, 3, "of an epoch that is over"))
    with pytest.raises(OSError, match="lost"):
        side.server.rewound(Rewind("EURUSD", 1_000, 3, "the store was restored from a backup"))
    with pytest.raises(NewEpoch):
        await side.connect(ticks=2)
    await side.connect()
    assert await pumped(side) == [(1, 10)]


async def test_executions_a_restored_store_has_lost_are_told_again_in_a_new_epoch(side) -> None:
    for name in "abc":
        await side.report(name)
    await side.connect()
    await side.server.acked(Ack((), 2))
    await side.connect(executions=1)
    assert [(e.number, e.signal_id) for e in side.line.executions] == [(2, "b"), (3, "c")]
    await side.journal._database.run(lambda db: db.execute("DELETE FROM executions WHERE number = 1"))
    with pytest.raises(NewEpoch):
        await side.connect(executions=0)
    await side.connect(executions=0)
    assert [(e.number, e.signal_id) for e in side.line.executions] == [(1, "b"), (2, "c")]
    assert {e.epoch for e in side.line.executions} == {side.spool.epoch}


async def test_a_crash_while_a_new_epoch_begins_forgets_no_execution(tmp_path, monkeypatch) -> None:
    side = Ends(tmp_path)
    for name in "abc":
        await side.report(name)
    await side.connect()
    await side.server.acked(Ack((), 3))
    await side.journal._database.run(lambda db: db.execute("DELETE FROM executions WHERE number = 1"))

    async def dies(self: SqliteSpool, epoch: int) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(SqliteSpool, "begin_epoch", dies)
        with pytest.raises(OSError, match="power cut"):
            await side.connect()
    side.spool.close()
    side.journal.close()
    again = Ends(tmp_path)
    await again.journal.adopt_epoch(again.spool.epoch)
    for _ in range(2):
        with contextlib.suppress(NewEpoch):
            await again.connect()
    assert [e.signal_id for e in again.line.executions] == ["b", "c"]
    again.spool.close()
    again.journal.close()


async def test_a_spool_made_while_the_clock_was_ahead_begins_anew_and_forgets_nothing(side) -> None:
    await side.spool.begin_epoch(side.clock.now_ms() + 10**10)
    await side.journal.adopt_epoch(side.spool.epoch)
    await side.spooled(1, 10)
    await side.report("a")
    await side.server.misdated()
    assert side.spool.epoch == side.journal.epoch == side.clock.now_ms()
    await side.connect()
    assert [(e.epoch, e.number) for e in side.line.executions] == [(side.spool.epoch, 1)]
    assert await pumped(side) == [(1, 10)]


async def test_rows_read_before_a_new_epoch_never_bring_old_numbers_into_it(side) -> None:
    await side.spooled(1, 5)
    await side.spool.begin_epoch(2_000)
    with pytest.raises(EpochChanged):
        await side.spool.append((), (Cursor("EURUSD", 5, next_seq=9),), {"nan": 1}, epoch=1_000)
    assert (await side.spool.cursors())["EURUSD"].next_seq == 6


class Feed:
    """A terminal with a growing list of ticks; `during` runs while it is being read."""

    session, trouble = 1, ""
    opened = Opened("paper", "c", 1, True, True)

    def __init__(self, clock: FakeClock) -> None:
        self.rows = np.zeros(0, TICK_DTYPE)
        self.second = clock.now_ms() // 1_000
        self.during = None

    def grow(self, count: int) -> None:
        more = np.zeros(count, TICK_DTYPE)
        more["time"], more["time_msc"] = self.second, self.second * 1_000
        more["bid"] = more["ask"] = 1.1
        self.rows = np.concatenate((self.rows, more))

    async def ready(self) -> Opened:
        return self.opened

    async def ticks(self, reads):
        if self.during is not None:
            during, self.during = self.during, None
            await during()
        return tuple(self.rows[: read.count].tobytes() for read in reads)


async def test_a_read_under_way_while_a_new_epoch_begins_is_numbered_in_the_new_one(side) -> None:
    feed = Feed(side.clock)
    source = MergedTicks(feed, side.clock)
    reader = Reader(feed, source, side.spool, side.forwarder, ENROLMENT, side.clock, "utc", 0.001, 300,
                    lambda: ("EURUSD",), lambda *_: None)  # fmt: skip
    feed.grow(5)
    task = asyncio.create_task(reader.run())
    await eventually(lambda: [b.last_seq for b in side.line.ticks] == [5])
    await side.spool.trim({"EURUSD": 5})

    async def epoch_begins() -> None:
        feed.grow(3)
        await side.spool.begin_epoch(2_000)
        side.forwarder.window.streams.clear()

    feed.during = epoch_begins
    await eventually(lambda: side.spool.epoch == 2_000 and side.line.ticks[-1].epoch == 2_000)
    task.cancel()
    assert (side.line.ticks[-1].first_seq, side.line.ticks[-1].last_seq) == (1, 3)
