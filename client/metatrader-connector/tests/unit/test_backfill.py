"""What was missed is read forward, in windows that follow how much they hold, and never endlessly."""

from metatrader_connector.domain.backfill import MANY, MOST_S, SETTLE_AT_MOST_MS, SETTLE_MS, Backfill, too_far
from metatrader_connector.domain.cursor import Cursor

CURSOR = Cursor("EURUSD", 1_000, 3, b"x", 1_000_500, 4)


def settled(reached_s: int = 1_000) -> Backfill:
    made = Backfill(reached_s)
    made.settled(0, 1)
    assert made.settled(0, 2)
    return made


def test_windows_grow_over_silence_and_shrink_in_a_crowd() -> None:
    fill = settled()
    read = fill.read(CURSOR, 10**9, 1)
    assert read is not None
    assert (read.from_s, read.to_s) == (1_000, 1_060)
    fill.took(read, 0)
    again = fill.read(CURSOR, 10**9, 1)
    assert again is not None
    assert (again.from_s, again.to_s) == (1_000, 1_180)
    fill.took(again, MANY + 1)
    assert fill.window_s == 60
    for _ in range(40):
        fill.took(again, MANY + 1)
    assert fill.window_s == 1
    for _ in range(40):
        fill.took(again, 0)
    assert fill.window_s == MOST_S


def test_it_ends_when_now_is_reached() -> None:
    fill = settled()
    read = fill.read(CURSOR, 1_010, 1)
    assert read is not None
    assert read.to_s == 1_010
    fill.took(read, 5)
    assert fill.read(CURSOR, 1_010, 1) is None


def test_D16_a_history_that_still_loads_is_asked_until_two_answers_are_the_same() -> None:
    fill, now = Backfill(1_000), 1_000_000
    answers = []
    for rows in (0, 7, 7):
        assert fill.due(now)
        fill.read(CURSOR, 10**9, now)
        answers.append(fill.settled(rows, now))
        assert fill.due(now) == answers[-1]
        now += SETTLE_MS
    assert answers == [False, False, True]


def test_a_history_that_never_settles_is_taken_as_it_is_after_a_while() -> None:
    fill = Backfill(1_000)
    assert not fill.settled(1, 1)
    assert fill.settled(2, 2 + SETTLE_AT_MOST_MS)


def test_more_than_is_allowed_is_left_out_and_numbers_go_on() -> None:
    assert too_far(CURSOR, 1_100, 100) is None
    assert too_far(CURSOR, 10**6, 0) is None
    later = too_far(CURSOR, 1_101, 100)
    assert later is not None
    assert (later.from_s, later.taken, later.tail, later.next_seq) == (1_001, 0, b"", 4)
