"""After an absence the history comes first, in order and once, and what is too old becomes a gap."""

import asyncio

import numpy as np
import pytest
from desk_room import Line

from client_security.domain.enrolment import Enrolment
from contracts.ticks import Mark, unpack
from kit.testing import FakeClock, eventually
from metatrader_connector.adapters.spool import SqliteSpool
from metatrader_connector.domain.cursor import TICK_DTYPE
from metatrader_connector.domain.terminal import Opened
from metatrader_connector.ea_ticks import MergedTicks
from metatrader_connector.tick_flow import Forwarder
from metatrader_connector.tick_reader import Reader

ENROLMENT = Enrolment("ws://127.0.0.1/", "default", "1000001", "a.b.c", {}, 1)


class History:
    """A terminal with ticks at these broker milliseconds; its bids number them."""

    session, trouble = 1, ""
    opened = Opened("paper", "c", 1, True, False)

    def __init__(self, stamps) -> None:
        self.rows = np.zeros(len(stamps), TICK_DTYPE)
        self.rows["time_msc"], self.rows["time"] = stamps, np.array(stamps) // 1000
        self.rows["bid"] = 1 + np.arange(len(stamps)) * 1e-6
        self.rows["ask"] = self.rows["bid"] + 1e-5
        self.loading = 0
        """ so many range reads see only the newer half """
        self.ranges = 0

    async def ready(self):
        return self.opened

    async def ticks(self, reads):
        found = []
        for read in reads:
            first = np.searchsorted(self.rows["time"], read.from_s)
            found.append(self.rows[first : first + read.count].tobytes())
        return tuple(found)

    async def ticks_range(self, read):
        self.ranges += 1
        rows = self.rows
        if self.loading:
            self.loading -= 1
            rows = rows[len(rows) // 2 + self.loading :]
        stamps = rows["time_msc"]
        return rows[(stamps >= read.from_s * 1000) & (stamps <= read.to_s * 1000)].tobytes()


@pytest.fixture
def clock():
    return FakeClock()


async def read_all(tmp_path, history, clock, wanted: int, **settings):
    """(spool, bids in the order of their numbers, marks) once so many ticks are spooled."""
    spool = SqliteSpool(tmp_path / "spool.db", 1_000, 1 << 30)
    reader = Reader(
        history, MergedTicks(history, clock), spool, Forwarder(spool, Line(), clock), ENROLMENT, clock, "utc", 0.001,
        86_400,
        lambda: ("EURUSD",), lambda *_: None, **settings,
    )  # fmt: skip

    async def moved() -> None:
        while True:
            clock.advance(100)
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(reader.run()), asyncio.create_task(moved())]
    try:
        await eventually(lambda: reader.ticks_read >= wanted, within_s=20)
        await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    bids, marks, seq = [], [], 1
    while (batch := await spool.read("EURUSD", seq, 20_000)) is not None:
        bids += unpack("d", batch.bid)
        marks += unpack("B", batch.marks)
        seq = batch.last_seq + 1
    return spool, bids, marks


def day_of_stamps(clock, count: int):
    now = clock.now_ms()
    stamps = np.sort(np.random.default_rng(3).integers(now - 80_000_000, now - 60_000, count))
    stamps[100:140] = stamps[100]  # many in one millisecond
    return np.sort(stamps)


async def test_a_day_that_was_missed_comes_in_order_without_hole_or_double(tmp_path, clock) -> None:
    history = History(day_of_stamps(clock, 30_000))
    spool, bids, marks = await read_all(tmp_path, history, clock, 30_000)
    spool.close()
    assert bids == history.rows["bid"].tolist()
    assert history.ranges > 10
    assert set(marks) == {int(Mark.BACKFILLED)}


async def test_a_second_absence_goes_on_where_the_first_ended(tmp_path, clock) -> None:
    history = History(day_of_stamps(clock, 5_000))
    spool, bids, _ = await read_all(tmp_path, history, clock, 5_000)
    spool.close()
    later = history.rows.copy()
    clock.advance(7_200_000)
    later["time_msc"] += 85_000_000
    later["time"] = later["time_msc"] // 1000
    later["bid"] += 1.0
    history.rows = np.concatenate((history.rows, later[later["time_msc"] <= clock.now_ms()]))
    spool, bids, _ = await read_all(tmp_path, history, clock, len(history.rows) - 5_000)
    spool.close()
    assert bids == history.rows["bid"].tolist()


async def test_D16_ticks_that_the_terminal_loads_late_are_not_passed_over(tmp_path, clock) -> None:
    now = clock.now_ms()
    history = History(np.arange(now - 86_390_000, now - 86_390_000 + 50_000, 25))
    history.loading = 3
    spool, bids, _ = await read_all(tmp_path, history, clock, 2_000)
    spool.close()
    assert bids == history.rows["bid"].tolist()


async def test_what_is_too_old_to_read_again_is_a_recorded_gap(tmp_path, clock) -> None:
    history = History(day_of_stamps(clock, 1_000))
    spool, _, _ = await read_all(tmp_path, history, clock, 1_000)
    last = int(history.rows["time_msc"][-1])
    spool.close()
    clock.advance(10 * 86_400_000)
    now = clock.now_ms()
    history = History(np.concatenate((history.rows["time_msc"], [now - 3_000_000, now - 1_000])))
    spool, bids, _ = await read_all(tmp_path, history, clock, 2, backfill_max_s=3_600)
    spool.close()
    gap = spool.gaps[0]
    assert (gap.symbol, gap.reason, gap.from_ms, gap.ticks) == ("EURUSD", "not_read", last, 0)
    assert abs(gap.to_ms - (now - 3_600_000)) < 60_000
    assert len(bids) == 1_002
