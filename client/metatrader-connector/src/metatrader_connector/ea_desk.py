"""The talk with the EA: who it is, what it may say and how much, and to whom each message goes."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kit import log
from kit.clock import Clock
from metatrader_connector.domain.clock_fit import ClockFit
from metatrader_connector.domain.ea_facts import EaFacts, hours_told
from metatrader_connector.domain.ea_frames import (
    Ack,
    Alive,
    FromEa,
    Hello,
    Malformed,
    Sessions,
    Ticks,
    ToEa,
    Transaction,
    decode,
    encode,
)
from metatrader_connector.domain.feed_watch import FeedWatch
from metatrader_connector.ea_ticks import MergedTicks
from metatrader_connector.ports import EaKeeper, EaWire, TerminalDown

HELLO_NS = 3_000_000_000
"""Whoever has not said who it is after so long is sent away."""
SILENT_NS = 10_000_000_000
"""The EA tells every second that it is there."""
FRAMES_PER_S = 10_000
BYTES_PER_S = 16 * 1024 * 1024
MOST_FAULTS = 100
"""So many frames without effect, or so many rows the terminal does not have, and the talk is over."""
MOST_DISPUTES = 3
ACK_FRAMES = 64
WAKE_NS = 50_000_000
EVERY_S = 0.25
KEEP_EVERY_NS = 5_000_000_000
_log = log.get("ea")


@dataclass(slots=True, eq=False)
class Talk:
    """One connection."""

    wire: EaWire
    since_ns: int
    hello: Hello | None = None
    seq: int = 0
    acked: int = 0
    told: int = 0
    """Frames sent to it."""
    heard_ns: int = 0
    faults: int = 0
    over: bool = False
    _second_ns: int = 0
    _frames: int = 0
    _bytes: int = 0

    def send(self, message: ToEa) -> None:
        """One frame to the EA."""
        self.told += 1
        self.wire.send(encode(message, self.told))

    def too_much(self, size: int, now_ns: int) -> bool:
        """Whether this frame is more than an EA ever has to say within a second."""
        if now_ns - self._second_ns >= 1_000_000_000:
            self._second_ns, self._frames, self._bytes = now_ns, 0, 0
        self._frames += 1
        self._bytes += size
        return self._frames > FRAMES_PER_S or self._bytes > BYTES_PER_S


@dataclass(slots=True)
class EaDesk:
    """`opened`, `heard` and `closed` are called by the door; run `run()` as a task."""

    account: str
    ticks: MergedTicks
    facts: EaFacts
    clock: Clock
    keeper: EaKeeper
    wake: Callable[[], None]
    """Look at the account now."""
    feed: FeedWatch
    zone: Callable[[], str]
    """The broker's clock as it is set or detected; empty: not known yet."""
    ours: Callable[[str], str] = lambda name: name
    """the broker's name -> ours"""
    live: Talk | None = None
    refused: Counter[str] = field(default_factory=Counter)
    """ reason -> frames without effect """
    holes: int = 0
    trouble: str = ""
    """Why the last EA was sent away; empty while one is here."""
    clock_fit: ClockFit = field(default_factory=lambda: ClockFit("utc"))
    _talks: set[Talk] = field(default_factory=set)
    _by_hand: frozenset[str] = field(init=False)
    _woken_ns: int = 0
    _kept_ns: int = 0

    def __post_init__(self) -> None:
        self._by_hand = frozenset(self.feed.sessions)
        for symbol, sessions in self.facts.kept.sessions.items():
            self._use(Sessions(symbol, sessions))

    def opened(self, wire: EaWire) -> Talk:
        """Somebody with the token is at the door."""
        talk = Talk(wire, self.clock.monotonic_ns())
        self._talks.add(talk)
        return talk

    def waiting(self) -> int:
        """How many have not said who they are."""
        return sum(talk.hello is None for talk in self._talks)

    def closed(self, talk: Talk) -> None:
        """The connection is gone."""
        self._talks.discard(talk)
        talk.over = True
        if self.live is talk:
            self.live = None
            self.ticks.end()
            _log.info("ea_gone")

    def heard(self, talk: Talk, frame: bytes) -> None:
        """One frame. What is not understood has no effect but to be counted."""
        now_ns = self.clock.monotonic_ns()
        if talk.over:
            return
        if talk.too_much(len(frame), now_ns):
            self._end(talk, "it says more than an EA has to say")
            return
        try:
            seq, message = decode(frame)
        except Malformed as fault:
            self._fault(talk, str(fault))
            return
        if talk.hello is None:
            self._greet(talk, seq, message, now_ns)
            return
        if seq <= talk.seq:
            self._fault(talk, "repeated")
            return
        if seq > talk.seq + 1:
            self.holes += 1
            self.ticks.doubt()
        talk.seq, talk.heard_ns = seq, now_ns
        self.ticks.heard()
        self._take(talk, message, now_ns)
        if talk.seq - talk.acked >= ACK_FRAMES:
            self._ack(talk)

    def _greet(self, talk: Talk, seq: int, message: FromEa, now_ns: int) -> None:
        if not isinstance(message, Hello) or seq != 1:
            self.refused["no hello"] += 1
            self._end(talk, "the first message must say who it is")
        elif str(message.login) != self.account:
            self._end(talk, f"its terminal is logged in to {message.login}, this client is for {self.account}")
        elif self.live is not None and now_ns - self.live.heard_ns < SILENT_NS:
            self._end(talk, "another chart of this account has the EA already; remove one of them")
        else:
            if self.live is not None:
                self._end(self.live, "another one took its place")
            talk.hello, talk.seq, talk.heard_ns = message, seq, now_ns
            self.live, self.trouble = talk, ""
            self.ticks.begin(talk.send)
            self._ack(talk)
            _log.info("ea_here", build=message.build, version=message.version)

    def _take(self, talk: Talk, message: FromEa, now_ns: int) -> None:
        match message:
            case Ticks():
                self.ticks.push(message)
                self._judge(talk)
            case Transaction():
                if now_ns - self._woken_ns >= WAKE_NS:
                    self._woken_ns = now_ns
                    self.wake()
            case Hello():
                self._fault(talk, "second hello")
            case _:
                if isinstance(message, Alive):
                    self._compare(message)
                if not self.facts.take(message):
                    self.refused["more than is kept"] += 1
                if isinstance(message, Sessions):
                    self._use(message)

    def _compare(self, told: Alive) -> None:
        """Unlike a quote's, this stamp is of this moment even at a weekend."""
        if zone := self.zone():
            if zone != self.clock_fit.zone:
                self.clock_fit = ClockFit(zone)
            self.clock_fit.look(told.trade_server_s, self.clock.now_ms())

    def _use(self, told: Sessions) -> None:
        """The broker's own sessions tell silence from a closed market, but for symbols the trader has set."""
        symbol, hours = self.ours(told.symbol), hours_told(told.sessions)
        if symbol in self._by_hand:
            return
        if hours is None:
            self.feed.sessions.pop(symbol, None)
        else:
            self.feed.sessions[symbol] = hours

    def _judge(self, talk: Talk) -> None:
        if self.ticks.disputes >= MOST_DISPUTES:
            self._end(talk, "its ticks are not those of the terminal this client speaks to")

    def _fault(self, talk: Talk, reason: str) -> None:
        self.refused[reason] += 1
        talk.faults += 1
        if talk.faults >= MOST_FAULTS:
            self._end(talk, "too many messages that mean nothing; the EA and this client are of different versions")

    def _ack(self, talk: Talk) -> None:
        talk.acked = talk.seq
        talk.send(Ack(talk.seq))

    def _end(self, talk: Talk, why: str) -> None:
        _log.warning("ea_refused", reason=why)
        self.trouble = why
        talk.wire.close(why)
        self.closed(talk)

    async def run(self) -> None:
        """Acknowledge, send the silent away, keep what was told, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One round of `run`."""
        now_ns = self.clock.monotonic_ns()
        for talk in tuple(self._talks):
            if talk.hello is None and now_ns - talk.since_ns > HELLO_NS:
                self._end(talk, "it did not say who it is")
            elif talk.hello is not None and now_ns - talk.heard_ns > SILENT_NS:
                self._end(talk, "it has fallen silent")
        if self.live is not None:
            self._judge(self.live)
        if self.live is not None:
            self._ack(self.live)
        if now_ns - self._kept_ns >= KEEP_EVERY_NS:
            self._kept_ns = now_ns
            await self._keep()

    async def _keep(self) -> None:
        """A disk that is full takes nothing from the ticks: it is tried again."""
        facts = self.facts
        try:
            if facts.changed:
                facts.changed = False
                await asyncio.to_thread(self.keeper.keep_facts, facts.kept)
            if facts.calendar_changed and (calendar := facts.calendar()) is not None:
                facts.calendar_changed = False
                await asyncio.to_thread(self.keeper.keep_calendar, calendar)
        except OSError as error:
            facts.changed = facts.calendar_changed = True
            _log.error("ea_facts_not_kept", reason=str(error))

    async def probe(self) -> str:
        """For the health page: without an EA everything works, only later; what is told wrong is said."""
        if self.live is None:
            return f"no EA is connected, the terminal is asked for ticks{'; ' if self.trouble else ''}{self.trouble}"
        if self.clock_fit.trouble:
            raise TerminalDown(self.clock_fit.trouble)
        offset = self.facts.kept.utc_offset_s
        clock = "" if offset is None else f", the trade server's clock is {offset / 3600:+g} h of UTC"
        return f"the EA pushes ticks ({self.ticks.pushed} so far){clock}"
