"""A symbol's market: how far its ticks are visible, and how they are read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, Protocol

from mt5sim.tape import IntArray, Tape, Ticks
from mt5sim.tickfile import TickFile
from mt5sim.timeline import Timeline, arrivals


class Feed(ABC):
    """Call `advance` with the time, then read. `visible` ticks have happened; the rest is the future."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.visible = 0
        self.delivered = 0
        """ ticks that a reader has been given, counted from the start of the tape """
        self.checked = 0
        """ ticks that the broker has looked at for stops """
        self.linked = True
        """ False while the terminal has lost the broker: what happens meanwhile is seen afterwards """

    @property
    def trouble(self) -> str:
        """Why the broker's quotes do not come, in words; empty while they do."""
        return ""

    @abstractmethod
    def advance(self, utc_ms: int) -> None:
        """Let the market go on to this moment, UTC."""

    def skip_to(self, broker_msc: int) -> None:  # noqa: B027 most markets have nothing to do here
        """A market that restarts goes on after what its account has already lived through."""

    def catch_up(self, broker_msc: int) -> None:  # noqa: B027 likewise
        """Another process has traded at this time: nothing to do where the market runs by the real clock."""

    def close(self) -> None:  # noqa: B027 likewise
        """The terminal ends."""

    def read_from(self, msc: int, count: int, flags: int) -> Ticks:
        start = self._start(msc, count)
        ticks, end = self.tape.qualifying(start, self._readable(), flags, count)
        if len(ticks):
            self._handed_over(end)
        return ticks

    def read_range(self, from_msc: int, to_msc: int, flags: int) -> Ticks:
        start = self.tape.first_at(from_msc)
        stop = min(self.tape.first_at(to_msc + 1), self.visible)
        ticks, end = self.tape.qualifying(start, max(start, stop), flags)
        self.delivered = max(self.delivered, min(end, self.visible))
        return ticks

    def last_index(self) -> int:
        return self.visible - 1

    def sound_index(self) -> int:
        """The newest visible tick that has two real prices, or -1."""
        return int(self.tape.newest_sound[self.visible - 1]) if self.visible else -1

    def _readable(self) -> int:
        return self.visible

    def _handed_over(self, end: int) -> None:
        self.delivered = max(self.delivered, min(end, self.visible))

    def _start(self, msc: int, count: int) -> int:
        start = self.tape.first_at(msc)
        newest = self.delivered - 1
        if start + count > self.delivered or self._msc(start) <= self._msc(newest):
            return start
        # A stamp far in the future hides everything behind it from the search, and a reader whose cursor is at
        # the newest tick would be given the same window for ever: start from that cursor's own run instead.
        index = newest
        while index > start and self._msc(index - 1) >= msc:
            index -= 1
        return index

    def _msc(self, index: int) -> int:
        return int(self.tape.ticks["time_msc"][index])


class ReplayFeed(Feed):
    """A recording. At speed 0 the market stands still until it is read, and no tick can be missed.

    Several recordings share one timeline: whoever is read takes the others along, up to the ticks before its own.
    """

    def __init__(self, file: TickFile, arrival: IntArray, timeline: Timeline) -> None:
        super().__init__(Tape.of(file.ticks, arrival))
        self.file = file
        self.timeline = timeline
        self.visible = int(len(arrival) > 0 and arrival[0] == 0)
        # stops are looked for after the first tick: nobody can have had a position before it
        self.checked = self.visible

    def advance(self, utc_ms: int) -> None:
        position = self.timeline.go_on(utc_ms)
        side: Literal["left", "right"] = "right" if self.timeline.speed > 0 else "left"
        self.visible = max(self.visible, int(self.tape.arrival.searchsorted(position, side=side)))

    def skip_to(self, broker_msc: int) -> None:
        self.visible = max(self.visible, self.tape.first_at(broker_msc + 1))
        self.checked = self.visible
        if self.visible:
            self.timeline.jump(int(self.tape.arrival[self.visible - 1]))

    def catch_up(self, broker_msc: int) -> None:
        if self.tape.first_at(broker_msc + 1) > self.visible:
            self.skip_to(broker_msc)

    def _readable(self) -> int:
        return len(self.tape) if self.timeline.speed == 0 and self.linked else self.visible

    def _handed_over(self, end: int) -> None:
        self.visible = max(self.visible, end)
        self.delivered = max(self.delivered, end)
        self.timeline.reached = max(self.timeline.reached, int(self.tape.arrival[end - 1]))

    @property
    def finished(self) -> bool:
        return self.visible == len(self.tape)


def replay(files: Mapping[str, TickFile], speed: float, utc_ms: int) -> dict[str, Feed]:
    """The feeds of recordings that happen together; symbol -> recording."""
    timeline = Timeline(speed, utc_ms)
    pace = arrivals([file.ticks["time_msc"] for file in files.values()])
    return {
        symbol: ReplayFeed(file, arrival, timeline) for (symbol, file), arrival in zip(files.items(), pace, strict=True)
    }


class BlockSource(Protocol):
    """Makes the ticks of whole blocks of time."""

    def __call__(self, first_block: int, after_last_block: int) -> Tape: ...


class GeneratorFeed(Feed):
    """A market made block by block as real time passes; the oldest half is forgotten when it grows too long."""

    def __init__(self, source: BlockSource, block_ms: int, history_ms: int, utc_ms: int, most_ticks: int) -> None:
        self._block_ms = block_ms
        self._source = source
        self._most_ticks = most_ticks
        first = (utc_ms - history_ms) // block_ms
        self._next_block = utc_ms // block_ms + 1
        super().__init__(source(first, self._next_block))
        self._see(utc_ms)
        self.checked = self.visible

    def advance(self, utc_ms: int) -> None:
        block = utc_ms // self._block_ms
        if block >= self._next_block:
            drop = self.visible // 2 if len(self.tape) > self._most_ticks else 0
            self.tape = self.tape.then(self._source(self._next_block, block + 1), drop)
            self._next_block = block + 1
            self.visible, self.delivered = self.visible - drop, max(0, self.delivered - drop)
            self.checked = max(0, self.checked - drop)
        self._see(utc_ms)

    def skip_to(self, broker_msc: int) -> None:
        # the broker watched the stops while this process was away
        self.checked = min(self.visible, self.tape.first_at(broker_msc + 1))

    def _see(self, utc_ms: int) -> None:
        self.visible = max(self.visible, int(self.tape.arrival.searchsorted(utc_ms, side="right")))
