"""Bad ticks stop at the door with a reason; odd ones are kept, in arrival order, and marked."""

import numpy as np
import pytest

from contracts.ticks import Mark, column_fault, rows
from metatrader_connector.domain.cursor import TICK_DTYPE, Cursor, Rows
from metatrader_connector.domain.ticks import Origin, receive

BASE = 1_700_000_000_000
ORIGIN = Origin("default", "1", 7, "utc")


def ticks(*quotes: tuple[int, float, float]) -> Rows:
    made = np.zeros(len(quotes), dtype=TICK_DTYPE)
    for i, (offset, bid, ask) in enumerate(quotes):
        made[i]["time_msc"], made[i]["bid"], made[i]["ask"], made[i]["flags"] = BASE + offset, bid, ask, 6
    return made


def take(made: Rows, now_ms: int = BASE + 100, behind: bool = False, cursor: Cursor | None = None):
    return receive(ORIGIN, cursor or Cursor("EURUSD", BASE // 1000), made, now_ms, behind)


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (float("nan"), 1.0, "nan"),
        (1.0, float("inf"), "nan"),
        (1.0, float("-inf"), "nan"),
        (0.0, 0.0, "not_positive"),
        (-1.0, 1.0, "not_positive"),
        (1.0, -0.0, "not_positive"),
    ],
)
def test_an_impossible_price_is_refused_with_its_reason(bid, ask, reason) -> None:
    found = take(ticks((0, 1.0, 1.1), (1, bid, ask), (2, 1.0, 1.1)))
    assert {name: len(bad) for name, bad in found.refused.items()} == {reason: 1}
    assert [(t.seq, t.time_msc) for t in rows(found.batches[0])] == [(1, BASE), (2, BASE + 2)]


def test_a_negative_volume_and_an_impossible_stamp_are_refused() -> None:
    made = ticks((0, 1.0, 1.1), (1, 1.0, 1.1), (2, 1.0, 1.1))
    made[0]["volume_real"] = -1.0
    made[1]["time_msc"] = 1_700_000_000  # seconds taken for milliseconds
    found = take(made)
    assert sorted(found.refused) == ["negative_volume", "time_out_of_range"]
    assert found.batches[0].count == 1


def test_crossed_locked_late_and_repeated_stamps_are_kept_in_arrival_order_and_marked() -> None:
    found = take(ticks((0, 1.0, 1.1), (5, 1.2, 1.1), (5, 1.1, 1.1), (3, 1.0, 1.1), (9, 1.0, 1.1)))
    assert [t.marks for t in rows(found.batches[0])] == [0, Mark.CROSSED, Mark.LOCKED, Mark.LATE, 0]
    assert [t.time_msc - BASE for t in rows(found.batches[0])] == [0, 5, 5, 3, 9]


def test_a_refused_stamp_does_not_make_the_ticks_after_it_late() -> None:
    made = ticks((0, 1.0, 1.1), (1, 1.0, 1.1), (2, 1.0, 1.1))
    made[1]["time_msc"] = 9_000_000_000_000
    assert [t.marks for t in rows(take(made).batches[0])] == [0, 0]


def test_old_ticks_read_while_catching_up_are_backfill_and_fresh_ones_are_not() -> None:
    found = take(ticks((0, 1.0, 1.1), (9_000, 1.0, 1.1)), now_ms=BASE + 9_100, behind=True)
    assert [t.marks for t in rows(found.batches[0])] == [Mark.BACKFILLED, 0]


def test_numbers_go_on_without_a_hole_over_reads_and_over_refusals() -> None:
    first = take(ticks((0, 1.0, 1.1), (1, -1.0, 1.1)))
    second = take(ticks((0, 1.0, 1.1), (1, -1.0, 1.1), (2, 1.0, 1.1)), cursor=first.cursor)
    assert (second.batches[0].first_seq, second.batches[0].count, second.cursor.next_seq) == (2, 1, 3)


def test_a_long_read_becomes_batches_of_the_greatest_size_that_fit_the_contract() -> None:
    found = take(ticks(*[(i, 1.0, 1.1) for i in range(45_000)]))
    assert [b.count for b in found.batches] == [20_000, 20_000, 5_000]
    assert [column_fault(b) for b in found.batches] == [None] * 3
    assert [b.first_seq for b in found.batches] == [1, 20_001, 40_001]


def test_last_and_volume_travel_only_when_there_are_any() -> None:
    made = ticks((0, 1.0, 1.1))
    assert take(made).batches[0].last == b""
    made[0]["last"] = 1.05
    batch = take(made).batches[0]
    assert len(batch.last) == 8
    assert batch.volume_real == b""
    assert column_fault(batch) is None


def test_only_refused_rows_move_the_cursor_and_make_no_batch() -> None:
    found = take(ticks((0, float("nan"), 1.0)))
    assert (found.batches, found.cursor.taken, found.cursor.next_seq, found.new_rows) == ((), 1, 1, 1)


def test_nothing_new_is_nothing() -> None:
    assert take(ticks()).new_rows == 0
