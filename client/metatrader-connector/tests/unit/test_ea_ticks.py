"""Whatever the EA does, the stream is the one of the cursor alone; while it does well, it is told sooner."""

import asyncio

import numpy as np
import pytest
from ea_room import START_MS, START_S, MemoryEa, MemoryTerminal, history
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.testing import FakeClock
from metatrader_connector.domain.cursor import Cursor, rows_of, unread
from metatrader_connector.domain.ea_frames import Forget, Resume, Ticks
from metatrader_connector.domain.ea_mirror import Mirror, Push
from metatrader_connector.domain.terminal import TickRead
from metatrader_connector.ea_ticks import MergedTicks

SYMBOLS = ("A", "B")


class Room:
    """Reads as `tick_flow.Reader` does."""

    def __init__(self, stamps: dict[str, list[int]], *, tell_holes: bool = True) -> None:
        prices = {name: [1.0 + i % 2 for i in range(len(s))] for name, s in stamps.items()}
        self.terminal = MemoryTerminal({name: history(s, prices[name]) for name, s in stamps.items()})
        self.clock = FakeClock()
        self.source = MergedTicks(self.terminal, self.clock)
        self.ea = MemoryEa(self.terminal)
        self.cursors = {name: Cursor(name, START_S) for name in stamps}
        self.taken: dict[str, list[bytes]] = {name: [] for name in stamps}
        self.gaps = 0
        self.tell_holes = tell_holes
        self.last: Ticks | None = None

    def grow(self, symbol: str, more: int) -> None:
        rows = self.terminal.rows[symbol]
        self.terminal.visible[symbol] = min(len(rows), self.terminal.visible.get(symbol, 0) + more)

    def read(self, batch: int = 20_000) -> None:
        reads = tuple(TickRead(n, c.read_from_s, c.taken + batch) for n, c in self.cursors.items())
        for name, packed in zip(self.cursors, asyncio.run(self.source.ticks(reads)), strict=True):
            if packed:
                rows = rows_of(packed)
                found = unread(self.cursors[name], rows)
                self.cursors[name] = found.cursor
                self.taken[name] += [row.tobytes() for row in rows[found.start :]]
                self.gaps += found.gap

    def push(self, symbol: str) -> Push | None:
        self.source.heard()
        told = self.ea.push(symbol)
        if told is None:
            return None
        self.last = told
        return self.source.push(told)

    def lose(self, symbol: str) -> None:
        if self.ea.push(symbol) is not None and self.tell_holes:
            self.source.doubt()

    def repeat(self) -> None:
        if self.last is not None:
            self.source.push(self.last)

    def connect(self) -> None:
        self.ea = MemoryEa(self.terminal)
        self.source.begin(self.ea.told)

    def rest(self) -> None:
        """Everything is there, and is read to the end."""
        for name in self.cursors:
            self.grow(name, 10**6)
        for _ in range(4):
            self.clock.advance(1_001)
            self.read()

    def wanted(self) -> dict[str, list[bytes]]:
        return {name: [row.tobytes() for row in rows] for name, rows in self.terminal.rows.items()}


often = st.one_of(
    st.tuples(st.just("grow"), st.sampled_from(SYMBOLS), st.integers(1, 5)),
    st.tuples(st.sampled_from(["push", "push", "push", "lose"]), st.sampled_from(SYMBOLS), st.just(0)),
    st.tuples(st.just("read"), st.just(""), st.integers(3, 12)),
)
seldom = st.one_of(
    st.tuples(st.sampled_from(["repeat", "repeat", "connect", "leave", "restart"]), st.just(""), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([1, 300, 600, 1_001, 4_000])),
)
# a list that may be empty is short most of the time, and then too little happens
steps = st.lists(st.one_of(often, often, often, often, seldom), min_size=50, max_size=120)
apart = st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 5, 9, 30, 30, 300, 1000]), min_size=60, max_size=160)
apart_and_late = st.lists(
    st.sampled_from([0, 0, 0, 1, 1, 2, 5, 9, 30, 300, 1000, -1, -700, -2500]), min_size=60, max_size=160
)


def play(room: Room, script: list[tuple[str, str, int]]) -> None:
    room.connect()
    for verb, symbol, number in script:
        match verb:
            case "grow":
                room.grow(symbol, number)
            case "push":
                room.push(symbol)
            case "lose":
                room.lose(symbol)
            case "repeat":
                room.repeat()
            case "connect":
                room.connect()
            case "leave":
                room.source.end()
            case "restart":
                room.terminal.session += 1
            case "read":
                room.read(number)
            case "wait":
                room.clock.advance(number)
    room.rest()


def stamps_of(gaps: list[int]) -> list[int]:
    return [int(s) for s in START_MS + 5_000 + np.cumsum(gaps)]


@settings(max_examples=300, deadline=None)
@given(apart, apart, steps, st.booleans())
def test_the_stream_is_the_cursors_whatever_is_lost_repeated_or_cut(a, b, script, tell_holes) -> None:
    room = Room({"A": stamps_of(a), "B": stamps_of(b)}, tell_holes=tell_holes)
    play(room, script)
    assert room.taken == room.wanted()
    assert room.gaps == 0
    assert room.source.disputes == 0


@settings(max_examples=200, deadline=None)
@given(apart_and_late, steps, st.booleans())
def test_late_ticks_stay_where_the_terminal_has_them(late, script, tell_holes) -> None:
    room = Room({"A": stamps_of(late), "B": stamps_of([0])}, tell_holes=tell_holes)
    play(room, script)
    assert room.taken == room.wanted()
    assert room.gaps == 0


def joined(*stamps: int) -> Room:
    room = Room({"A": [START_MS + s for s in stamps]})
    room.connect()
    room.grow("A", 1)
    room.read()
    room.push("A")
    return room


def test_what_the_ea_pushes_is_given_out_without_asking_the_terminal() -> None:
    room = joined(0, 0, 0, 700)
    asked = room.terminal.asked
    room.grow("A", 3)
    assert room.push("A") is Push.FITS
    room.read()
    assert len(room.taken["A"]) == 4
    assert room.terminal.asked == asked
    assert room.source.pushed == 3


def test_the_terminal_is_read_every_second_even_while_the_ea_speaks() -> None:
    room = joined(0, 100)
    room.grow("A", 1)  # of which the EA tells nothing
    room.read()
    assert len(room.taken["A"]) == 1
    room.clock.advance(1_001)
    room.source.heard()
    room.read()
    assert len(room.taken["A"]) == 2


def test_an_ea_that_has_fallen_silent_is_not_relied_on() -> None:
    room = joined(0, 100)
    room.source._read_ns["A"] = room.clock.monotonic_ns() + 10**12  # so that only the silence counts
    room.clock.advance(3_001)
    room.grow("A", 1)
    room.read()
    assert len(room.taken["A"]) == 2


def test_after_a_hole_the_terminal_is_asked_at_once_and_the_ea_begins_again() -> None:
    room = joined(0, 100, 200)
    room.grow("A", 1)
    room.lose("A")
    room.read()
    assert len(room.taken["A"]) == 2
    assert room.ea.heard[-1] == Resume("A", START_S)


def test_rows_that_contradict_the_terminal_are_not_given_out() -> None:
    room = joined(0, 100)
    room.grow("A", 1)
    told = room.ea.push("A")
    assert told is not None
    forged = rows_of(told.rows).copy()
    forged["bid"] += 5
    assert room.source.push(Ticks("A", told.from_s, told.at, forged.tobytes())) is Push.DIFFERS
    room.rest()
    assert room.taken == room.wanted()
    assert room.source.disputes == 1


def test_rows_the_terminal_never_shows_are_disputed() -> None:
    room = joined(0)
    invented = np.concatenate([room.terminal.rows["A"], history([START_MS + 50])])
    assert room.source.push(Ticks("A", START_S, 0, invented.tobytes())) is Push.FITS
    for _ in range(6):
        room.clock.advance(1_001)
        room.read()
    assert room.source.disputes == 1


def test_a_symbol_that_is_no_longer_wanted_is_forgotten_by_the_ea() -> None:
    room = Room({"A": [START_MS], "B": [START_MS]})
    room.connect()
    room.read()
    del room.cursors["B"]
    room.read()
    assert room.ea.heard[-1] == Forget("B")
    assert set(room.ea.places) == {"A"}


def test_the_ea_is_asked_by_the_brokers_name() -> None:
    room = Room({"A": [START_MS, START_MS + 1]})
    room.source.theirs = lambda name: name + ".pro"
    room.connect()
    room.grow("A", 1)
    room.read()
    assert room.ea.heard == [Resume("A.pro", START_S)]
    room.grow("A", 1)
    assert room.source.push(Ticks("A.pro", START_S, 0, room.terminal.rows["A"].tobytes())) is Push.FITS


def test_without_an_ea_nothing_is_kept_and_the_terminal_is_asked() -> None:
    room = Room({"A": [START_MS]})
    room.grow("A", 1)
    room.read()
    assert room.taken == room.wanted()
    assert room.terminal.asked == 1
    assert not room.source._mirrors


async def test_a_push_wakes_the_reader() -> None:
    room = Room({"A": [START_MS]})
    room.connect()
    await room.source.ticks((TickRead("A", START_S, 5),))
    room.source._news.clear()
    waiting = asyncio.create_task(room.source.news(30))
    await asyncio.sleep(0)
    room.source.push(Ticks("A", START_S, 0, b""))
    await asyncio.wait_for(waiting, 5)


async def test_waiting_ends_when_nothing_comes() -> None:
    room = Room({"A": [START_MS]})
    room.connect()
    room.source._news.clear()
    await asyncio.wait_for(room.source.news(0.001), 5)


@pytest.mark.parametrize("rows", [0, 3])
def test_a_symbol_without_any_tick_yet_joins_too(rows: int) -> None:
    room = Room({"A": [START_MS + i for i in range(3)]})
    room.connect()
    room.read()
    assert room.push("A") is Push.FITS
    room.grow("A", rows)
    room.push("A")
    room.read()
    assert len(room.taken["A"]) == rows


def mirror_of(*stamps: int) -> tuple[Mirror, list[bytes]]:
    rows = [row.tobytes() for row in history([START_MS + stamp for stamp in stamps])]
    made = Mirror(START_S)
    made.read_back(START_S, b"".join(rows[:2]), 100, 0)
    return made, rows


def test_rows_that_leave_one_out_are_not_taken() -> None:
    mirror, rows = mirror_of(0, 1, 2, 3, 4)
    assert mirror.push(Ticks("A", START_S, 3, b"".join(rows[3:]))) is Push.HOLE
    assert mirror.count == 2


def test_rows_that_share_none_with_what_is_known_prove_nothing() -> None:
    mirror, rows = mirror_of(0, 1, 2, 3)
    assert mirror.push(Ticks("A", START_S, 2, b"".join(rows[2:]))) is Push.HOLE
    assert mirror.push(Ticks("A", START_S, 1, b"".join(rows[1:]))) is Push.FITS
    assert mirror.rows(START_S, 100) == b"".join(rows)


def test_rows_counted_from_a_second_that_is_not_known_are_not_taken() -> None:
    mirror, rows = mirror_of(0, 1, 2, 3)
    assert mirror.push(Ticks("A", START_S - 1, 5, b"".join(rows[1:]))) is Push.HOLE
    assert mirror.push(Ticks("A", START_S - 1, 0, b"".join(rows))) is Push.FITS
    assert mirror.count == 4


def test_a_late_tick_is_left_to_the_terminal() -> None:
    mirror, rows = mirror_of(0, 500, 300)
    assert mirror.push(Ticks("A", START_S, 1, b"".join(rows[1:]))) is Push.HOLE
    assert mirror.count == 2
