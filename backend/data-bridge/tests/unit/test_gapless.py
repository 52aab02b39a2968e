"""Whatever is repeated, lost, refused or delayed on the way: the store ends up with every number once."""

from dataclasses import dataclass, field

import bridge_rig as rig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import encode
from contracts.rpc import Stored
from contracts.ticks import TickBatch, since
from contracts.uplink import Ack, Control, Hello, Rewind, StreamPosition
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import AskStored, AwaitBus, Close, Effect, Greet, Send, TicksOut
from data_bridge.domain.greeting import Identity
from data_bridge.domain.session import Session

NOW = rig.EPOCH + 1_000
TOTAL = 60
WHO = Identity(rig.TENANT, rig.ACCOUNT, "pc-1", 2**62)


@dataclass
class World:
    """A terminal with a spool of TOTAL numbers, a session, a bus that may lose, and a store that judges."""

    session: Session = field(default_factory=lambda: Session(WHO, "s", Counts(), NOW))
    now: int = NOW
    at: int = 1
    """The number the terminal sends next."""
    up: list[bytes] = field(default_factory=list)
    down: list[object] = field(default_factory=list)
    flying: list[TicksOut] = field(default_factory=list)
    bus: list[TickBatch] = field(default_factory=list)
    published: list[TicksOut] = field(default_factory=list)
    mark: int = 0
    kept: list[int] = field(default_factory=list)
    todo: list[Effect] = field(default_factory=list)
    acked: int = 0

    def __post_init__(self) -> None:
        self.greet()

    def greet(self) -> None:
        self.session.receive(encode(Control(Hello(1, rig.TENANT, rig.ACCOUNT, rig.EPOCH, "t", 1))), self.now)
        assert isinstance(self.session.drain(self.now)[0], Greet)
        self.session.welcome(self.report(), rig.EPOCH, self.now)
        self.drain()

    def reconnect(self) -> None:
        """The connection is lost with all that was on it; messages on their way to the bus may still arrive."""
        self.now += 1_000
        self.session = Session(WHO, "s", Counts(), self.now)
        self.up.clear()
        self.down.clear()
        self.todo.clear()
        self.bus += [message.batch for message in self.flying[::2]]
        self.flying.clear()
        self.at = self.mark + 1
        self.acked = self.mark
        self.greet()

    def report(self) -> Stored:
        positions = (StreamPosition("EURUSD", rig.EPOCH, self.mark),) if self.mark else ()
        return Stored(rig.TENANT, rig.ACCOUNT, positions, rig.EPOCH, 0)

    def drain(self) -> None:
        for effect in self.session.drain(self.now):
            assert not isinstance(effect, Close), effect
            if isinstance(effect, Send):
                self.down.append(effect.frame.body)
            else:
                self.todo.append(effect)

    def spool_sends(self, count: int, skip: int = 0) -> None:
        """The terminal sends its next numbers; with `skip` some are lost before the bridge (a refused frame)."""
        first = self.at + skip
        count = min(count, TOTAL - first + 1)
        if count > 0:
            self.up.append(encode(rig.ticks_of("EURUSD", first, count)))
            self.at = first + count

    def obey(self) -> None:
        """The terminal reads what came down."""
        for body in self.down:
            if isinstance(body, Rewind):
                assert body.from_seq > self.acked, "asked for numbers that the spool may have forgotten"
                self.at = body.from_seq
            elif isinstance(body, Ack):
                self.acked = max([self.acked, *(p.seq for p in body.stored)])
                assert self.acked <= self.mark, "acknowledged what the store does not have"
        self.down.clear()

    def bridge_reads(self) -> None:
        for frame in self.up:
            self.session.receive(frame, self.now)
        self.up.clear()
        self.drain()

    def bridge_publishes(self) -> None:
        while message := self.session.next_message(self.now):
            assert isinstance(message, TicksOut)
            self.flying.append(message)
            self.published.append(message)

    def bus_answers(self, arrived: bool, said: bool) -> None:
        """The oldest message on its way arrives or not, and the bridge hears of it or not."""
        if self.flying:
            message = self.flying.pop(0)
            if arrived:
                self.bus.append(message.batch)
            if arrived and said:
                self.session.published(message)
            else:
                self.session.failed(message)
            self.drain()

    def store_works(self) -> None:
        for batch in self.bus:
            rest = since(batch, self.mark)
            if rest is not None and rest.first_seq == self.mark + 1:
                self.mark = rest.last_seq
                self.kept += memoryview(rest.time_msc).cast("q").tolist()
        self.bus.clear()

    def store_tells(self) -> None:
        self.session.stored(self.report(), self.now)
        self.drain()

    def time_passes(self, ms: int) -> None:
        self.now += ms
        self.session.tick(self.now, reading=False)
        self.drain()

    def answers_come(self, store_answers: bool) -> None:
        """What the session asked for is done."""
        todo, self.todo = self.todo, []
        for effect in todo:
            if isinstance(effect, AskStored):
                if store_answers:
                    self.session.answered(self.report(), self.now)
                else:
                    self.session.unanswered(self.now)
            elif isinstance(effect, AwaitBus):
                self.session.bus_back(self.report() if store_answers else None, self.now)
        self.drain()

    def a_good_round(self) -> None:
        self.obey()
        self.spool_sends(7)
        self.bridge_reads()
        self.bridge_publishes()
        while self.flying:
            self.bus_answers(True, True)
        self.store_works()
        self.store_tells()
        self.time_passes(4_000)
        self.answers_come(True)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("spool_sends"), st.integers(1, 9), st.integers(0, 3)),
        st.tuples(st.just("repeat"), st.integers(1, 9)),
        st.tuples(
            st.sampled_from(["reconnect", "obey", "bridge_reads", "bridge_publishes", "store_works", "store_tells"])
        ),
        st.tuples(st.just("bus_answers"), st.booleans(), st.booleans()),
        st.tuples(st.just("time_passes"), st.sampled_from([10, 1_000, 4_000, 31_000])),
        st.tuples(st.just("answers_come"), st.booleans()),
    ),
    max_size=80,
)


@given(steps)
@settings(max_examples=400, deadline=None)
def test_any_interleaving_of_duplicates_holes_and_losses_ends_in_a_gapless_stream(script: list[tuple]) -> None:
    world = World()
    for name, *arguments in script:
        if name == "repeat":
            world.at = max(world.acked + 1, world.at - arguments[0])
        else:
            getattr(world, name)(*arguments)
    for _ in range(60):
        world.a_good_round()
    assert world.kept == list(range(1, TOTAL + 1))
    by_generation: dict[int, int] = {}
    for message in world.published:
        expected = by_generation.get(message.generation)
        assert expected in (None, message.batch.first_seq), "a generation on the bus has no hole and no repeat"
        by_generation[message.generation] = message.batch.last_seq + 1
    ids = [message.message_id for message in world.published]
    assert len(ids) == len(set(ids)), "the bus would take a repeated id for a repeated message"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_terminal_that_resumes_after_what_the_store_has_is_not_asked_for_more(size: int) -> None:
    world = World(mark=20, at=21, kept=list(range(1, 21)), acked=20)
    world.spool_sends(size)
    world.bridge_reads()
    world.bridge_publishes()
    assert [m.batch.first_seq for m in world.published] == [21]
    assert not any(isinstance(body, Rewind) for body in world.down)
