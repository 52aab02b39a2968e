"""The spool keeps what it was given, in order, until the store has it."""

import pytest

from contracts.accounts import TickGap
from contracts.ticks import TickBatch, pack, rows
from metatrader_connector.adapters.spool import EpochChanged, SqliteSpool
from metatrader_connector.domain.cursor import Cursor


def batch(spool: SqliteSpool, first: int, count: int, symbol: str = "A") -> TickBatch:
    numbers = range(first, first + count)
    longs, doubles = pack("q", numbers), pack("d", numbers)
    return TickBatch("t", "1", symbol, spool.epoch, first, count, longs, longs, doubles, doubles,
                     pack("I", [6] * count), bytes(count))  # fmt: skip


async def fill(spool: SqliteSpool, *sizes: int, symbol: str = "A") -> None:
    first = 1
    for size in sizes:
        await spool.append((batch(spool, first, size, symbol),), (Cursor(symbol, 5, next_seq=first + size),))
        first += size


@pytest.fixture
def spool(tmp_path):
    made = SqliteSpool(tmp_path / "spool.db", 1_000, 1 << 20)
    yield made
    made.close()


async def test_small_batches_are_joined_from_any_number_on(spool) -> None:
    await fill(spool, 3, 1, 5)
    found = await spool.read("A", 3, 100)
    assert [tick.seq for tick in rows(found)] == list(range(3, 10))
    assert [tick.time_msc for tick in rows(found)] == list(range(3, 10))
    assert (await spool.read("A", 3, 2)).count <= 2
    assert await spool.read("A", 10, 5) is None
    assert await spool.read("B", 1, 5) is None


async def test_a_restart_finds_batches_cursors_counts_and_the_epoch(tmp_path) -> None:
    first = SqliteSpool(tmp_path / "s.db", 1_000, 1 << 20)
    await first.append((batch(first, 1, 4),), (Cursor("A", 5, next_seq=5),), {"nan": 2})
    first.close()
    second = SqliteSpool(tmp_path / "s.db", 9_999, 1 << 20)
    assert (second.epoch, second.refused, await second.spooled()) == (1_000, {"nan": 2}, {"A": 4})
    assert second.bytes == first.bytes > 0
    second.close()


async def test_only_stored_batches_are_forgotten(spool) -> None:
    await fill(spool, 3, 3)
    await spool.trim({"A": 5})
    assert (await spool.oldest(), (await spool.read("A", 4, 9)).count) == ({"A": 4}, 3)
    await spool.trim({"A": 6})
    assert (await spool.oldest(), spool.bytes) == ({"A": 7}, 0)


async def test_a_full_spool_drops_its_oldest_and_records_what_is_lost(tmp_path) -> None:
    spool = SqliteSpool(tmp_path / "s.db", 1_000, 12_000)
    await fill(spool, *[50] * 10)
    kept = await spool.read("A", 1, 1_000)
    assert kept is not None
    gap = spool.gaps[0]
    assert (gap.symbol, gap.reason, gap.from_ms, len(spool.gaps)) == ("A", "spool_full", 1, 1)
    assert (gap.ticks, gap.to_ms + 1) == (kept.first_seq - 1, kept.first_seq)
    assert (await spool.oldest(), await spool.spooled()) == ({"A": kept.first_seq}, {"A": 500})
    assert spool.bytes <= 12_000
    spool.close()
    again = SqliteSpool(tmp_path / "s.db", 1_000, 12_000)
    assert (again.gaps, again.bytes) == (spool.gaps, spool.bytes)
    again.close()


async def test_what_waited_for_too_long_goes_with_a_record_and_nothing_younger(tmp_path) -> None:
    spool = SqliteSpool(tmp_path / "s.db", 1_000, 1 << 20, max_age_ms=60)
    await fill(spool, 50, 50)
    await spool.age(110)
    assert ([(g.reason, g.ticks) for g in spool.gaps], await spool.oldest()) == ([("too_old", 50)], {"A": 51})
    await spool.age(110)
    assert len(spool.gaps) == 1
    spool.close()


async def test_losses_of_several_symbols_are_told_apart(tmp_path) -> None:
    spool = SqliteSpool(tmp_path / "s.db", 1_000, 9_000)
    for first in range(1, 500, 50):
        await spool.append((batch(spool, first, 50, "A"), batch(spool, first, 25, "B")), ())
    assert {gap.symbol for gap in spool.gaps} == {"A", "B"}
    lost, kept = {gap.symbol: gap.ticks for gap in spool.gaps}, await spool.read("A", 1, 1_000)
    assert kept is not None
    assert lost["A"] == kept.first_seq - 1
    spool.close()


async def test_ticks_that_never_came_are_recorded_too(spool) -> None:
    gap = TickGap("A", 5, 9, 0, "not_read", 10)
    await spool.lost(gap)
    assert spool.gaps == (gap,)


async def test_a_new_epoch_numbers_what_waits_from_one_and_refuses_old_numbers(spool) -> None:
    await fill(spool, 3, 3)
    await spool.trim({"A": 3})
    old = batch(spool, 7, 1)
    await spool.begin_epoch(2_000)
    found = await spool.read("A", 1, 9)
    assert (found.epoch, [t.seq for t in rows(found)], [t.time_msc for t in rows(found)]) == (
        2_000,
        [1, 2, 3],
        [4, 5, 6],
    )
    assert (await spool.cursors())["A"].next_seq == 4
    with pytest.raises(EpochChanged):
        await spool.append((old,), ())
