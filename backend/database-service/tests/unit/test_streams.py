"""Watermarks: whatever arrives in whatever order, the store holds exactly 1..watermark of each stream."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ticks import TickBatch, pack
from database_service.domain.streams import Duplicate, Hole, New, StreamKey, Streams, key_of


def ticks(first: int, count: int, symbol: str = "EURUSD") -> TickBatch:
    numbers = list(range(first, first + count))
    return TickBatch(
        "t", "1", symbol, 7, first, count, pack("q", numbers), pack("q", numbers), pack("d", numbers),
        pack("d", numbers), pack("I", numbers), bytes(count),
    )  # fmt: skip


KEY = StreamKey("t", "1", "EURUSD", 7)


def test_the_first_batch_of_a_stream_starts_at_one():
    assert Streams().begin().judge(ticks(1, 3)) == New(ticks(1, 3), 0)


def test_a_batch_that_does_not_follow_lies_beyond_a_hole():
    assert Streams().begin().judge(ticks(2, 3)) == Hole(1)


def test_known_ticks_are_trimmed_from_the_front():
    verdict = Streams({KEY: 5}).begin().judge(ticks(4, 4))
    assert verdict == New(ticks(6, 2), 2)


def test_a_batch_that_is_all_known_is_a_duplicate():
    assert Streams({KEY: 5}).begin().judge(ticks(1, 5)) == Duplicate(5)


def test_a_plan_counts_what_it_already_took():
    plan = Streams().begin()
    plan.judge(ticks(1, 3))
    assert plan.judge(ticks(4, 3)) == New(ticks(4, 3), 0)
    assert plan.judge(ticks(1, 3)) == Duplicate(3)


def test_a_plan_that_was_not_written_changes_nothing():
    streams = Streams()
    streams.begin().judge(ticks(1, 3))
    assert streams.stored == {}


def test_the_store_may_correct_a_watermark():
    streams = Streams()
    streams.correct(KEY, 9)
    assert streams.begin().judge(ticks(10, 1)) == New(ticks(10, 1), 0)


_batches = st.tuples(st.integers(1, 40), st.integers(1, 12), st.sampled_from(["EURUSD", "XAUUSD"]))
_groups = st.lists(st.tuples(st.lists(_batches, max_size=6), st.sampled_from(["ok", "fails", "lands"])), max_size=25)


@settings(max_examples=400, deadline=None)
@given(_groups)
def test_the_store_always_holds_exactly_one_to_the_watermark(groups):
    """`lands`: the insert arrived, but its answer was lost, so the store is asked before going on."""
    streams, rows = Streams(), {"EURUSD": [], "XAUUSD": []}
    for group, outcome in groups:
        plan = streams.begin()
        verdicts = [plan.judge(ticks(*made)) for made in group]
        parts = [v.batch for v in verdicts if isinstance(v, New)]
        if outcome != "fails":
            for part in parts:
                # content travels with its number
                assert part.bid == pack("d", range(part.first_seq, part.last_seq + 1))
                rows[part.symbol] += range(part.first_seq, part.last_seq + 1)
        if outcome == "ok":
            streams.advance(plan)
        elif outcome == "lands":
            for key in plan.planned:
                streams.correct(key, max(rows[key.symbol], default=0))
        for symbol, numbers in rows.items():
            known = streams.stored.get(KEY._replace(symbol=symbol), 0)
            assert numbers == list(range(1, known + 1))


@given(st.permutations(range(8)))
def test_sending_everything_again_until_it_fits_ends_complete(order):
    """Go-back-N: whoever repeats what is not stored gets everything stored, in any order of arrival."""
    streams = Streams()
    for _ in range(8):
        for i in order:
            plan = streams.begin()
            plan.judge(ticks(1 + i * 3, 3))
            streams.advance(plan)
    assert streams.stored[key_of(ticks(1, 1))] == 24
