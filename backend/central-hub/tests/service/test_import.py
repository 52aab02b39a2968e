"""Importing a file of ticks, with a store in memory."""

import gzip
from pathlib import Path

import pytest

from central_hub.cli.ticks_import import Result, batches, send
from central_hub.ports import HubError
from contracts import rpc
from contracts.ticks import TickBatch, column_fault, rows
from contracts.uplink import StreamPosition
from kit.errors import AnswerFault, BusUnavailable
from kit.testing import FakeBus


class FakeStore:
    """Keeps what continues the stream, as the real one does."""

    def __init__(self) -> None:
        self.batches: list[TickBatch] = []
        self.seq = 0
        self.faults: list[Exception] = []
        self.limit = 10**9

    def _stored(self, epoch: int) -> rpc.Stored:
        return rpc.Stored("default", "import", (StreamPosition("EURUSD", epoch, self.seq),))

    async def stored(self, question: rpc.StoredQuestion) -> rpc.Stored:
        return self._stored(question.epoch)

    async def append(self, batch: TickBatch) -> rpc.Stored:
        assert column_fault(batch) is None
        if batch.first_seq == self.seq + 1 and batch.last_seq <= self.limit:
            self.batches.append(batch)
            self.seq = batch.last_seq
        if self.faults:
            raise self.faults.pop()
        return self._stored(batch.epoch)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
async def bus(store: FakeStore) -> FakeBus:
    made = FakeBus()
    await made.answer(rpc.STORED, store.stored)
    await made.answer(rpc.TICKS_APPEND, store.append)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.csv.gz"
    lines = "".join(f"{1_398_920_401_787 + i},1.1,{1.2 if i % 10 else 1.0}\n" for i in range(50_000))
    path.write_bytes(gzip.compress(f"ts_ms_utc,bid,ask\n{lines}nonsense\n".encode()))
    return path


async def load(bus: FakeBus, file: Path) -> Result:
    result = Result(str(file), "default", "import", "EURUSD", epoch=77)
    await send(bus, batches(file, None, result), result)
    return result


async def test_every_row_is_added_numbered_from_one_without_a_hole(bus: FakeBus, store: FakeStore, file: Path) -> None:
    result = await load(bus, file)
    assert (result.rows, result.accepted, result.added, result.refused) == (50_001, 50_000, 50_000, {"unparsable": 1})
    assert result.crossed == 5_000
    ticks = [tick for batch in store.batches for tick in rows(batch)]
    assert [tick.seq for tick in ticks] == list(range(1, 50_001))
    assert (ticks[0].time_msc, ticks[0].bid, ticks[0].ask) == (1_398_920_401_787, 1.1, 1.0)


async def test_importing_twice_adds_nothing(bus: FakeBus, store: FakeStore, file: Path) -> None:
    await load(bus, file)
    sent = len(store.batches)
    result = await load(bus, file)
    assert (result.accepted, result.added) == (50_000, 0)
    assert len(store.batches) == sent


async def test_an_import_that_was_cut_off_continues(bus: FakeBus, store: FakeStore, file: Path) -> None:
    store.seq = 123
    result = await load(bus, file)
    assert result.added == 50_000 - 123
    assert store.batches[0].first_seq == 124


async def test_an_answer_that_was_lost_is_asked_for_again(bus: FakeBus, store: FakeStore, file: Path) -> None:
    store.faults = [BusUnavailable("lost"), AnswerFault("unavailable", "busy")]
    await load(bus, file)
    assert store.seq == 50_000


async def test_a_refusal_ends_the_import(bus: FakeBus, store: FakeStore, file: Path) -> None:
    store.faults = [AnswerFault("bad_request", "no")]
    with pytest.raises(AnswerFault):
        await load(bus, file)


async def test_a_store_that_takes_less_than_it_was_sent_is_told(bus: FakeBus, store: FakeStore, file: Path) -> None:
    store.limit = 100
    with pytest.raises(HubError, match="did not take"):
        await load(bus, file)


def test_a_file_of_another_format_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("hello\n1,2,3\n")
    with pytest.raises(HubError, match="not a tick file"):
        list(batches(tmp_path / "x.csv", None, Result("x", "default", "import", "EURUSD", 1)))
