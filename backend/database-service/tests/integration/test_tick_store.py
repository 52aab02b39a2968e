"""The tick store on the embedded ClickHouse: exact, idempotent, mended at the start, and its bars are right."""

from collections import defaultdict

import msgspec
import numpy as np
import pytest

from contracts.bars import SECONDS, Bar, Timeframe
from contracts.rpc import BarsQuestion, StatsQuestion, TicksQuestion
from contracts.ticks import TickBatch, join, pack, unpack
from database_service.adapters.clickhouse import Handle, migrate, sweep
from database_service.adapters.clickhouse_ticks import ClickHouseTicks
from database_service.domain.bars import CHUNK
from database_service.domain.streams import StreamKey
from database_service.ports import MigrationRefused, StoreUnavailable

pytestmark = pytest.mark.integration
TENANT, ACCOUNT, SYMBOL, EPOCH = "default", "1000001", "XAUUSD", 1_700_000_000_000
KEY = StreamKey(TENANT, ACCOUNT, SYMBOL, EPOCH)


async def opened(folder) -> ClickHouseTicks:
    dsn = f"chdb:///{str(folder / 'clickhouse').lstrip('/')}"
    writer = await Handle.open("writer", dsn, {}, folder / "scratch")
    reader = await Handle.open("reader", dsn, {}, folder / "scratch")
    await migrate(writer, 1)
    return ClickHouseTicks(writer, reader)


@pytest.fixture
async def store(tmp_path):
    made = await opened(tmp_path)
    yield made
    await made.close()


async def test_what_was_written_is_read_back_to_the_bit(store, ticks_of):
    sent = [ticks_of(1, 300), ticks_of(301, 45, "EURUSD"), ticks_of(301, 700)]
    await store.insert([sent[0], sent[2]], 9)
    found = await store.ticks(TicksQuestion(TENANT, ACCOUNT, SYMBOL, limit=1_000))
    assert found == join([sent[0], sent[2]])


async def test_prices_of_a_trade_and_odd_symbols_are_kept(store, ticks_of):
    plain = ticks_of(1, 3, "#US.30-Cash+!")
    traded = msgspec.structs.replace(
        ticks_of(4, 2, "#US.30-Cash+!"), last=pack("d", [5.5, 6.5]), volume_real=pack("d", [0, 2])
    )
    await store.insert([plain, traded], 9)
    found = await store.ticks(TicksQuestion(TENANT, ACCOUNT, "#US.30-Cash+!"))
    assert list(unpack("d", found.last)) == [0, 0, 0, 5.5, 6.5]
    assert list(unpack("d", found.volume_real)) == [0, 0, 0, 0, 2]


async def test_the_same_insert_again_is_ignored(store, ticks_of):
    for _ in range(3):
        await store.insert([ticks_of(1, 300)], 9)
    (line,) = await store.stats(StatsQuestion(TENANT))
    assert (line.rows, line.lost, line.duplicated) == (300, 0, 0)


async def test_stats_see_what_was_lost_and_doubled(store, ticks_of):
    """Written past the service's own guard, as a faulty one would."""
    await store.insert([ticks_of(1, 100)], 9)
    await store.insert([ticks_of(91, 20)], 9)
    await store.insert([ticks_of(201, 10)], 9)
    (line,) = await store.stats(StatsQuestion(TENANT, ACCOUNT))
    assert (line.rows, line.lost, line.duplicated, line.last_seq) == (130, 90, 10, 210)
    assert (line.late, line.crossed) == (3, 2)
    assert await store.stats(StatsQuestion(TENANT, "other")) == ()


async def test_what_lies_beyond_a_hole_is_moved_aside_at_the_start(store, ticks_of):
    await store.insert([ticks_of(1, 100)], 9)
    await store.insert([ticks_of(91, 20)], 9)
    await store.insert([ticks_of(201, 10), ticks_of(1, 5, "EURUSD")], 9)
    found = {state.key.symbol: state for state in await store.load()}
    assert found[SYMBOL].seq == 110
    assert found["EURUSD"].seq == 5
    assert await store.watermark(KEY) == 110
    lines = {line.symbol: line for line in await store.stats(StatsQuestion(TENANT))}
    assert (lines[SYMBOL].rows, lines[SYMBOL].lost, lines[SYMBOL].duplicated) == (110, 0, 0)
    aside = await store._reader.rows("SELECT count() FROM market.ticks_aside")
    assert aside == [(10,)]
    await store.insert([ticks_of(111, 90)], 9)
    await store.insert([ticks_of(201, 10), ticks_of(6, 5, "EURUSD")], 9)
    assert await store.watermark(KEY) == 210


async def test_the_very_insert_that_was_moved_aside_is_taken_when_it_comes_again(store, ticks_of):
    await store.insert([ticks_of(11, 10)], 9)
    await store.load()
    assert await store.watermark(KEY) == 0
    await store.insert([ticks_of(1, 10)], 9)
    await store.insert([ticks_of(11, 10)], 9)
    (line,) = await store.stats(StatsQuestion(TENANT))
    assert (line.rows, line.lost, line.duplicated, line.last_seq) == (20, 0, 0, 20)


async def test_the_watermark_of_an_unknown_stream_is_zero(store):
    assert await store.watermark(KEY) == 0
    assert (await store.ticks(TicksQuestion(TENANT, ACCOUNT, SYMBOL))).count == 0
    assert await store.bars(BarsQuestion(TENANT, ACCOUNT, SYMBOL, Timeframe.M1)) == ()


async def test_ticks_of_a_time_are_neighbours_of_one_epoch(store, ticks_of):
    await store.insert([ticks_of(1, 40)], 9)
    question = TicksQuestion(TENANT, ACCOUNT, SYMBOL, 1_700_000_000_000 + 2_600, 1_700_000_000_000 + 5_000, 5)
    found = await store.ticks(question)
    stamps = unpack("q", found.time_msc)
    assert found.count == 5
    assert all(question.from_ms <= stamp < question.to_ms for stamp in stamps)
    assert found.first_seq == 11


def bars_by_hand(batches: list[TickBatch], timeframe: Timeframe) -> list[Bar]:
    """The definition, tick by tick."""
    step, by_bar = SECONDS[timeframe] * 1_000, defaultdict(list)
    for batch in sorted(batches, key=lambda b: (b.epoch, b.first_seq)):
        for stamp, bid, ask in zip(
            unpack("q", batch.time_msc), unpack("d", batch.bid), unpack("d", batch.ask), strict=True
        ):
            by_bar[stamp // step * step].append((bid, ask))
    return [
        Bar(
            opens,
            quotes[0][0],
            max(bid for bid, _ in quotes),
            min(bid for bid, _ in quotes),
            quotes[-1][0],
            len(quotes),
            sum(ask - bid for bid, ask in quotes) / len(quotes),
        )
        for opens, quotes in sorted(by_bar.items())
    ]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one.time_ms, one.open, one.high, one.low, one.close, one.tick_volume) == (
            other.time_ms, other.open, other.high, other.low, other.close, other.tick_volume,
        )  # fmt: skip
        assert one.spread_mean == pytest.approx(other.spread_mean, rel=1e-9)


async def test_bars_agree_with_their_definition_before_and_after_minutes_are_made(store, ticks_of):
    """Two epochs that overlap in time, late ticks, a weekend between, complete chunks and a rest."""
    first = [ticks_of(1 + i * 10_000, 10_000) for i in range(15)]
    weekend = 48 * 3_600_000
    later = ticks_of(1, 20_000, epoch=EPOCH + 5)
    stamps = (np.frombuffer(later.time_msc, "<i8") + weekend + 140_000 * 250 * (np.arange(20_000) > 9_000)).tobytes()
    later = msgspec.structs.replace(later, time_msc=stamps)
    overlapping = ticks_of(1, 3_000, epoch=EPOCH + 6)
    everything = [*first, later, overlapping]
    for batch in everything:
        await store.insert([batch], 9)

    async def compare():
        for timeframe in Timeframe:
            expected = bars_by_hand(everything, timeframe)
            question = BarsQuestion(TENANT, ACCOUNT, SYMBOL, timeframe, limit=10_000)
            assert_same(await store.bars(question), expected)
            few = BarsQuestion(TENANT, ACCOUNT, SYMBOL, timeframe, limit=7)
            assert_same(await store.bars(few), expected[-7:])
            middle = expected[len(expected) // 2].time_ms + 1
            upto = BarsQuestion(TENANT, ACCOUNT, SYMBOL, timeframe, to_ms=middle, limit=3)
            assert_same(await store.bars(upto), [bar for bar in expected if bar.time_ms < middle][-3:])

    await compare()
    while await store.tend():
        pass
    rolled = await store._reader.rows("SELECT uniqExact(chunk), sum(ticks) FROM market.minutes")
    assert rolled == [(2, 2 * CHUNK)]
    await compare()
    await store.load()
    assert not await store.tend()
    await compare()


async def test_minutes_made_twice_count_once(store, ticks_of):
    await store.insert([ticks_of(1 + i * 20_000, 20_000) for i in range(4)], 9)
    question = BarsQuestion(TENANT, ACCOUNT, SYMBOL, Timeframe.H1)
    before = await store.bars(question)
    await store.tend()
    store._bars._symbols[KEY[:3]].rolled.clear()
    await store.tend()
    assert_same(await store.bars(question), list(before))


async def test_a_store_opened_again_knows_what_it_had(tmp_path, ticks_of):
    first = await opened(tmp_path)
    await first.insert([ticks_of(1, 300)], 9)
    await first.close()
    again = await opened(tmp_path)
    (state,) = await again.load()
    assert (state.key, state.seq, state.newest.seq) == (KEY, 300, 299)
    assert (await again.probe()).startswith("ClickHouse 26")
    await again.close()


async def test_a_changed_schema_file_is_refused(store):
    await store._writer.command(
        "ALTER TABLE market.migrations UPDATE checksum = 'other' WHERE 1 SETTINGS mutations_sync = 2"
    )
    with pytest.raises(MigrationRefused, match="was changed after it had been applied"):
        await migrate(store._writer, 2)


async def test_a_question_the_store_refuses_is_unavailable(store):
    with pytest.raises(StoreUnavailable, match="ClickHouse"):
        await store._reader.rows("SELECT nothing FROM nowhere")


def test_leftover_insert_files_are_removed(tmp_path):
    (tmp_path / "tmpabc.raw").write_bytes(b"x")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    sweep(tmp_path / "absent")
