"""A tape that grows tells the same as one that was there from the start."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mt5sim.tape import GrowingTape, Tape, Ticks, quotes

Row = tuple[int, float, float]
ROWS = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from([-1.0, 0.0, 1.0, 2.0, np.nan]), st.just(2.0)), max_size=60
)


def ticks_of(rows: list[Row]) -> Ticks:
    msc, bid, ask = (np.array([row[i] for row in rows]) for i in range(3))
    return quotes(msc.astype(np.int64), bid, ask)


@given(st.lists(ROWS, max_size=8), st.integers(0, 8))
def test_a_tape_that_grew_and_forgot_is_the_tape_of_what_is_left(pieces: list[list[Row]], forget_after: int) -> None:
    tape, left = GrowingTape.empty(), []
    for number, piece in enumerate(pieces):
        arrival = np.arange(len(piece), dtype=np.int64) + number * 100
        tape.extend(ticks_of(piece), arrival)
        left += [(row, moment) for row, moment in zip(piece, arrival.tolist(), strict=True)]
        if number == forget_after:
            drop = tape.forget_half()
            assert drop == len(left) // 2
            highest = max((row[0] for row, _ in left), default=0)
            left = left[drop:]
            # what was forgotten still says how late a stamp may come
            assert (tape.newest_msc <= highest).all()
    whole = Tape.of(ticks_of([row for row, _ in left]), np.array([moment for _, moment in left], dtype=np.int64))
    assert tape.ticks.tobytes() == whole.ticks.tobytes()
    assert tape.arrival.tolist() == whole.arrival.tolist()
    assert tape.newest_sound.tolist() == whole.newest_sound.tolist()
    if forget_after >= len(pieces):
        assert tape.newest_msc.tolist() == whole.newest_msc.tolist()
