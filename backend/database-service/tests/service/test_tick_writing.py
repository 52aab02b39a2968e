"""Tick batches from the bus: written once, in order, and acknowledged only then."""

import msgspec
import pytest

from contracts import subjects
from contracts.codec import decode, encode
from contracts.rpc import (
    STORED,
    SYMBOLS,
    TICKS,
    TICKS_APPEND,
    TICKS_STATS,
    StatsQuestion,
    Stored,
    StoredQuestion,
    SymbolsQuestion,
    TicksQuestion,
)
from contracts.uplink import StreamPosition
from kit.errors import AnswerFault
from kit.testing import eventually

TENANT, ACCOUNT, SYMBOL, EPOCH = "default", "1000001", "XAUUSD", 1_700_000_000_000


async def publish(app, batch, subject=None):
    await app.bus.store(subject or subjects.ticks(batch.tenant, batch.account, batch.symbol), encode(batch))


def told(app) -> list[Stored]:
    return [decode(data, Stored) for data in app.bus.on("stored.>")]


async def test_what_arrives_is_written_and_told(app, batch_of):
    await publish(app, batch_of(1, 10))
    await eventually(lambda: told(app))
    assert app.ticks.numbers() == list(range(1, 11))
    assert told(app)[0].streams == (StreamPosition(SYMBOL, EPOCH, 10),)


async def test_a_batch_that_overlaps_is_trimmed(app, batch_of):
    await publish(app, batch_of(1, 10))
    await publish(app, batch_of(6, 10))
    await eventually(lambda: len(app.ticks.numbers()) == 15)
    assert app.ticks.numbers() == list(range(1, 16))
    assert app.service.counters["ticks_duplicate"] == 5


async def test_a_batch_beyond_a_hole_is_refused_and_the_watermark_told(app, batch_of):
    await publish(app, batch_of(5, 10))
    await eventually(lambda: told(app))
    assert told(app)[0].streams == (StreamPosition(SYMBOL, EPOCH, 0),)
    assert app.ticks.inserts == []
    assert app.service.counters["tick_holes"] == 1


@pytest.mark.parametrize("stored_before", [100])
async def test_what_the_store_held_at_the_start_is_not_written_again(app, batch_of):
    await publish(app, batch_of(91, 20))
    await eventually(lambda: told(app))
    assert app.ticks.numbers() == list(range(101, 111))
    assert told(app)[0].streams[0].seq == 110


async def test_an_insert_that_failed_is_tried_again_and_nothing_is_told_before(app, batch_of):
    app.ticks.failures = 2
    await publish(app, batch_of(1, 10))
    await eventually(lambda: told(app))
    assert app.ticks.numbers() == list(range(1, 11))
    assert app.service.counters["inserts_failed"] == 2


async def test_an_insert_that_arrived_though_it_failed_is_not_written_again(app, batch_of):
    app.ticks.failures, app.ticks.lands = 1, True
    await publish(app, batch_of(1, 10))
    await eventually(lambda: told(app))
    assert app.ticks.numbers() == list(range(1, 11))
    assert told(app)[0].streams[0].seq == 10


async def test_a_store_that_answers_for_one_stream_only_is_given_the_very_same_insert_again(app, batch_of):
    app.ticks.failures, app.ticks.lands, app.ticks.mute = 1, True, {"GBPUSD"}
    await publish(app, batch_of(1, 10))
    await publish(app, batch_of(1, 10, symbol="GBPUSD"))
    await eventually(lambda: told(app))
    first, again = app.ticks.inserts
    assert first == again  # the same parts are recognised as a repeat; a part of them would be written twice


async def test_what_arrives_during_an_insert_is_written_together_in_the_next(app, batch_of):
    app.ticks.gate.clear()
    for i in range(20):
        await publish(app, batch_of(1 + i * 5, 5))
    app.ticks.gate.set()
    await eventually(lambda: len(app.ticks.numbers()) == 100)
    assert app.ticks.numbers() == list(range(1, 101))
    assert len(app.ticks.inserts) <= 2


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\xc1nonsense", "are not a TickBatch"), (b"", "are not a TickBatch")],
)
async def test_bytes_that_are_no_batch_are_kept_aside(app, data, why):
    await app.bus.store("ticks.default.1000001.XAUUSD", data)
    await eventually(lambda: app.quarantine.kept)
    assert why in app.quarantine.kept[0][1]
    assert app.service.counters["quarantined"] == 1


async def test_a_batch_whose_columns_do_not_fit_is_kept_aside(app, batch_of):
    await publish(app, msgspec.structs.replace(batch_of(1, 10), bid=b"\0" * 79))
    await eventually(lambda: app.quarantine.kept)
    assert "column bid has 79 bytes" in app.quarantine.kept[0][1]
    assert app.ticks.inserts == []


async def test_a_batch_on_the_subject_of_another_tenant_is_kept_aside(app, batch_of):
    await publish(app, batch_of(1, 10), subject="ticks.other.1000001.XAUUSD")
    await eventually(lambda: app.quarantine.kept)
    assert "came on ticks.other.1000001.XAUUSD" in app.quarantine.kept[0][1]


async def test_an_import_goes_through_the_same_watermark(app, batch_of):
    assert (await app.bus.ask(TICKS_APPEND, batch_of(1, 10))).streams[0].seq == 10
    assert (await app.bus.ask(TICKS_APPEND, batch_of(1, 10))).streams[0].seq == 10
    assert (await app.bus.ask(TICKS_APPEND, batch_of(50, 10))).streams[0].seq == 10
    assert app.ticks.numbers() == list(range(1, 11))


async def test_an_import_with_a_bad_name_is_refused_in_words(app, batch_of):
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(TICKS_APPEND, msgspec.structs.replace(batch_of(1, 1), tenant="NOT/GOOD"))
    assert fault.value.code == "bad_request"
    assert "tenant 'NOT/GOOD' must be" in fault.value.reason


async def test_stored_lists_the_streams_of_the_epoch_asked_for(app, batch_of):
    await app.bus.ask(TICKS_APPEND, batch_of(1, 3))
    await app.bus.ask(TICKS_APPEND, batch_of(1, 7, epoch=EPOCH + 1))
    every = await app.bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT))
    assert every.streams == (StreamPosition(SYMBOL, EPOCH, 3), StreamPosition(SYMBOL, EPOCH + 1, 7))
    one = await app.bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT, EPOCH))
    assert one.streams == (StreamPosition(SYMBOL, EPOCH, 3),)


async def test_symbols_show_the_newest_tick_that_was_not_late(app, batch_of):
    await app.bus.ask(TICKS_APPEND, batch_of(1, 3))
    await app.bus.ask(TICKS_APPEND, batch_of(4, 2, marks=4))
    (row,) = (await app.bus.ask(SYMBOLS, SymbolsQuestion(TENANT))).symbols
    assert (row.symbol, row.ticks, row.bid, row.ask, row.digits) == (SYMBOL, 5, 2000.03, 2000.28, 2)
    app.ledger.told_digits = {(ACCOUNT, SYMBOL): 3}
    (row,) = (await app.bus.ask(SYMBOLS, SymbolsQuestion(TENANT))).symbols
    assert row.digits == 3


async def test_questions_about_ticks_are_passed_to_the_store(app, batch_of):
    await app.bus.ask(TICKS_APPEND, batch_of(1, 3))
    assert (await app.bus.ask(TICKS, TicksQuestion(TENANT, ACCOUNT, SYMBOL))).count == 3
    assert (await app.bus.ask(TICKS_STATS, StatsQuestion(TENANT))).streams[0].rows == 3


@pytest.mark.parametrize("queue_mb", [1])
async def test_batches_beyond_the_queue_stay_on_the_bus(app, batch_of):
    app.ticks.gate.clear()
    await publish(app, batch_of(1, 10))  # under way, and stuck
    await eventually(lambda: app.ticks.begun)
    for first in (11, 20_011, 40_011):  # 740 kB each: room for one
        await publish(app, batch_of(first, 20_000))
    await eventually(lambda: app.service.counters["deliveries_left"] == 2)
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(TICKS_APPEND, batch_of(60_011, 20_000))
    assert fault.value.code == "unavailable"
    app.ticks.gate.set()
    await eventually(lambda: len(app.ticks.numbers()) == 20_010)
    assert app.ticks.numbers() == list(range(1, 20_011))
