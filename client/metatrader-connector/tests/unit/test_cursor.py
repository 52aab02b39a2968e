"""The cursor takes each tick exactly once and in order, however the terminal's history is read."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metatrader_connector.domain.cursor import TICK_DTYPE, Cursor, Rows, unread

START_S = 1_700_000_000


def history(stamps: list[int], prices: list[int]) -> Rows:
    rows = np.zeros(len(stamps), dtype=TICK_DTYPE)
    rows["time_msc"] = stamps
    rows["time"] = rows["time_msc"] // 1000
    rows["bid"] = prices
    rows["ask"] = prices
    return rows


def read(rows: Rows, visible: int, from_s: int, count: int) -> Rows:
    """copy_ticks_from: whole seconds, found by the largest stamp so far, oldest first."""
    newest = np.maximum.accumulate(rows["time_msc"][:visible]) if visible else np.zeros(0)
    start = int(np.searchsorted(newest, from_s * 1000, side="left"))
    return rows[start:visible][:count].copy()


def follow(rows: Rows, steps: list[tuple[int, int]], cursor: Cursor) -> list[bytes]:
    """Read while the history grows; each step is (ticks that appear, most rows asked beyond those known)."""
    taken: list[bytes] = []
    visible = 0
    for more, count in [*steps, *[(len(rows), 20_000)] * 4]:
        visible = min(len(rows), visible + more)
        seen = read(rows, visible, cursor.read_from_s, cursor.taken + count)
        found = unread(cursor, seen)
        taken += [row.tobytes() for row in seen[found.start :]]
        # what a restart would find on disk
        cursor = msgspec.msgpack.decode(msgspec.msgpack.encode(found.cursor), type=Cursor)
        assert not found.gap
    return taken


gaps = st.sampled_from([0, 0, 0, 1, 5, 300, 999, 1000, 1001, 5000, -1, -700, -3000])
growth = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), max_size=40)


@settings(max_examples=400, deadline=None)
@given(st.lists(gaps, min_size=1, max_size=120), st.lists(st.integers(1, 2), min_size=1, max_size=7), growth)
def test_every_tick_is_taken_once_and_in_order_whatever_the_stamps_and_the_batching(steps, prices, reads) -> None:
    stamps = list(START_S * 1000 + np.cumsum([max(g, -3000) for g in steps]) + 10_000)
    rows = history([int(s) for s in stamps], [prices[i % len(prices)] for i in range(len(stamps))])
    assert follow(rows, reads, Cursor("X", START_S)) == [row.tobytes() for row in rows]


def test_ticks_that_are_equal_in_every_field_are_all_kept() -> None:
    rows = history([START_S * 1000 + 5] * 50, [1] * 50)
    assert len(follow(rows, [(1, 1)] * 30, Cursor("X", START_S))) == 50


def test_more_ticks_in_one_second_than_a_read_may_hold_are_all_taken() -> None:
    rows = history([START_S * 1000 + i // 50 for i in range(30_000)], list(range(30_000)))
    assert len(follow(rows, [(30_000, 7_000)] * 3, Cursor("X", START_S))) == 30_000


def test_a_stamp_far_ahead_does_not_stop_the_reading() -> None:
    stamps = [START_S * 1000 + i * 40 for i in range(120_000)]
    stamps[100] = 4_000_000_000_000
    rows = history(stamps, list(range(120_000)))
    assert len(follow(rows, [(20_000, 20_000)] * 6, Cursor("X", START_S))) == 120_000


def test_the_second_moves_on_so_that_little_is_read_twice() -> None:
    rows = history([START_S * 1000 + i * 100 for i in range(1_000)], [1] * 1_000)
    found = unread(Cursor("X", START_S), rows)
    assert (found.start, found.cursor.from_s, found.cursor.taken) == (0, START_S + 99, 10)


def test_a_history_that_is_still_being_loaded_brings_nothing_and_loses_nothing() -> None:
    rows = history([START_S * 1000 + i * 100 for i in range(100)], list(range(100)))
    cursor = unread(Cursor("X", START_S), rows).cursor
    found = unread(cursor, rows[90:92])
    assert (found.start, found.cursor) == (2, cursor)
    assert unread(cursor, rows[:0]).cursor == cursor


def test_a_history_that_changed_is_continued_behind_the_last_known_ticks() -> None:
    rows = history([START_S * 1000 + i * 100 for i in range(100)], list(range(100)))
    cursor = unread(Cursor("X", START_S), rows[:50]).cursor
    found = unread(cursor, rows[45:])  # older rows are gone, the tail is there
    assert [int(p) for p in rows[45:][found.start :]["bid"]] == list(range(50, 100))
    assert not found.gap


def test_a_history_with_other_values_is_continued_by_time_and_reported() -> None:
    rows = history([START_S * 1000 + i * 100 for i in range(100)], list(range(100)))
    cursor = unread(Cursor("X", START_S), rows[:55]).cursor
    other = rows.copy()
    other["bid"] += 1000
    found = unread(cursor, other[50:])
    assert found.gap
    assert int(other[50:][found.start]["time_msc"]) == START_S * 1000 + 5500


def test_a_history_whose_last_known_stamp_is_gone_goes_on_with_the_next_later_one() -> None:
    rows = history([START_S * 1000 + i * 100 for i in range(10)], list(range(10)))
    cursor = unread(Cursor("X", START_S), rows[:5]).cursor
    other = history([START_S * 1000 + 50, START_S * 1000 + 450], [7, 8])
    found = unread(cursor, other)
    assert (found.start, found.gap) == (1, True)


def test_a_probe_that_can_not_tell_its_place_takes_nothing() -> None:
    rows = history([START_S * 1000] * 40, [1] * 40)
    cursor = msgspec.structs.replace(unread(Cursor("X", START_S - 5), rows).cursor, probe_s=START_S)
    found = unread(cursor, rows)
    assert (found.start, found.cursor.probe_s) == (40, 0)
