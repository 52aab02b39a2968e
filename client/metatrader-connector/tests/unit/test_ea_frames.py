"""A frame is taken whole or not at all: unknown, short, over-long and doubtful ones do nothing."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import ea_room as ea
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.testing import FakeClock
from metatrader_connector.domain.ea_facts import Calendar, EaFacts, Kept
from metatrader_connector.domain.ea_frames import (
    MAX_FRAME_BYTES,
    Alive,
    CalendarEvents,
    CalendarValues,
    Forget,
    Hello,
    Malformed,
    MarginRates,
    Resume,
    Sessions,
    Ticks,
    Transaction,
    decode,
    encode,
)
from metatrader_connector.domain.feed_watch import FeedWatch
from metatrader_connector.ea_desk import EaDesk
from metatrader_connector.ea_ticks import MergedTicks

NAN, INFINITE = float("nan"), float("inf")
EVENT = ((840_030_016, 1, 3, 0, 1, 0, 1), "USD", "Core CPI m/m", "https://www.bls.gov")
VALUE = (1_000, 840_030_016, ea.START_S, 200_000, -(2**63), -(2**63), 300_000)
SOUND = {
    "hello": ea.hello(),
    "ticks": ea.ticks(2, "EURUSD", ea.START_S, 4, [ea.row(ea.START_MS), ea.row(ea.START_MS), ea.row(ea.START_MS + 7)]),
    "no ticks": ea.ticks(2, "EURUSD", ea.START_S, 0, []),
    "alive": ea.alive(3),
    "sessions": ea.sessions(4, "EURUSD", [(0, 1, 0, 86_400), (1, 1, 300, 86_100), (1, 5, 300, 86_100)]),
    "margin rates": ea.margin_rates(5, "EURUSD", [(0, 1.0, 0.0), (1, 1.0, 0.0)]),
    "calendar events": ea.calendar_events(6, [EVENT]),
    "calendar values": ea.calendar_values(7, 99, [VALUE]),
    "transaction": ea.transaction(8, 6),
}
KINDS = (Hello, Ticks, Ticks, Alive, Sessions, MarginRates, CalendarEvents, CalendarValues, Transaction)
RECORDED = Path(__file__).parent.parent / "fixtures" / "ea_frames.txt"


@pytest.mark.parametrize(("frame", "kind"), list(zip(SOUND.values(), KINDS, strict=True)), ids=list(SOUND))
def test_a_sound_frame_is_read(frame: bytes, kind: type) -> None:
    assert isinstance(decode(frame)[1], kind)


def test_recorded_frames_are_still_read_as_they_were() -> None:
    recorded = dict(line.split(": ") for line in RECORDED.read_text().splitlines())
    assert {name: frame.hex() for name, frame in SOUND.items()} == recorded
    seq, told = decode(bytes.fromhex(recorded["ticks"]))
    assert (seq, told.symbol, told.from_s, told.at, len(told.rows)) == (2, "EURUSD", ea.START_S, 4, 180)
    _, values = decode(bytes.fromhex(recorded["calendar values"]))
    assert (values.change_id, values.values[0].forecast_value, values.values[0].prev_value) == (99, 300_000, -(2**63))


TICK = ea.row(ea.START_MS)
BAD = {
    "empty": b"",
    "only a head": ea.head(2, 1),
    "another version": ea.head(8, 1, version=2) + b"\0",
    "no zero bytes": ea.head(8, 1, zero=1) + b"\0",
    "number zero": ea.transaction(0, 1),
    "unknown kind": ea.head(77, 1) + b"\0",
    "a frame of our own": encode(Forget("EURUSD"), 1),
    "one byte more": ea.transaction(1, 1) + b"\0",
    "far too long": ea.transaction(1, 1) + b"\0" * MAX_FRAME_BYTES,
    "nan": ea.ticks(1, "A", ea.START_S, 0, [ea.row(ea.START_MS, NAN)]),
    "infinite": ea.ticks(1, "A", ea.START_S, 0, [ea.row(ea.START_MS, 1.0, INFINITE)]),
    "last is nan": ea.ticks(1, "A", ea.START_S, 0, [ea.row(ea.START_MS, last=NAN)]),
    "before its second": ea.ticks(1, "A", ea.START_S + 1, 0, [TICK]),
    "a stamp of 1970": ea.ticks(1, "A", 1, 0, [ea.row(5_000)]),
    "second zero": ea.ticks(1, "A", 0, 0, [TICK]),
    "two clocks": ea.ticks(1, "A", ea.START_S, 0, [struct.pack("<q", 5) + TICK[8:]]),
    "nothing, somewhere": ea.ticks(1, "A", ea.START_S, 1, []),
    "too many rows": ea.ticks(1, "A", ea.START_S, 0, [TICK] * 2_001),
    "no symbol": ea.ticks(1, "", ea.START_S, 0, [TICK]),
    "a long symbol": ea.ticks(1, "A" * 65, ea.START_S, 0, [TICK]),
    "a control character": ea.ticks(1, "A\n", ea.START_S, 0, [TICK]),
    "not utf-8": ea.head(4, 1) + struct.pack("<H", 1) + b"\xff" + struct.pack("<H", 0),
    "a clock of 1970": ea.alive(1, server_s=5),
    "an offset of two days": ea.alive(1, offset_s=200_000),
    "neither true nor false": ea.alive(1, connected=2),
    "an eighth weekday": ea.sessions(1, "A", [(0, 7, 0, 60)]),
    "a session backwards": ea.sessions(1, "A", [(0, 1, 60, 60)]),
    "a session beyond the day": ea.sessions(1, "A", [(0, 1, 0, 86_401)]),
    "a session twice": ea.sessions(1, "A", [(0, 1, 0, 60), (0, 1, 0, 60)]),
    "sessions that overlap": ea.sessions(1, "A", [(0, 1, 0, 60), (0, 1, 59, 90)]),
    "a rate twice": ea.margin_rates(1, "A", [(0, 1.0, 1.0), (0, 1.0, 1.0)]),
    "a rate that is nan": ea.margin_rates(1, "A", [(0, NAN, 1.0)]),
    "a rate below zero": ea.margin_rates(1, "A", [(0, 1.0, -1.0)]),
    "an unknown order": ea.margin_rates(1, "A", [(8, 1.0, 1.0)]),
    "an event twice": ea.calendar_events(1, [EVENT, EVENT]),
    "a value twice": ea.calendar_values(1, 5, [VALUE, VALUE]),
    "a value without a time": ea.calendar_values(1, 5, [(1, 1, 0, 0, 0, 0, 0)]),
}


@pytest.mark.parametrize("frame", BAD.values(), ids=list(BAD))
def test_a_doubtful_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(Malformed):
        decode(frame)


@pytest.mark.parametrize("frame", SOUND.values(), ids=list(SOUND))
def test_every_shortened_frame_is_refused(frame: bytes) -> None:
    for length in range(len(frame)):
        with pytest.raises(Malformed):
            decode(frame[:length])


@dataclass
class Wire:
    sent: list[bytes] = field(default_factory=list)
    why: str = ""

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    def close(self, why: str) -> None:
        self.why = why


@dataclass
class Keeper:
    kept: list[Kept] = field(default_factory=list)
    calendars: list[Calendar] = field(default_factory=list)
    full: bool = False

    def keep_facts(self, kept: Kept) -> None:
        if self.full:
            raise OSError("no room")
        self.kept.append(kept)

    def keep_calendar(self, calendar: Calendar) -> None:
        self.calendars.append(calendar)


class Room:
    def __init__(self, kept: Kept | None = None, **sessions: object) -> None:
        self.clock = FakeClock(ea.START_MS)
        self.terminal = ea.MemoryTerminal({"EURUSD": ea.history([ea.START_MS] * 3)})
        self.ticks = MergedTicks(self.terminal, self.clock)
        self.feed = FeedWatch("utc", 60_000, dict(sessions))
        self.keeper = Keeper()
        self.woken = 0
        self.desk = EaDesk(
            "1000001",
            self.ticks,
            EaFacts(kept or Kept()),
            self.clock,
            self.keeper,
            self._wake,
            self.feed,
            lambda: "utc",
        )
        self.wire = Wire()
        self.talk = self.desk.opened(self.wire)

    def _wake(self) -> None:
        self.woken += 1

    def hear(self, *frames: bytes) -> None:
        for frame in frames:
            self.desk.heard(self.talk, frame)

    def greeted(self) -> "Room":
        self.hear(ea.hello())
        assert self.desk.live is self.talk
        return self

    def state(self) -> tuple[object, ...]:
        return self.desk.facts.kept, self.desk.facts.calendar(), dict(self.feed.sessions), self.woken, self.ticks.pushed


torn = st.tuples(st.sampled_from(list(SOUND)), st.integers(0, 400), st.binary(max_size=4))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), torn))
def test_an_unknown_or_short_message_does_nothing(noise) -> None:
    if isinstance(noise, tuple):
        name, cut, more = noise
        noise = SOUND[name][:cut] + more
    try:
        decode(noise)
    except Malformed:
        room = Room().greeted()
        before, sent = room.state(), len(room.wire.sent)
        room.hear(noise)
        assert room.state() == before
        assert len(room.wire.sent) == sent
        assert room.desk.refused.total() == 1


def test_what_comes_before_the_hello_ends_the_talk() -> None:
    room = Room()
    room.hear(ea.transaction(1, 1))
    assert "who it is" in room.wire.why
    room.hear(ea.hello())
    assert room.desk.live is None


async def test_who_says_nothing_is_sent_away() -> None:
    room = Room()
    room.clock.advance(3_001)
    await room.desk.look()
    assert room.wire.why == "it did not say who it is"


async def test_an_ea_that_falls_silent_is_sent_away() -> None:
    room = Room().greeted()
    room.clock.advance(10_001)
    await room.desk.look()
    assert room.desk.live is None


def test_a_terminal_of_another_account_is_sent_away() -> None:
    room = Room()
    room.hear(ea.hello(login=5))
    assert "logged in to 5" in room.wire.why
    assert room.desk.live is None


def test_a_second_ea_of_the_account_is_sent_away_while_the_first_lives() -> None:
    room, second = Room().greeted(), Wire()
    talk = room.desk.opened(second)
    room.desk.heard(talk, ea.hello())
    assert "another chart" in second.why
    assert room.desk.live is room.talk


def test_a_second_ea_takes_the_place_of_one_that_is_dead() -> None:
    room, second = Room().greeted(), Wire()
    room.clock.advance(10_001)
    talk = room.desk.opened(second)
    room.desk.heard(talk, ea.hello())
    assert room.desk.live is talk
    assert room.wire.why


def test_a_message_that_comes_again_has_no_effect() -> None:
    room = Room().greeted()
    room.hear(ea.transaction(2, 1))
    room.clock.advance(1_000)
    room.hear(ea.transaction(2, 1))
    assert room.woken == 1
    assert room.desk.refused == {"repeated": 1}


def test_a_missing_message_is_noticed_by_its_number() -> None:
    room = Room().greeted()
    room.hear(ea.alive(2), ea.alive(4))
    assert room.desk.holes == 1


def test_a_trade_wakes_the_account_but_a_thousand_do_not_wake_it_a_thousand_times() -> None:
    room = Room().greeted()
    room.hear(*(ea.transaction(2 + i, 6) for i in range(50)))
    assert room.woken == 1
    room.clock.advance(51)
    room.hear(ea.transaction(52, 6))
    assert room.woken == 2


def test_a_hundred_messages_without_meaning_end_the_talk() -> None:
    room = Room().greeted()
    room.hear(*[b"?"] * 99)
    assert not room.wire.why
    room.hear(b"?")
    assert "versions" in room.wire.why


def test_a_flood_ends_the_talk() -> None:
    room = Room().greeted()
    room.hear(*(ea.alive(2 + i) for i in range(10_001)))
    assert "more than" in room.wire.why


def test_sessions_of_the_ea_tell_silence_from_a_closed_market() -> None:
    room = Room().greeted()
    assert not room.feed.closed("EURUSD", ea.START_MS)
    room.hear(ea.sessions(2, "EURUSD", [(0, 1, 3_600, 86_400)]))  # Mondays only; START_S is a Tuesday
    assert room.feed.closed("EURUSD", ea.START_MS)
    assert not room.feed.closed("EURUSD", ea.START_MS - 86_400_000)


def test_sessions_that_the_trader_has_set_count_before_the_eas() -> None:
    from metatrader_connector.domain.feed_watch import sessions_of

    room = Room(**sessions_of(["EURUSD=24/7"])).greeted()
    room.hear(ea.sessions(2, "EURUSD", [(0, 1, 3_600, 86_400)]))
    assert not room.feed.closed("EURUSD", ea.START_MS)


async def test_what_the_ea_told_is_known_after_a_restart() -> None:
    room = Room().greeted()
    room.hear(ea.sessions(2, "EURUSD", [(0, 1, 3_600, 86_400)]), ea.margin_rates(3, "EURUSD", [(0, 0.5, 0.25)]))
    await room.desk.look()
    again = Room(room.keeper.kept[-1])
    assert again.feed.closed("EURUSD", ea.START_MS)
    assert again.desk.facts.kept.margin_rates["EURUSD"][0].initial == 0.5


async def test_the_calendar_is_handed_over_with_the_servers_clock() -> None:
    room = Room().greeted()
    room.hear(ea.calendar_events(2, [EVENT]), ea.calendar_values(3, 9, [VALUE]))
    await room.desk.look()
    assert not room.keeper.calendars  # its times mean nothing yet
    room.hear(ea.alive(4, server_s=ea.START_S + 10_801))
    room.clock.advance(5_001)
    await room.desk.look()
    (told,) = room.keeper.calendars
    assert (told.utc_offset_s, told.values[0].forecast_value, told.events[0].name) == (10_800, 300_000, "Core CPI m/m")
    room.clock.advance(5_001)
    await room.desk.look()
    assert len(room.keeper.calendars) == 1


async def test_a_full_disk_is_tried_again_and_harms_nothing() -> None:
    room = Room().greeted()
    room.hear(ea.margin_rates(2, "EURUSD", [(0, 0.5, 0.25)]))
    room.keeper.full = True
    await room.desk.look()
    room.keeper.full = False
    room.clock.advance(5_001)
    room.hear(ea.alive(3))
    await room.desk.look()
    assert room.keeper.kept


async def test_the_ea_hears_what_to_read_and_what_was_taken() -> None:
    from metatrader_connector.domain.terminal import TickRead

    room = Room().greeted()
    assert room.wire.sent == [ea.head(131, 1) + struct.pack("<Q", 1)]
    await room.ticks.ticks((TickRead("EURUSD", ea.START_S, 10),))
    assert room.wire.sent[1] == ea.head(129, 2) + ea.text("EURUSD") + struct.pack("<Q", ea.START_S)
    assert encode(Resume("EURUSD", ea.START_S), 2) == room.wire.sent[1]


async def test_health_says_whether_the_ea_is_here() -> None:
    room = Room()
    assert "no EA" in await room.desk.probe()
    room.greeted()
    room.hear(ea.alive(2, server_s=ea.START_S + 7_200))
    assert "+2 h" in await room.desk.probe()
