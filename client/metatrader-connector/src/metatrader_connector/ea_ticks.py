"""Ticks by the EA's push where it is proven right, by asking the terminal everywhere else: one stream, told sooner."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from kit.clock import Clock
from metatrader_connector.domain.ea_frames import Forget, Resume, Ticks, ToEa
from metatrader_connector.domain.ea_mirror import Mirror, Push
from metatrader_connector.domain.terminal import TICK_BYTES, TickRead
from metatrader_connector.ports import Terminal

READ_BACK_NS = 1_000_000_000
"""Each symbol is read from the terminal this often even while the EA tells of it: the terminal has the last word."""
FRESH_NS = 3_000_000_000
"""An EA that was silent for longer is not relied on."""
RESUME_NS = 500_000_000
"""Between two requests to the EA to begin a symbol again."""

Send = Callable[[ToEa], None]


@dataclass(slots=True)
class MergedTicks:
    """Implements ports.TickSource. `ea_desk` tells it when an EA comes, goes, speaks, and what it pushes."""

    terminal: Terminal
    clock: Clock
    theirs: Callable[[str], str] = lambda name: name
    """our name -> the broker's, which is the EA's"""
    pushed: int = 0
    """Rows the EA told before the terminal was asked for them."""
    disputes: int = 0
    """How often this EA and the terminal contradicted each other."""
    reads: int = 0
    """How many reads went to the terminal."""
    _send: Send | None = None
    _mirrors: dict[str, Mirror] = field(default_factory=dict)
    _ours: dict[str, str] = field(default_factory=dict)
    """ the broker's name -> ours """
    _joined: set[str] = field(default_factory=set)
    """Symbols of which the EA stands where we do."""
    _asked_ns: dict[str, int] = field(default_factory=dict)
    _read_ns: dict[str, int] = field(default_factory=dict)
    _given: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """ symbol -> (second, most rows, version) that was answered last """
    _session: int = 0
    _heard_ns: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, send: Send) -> None:
        """An EA is here."""
        self.end()
        self._send, self.disputes = send, 0
        self.heard()

    def end(self) -> None:
        """It is gone: the terminal is asked for everything."""
        self._send = None
        self._forget_all()
        self._news.set()

    def heard(self) -> None:
        """It speaks."""
        self._heard_ns = self.clock.monotonic_ns()

    def doubt(self) -> None:
        """Something it said was lost: ask the terminal now, and the EA to begin each symbol again."""
        self._joined.clear()
        self._asked_ns.clear()
        self._news.set()

    def push(self, told: Ticks) -> Push:
        """Rows of the EA. What fits is given out by the next `ticks`."""
        name = self._ours.get(told.symbol, told.symbol)
        mirror = self._mirrors.get(name)
        if mirror is None:
            return Push.HOLE
        before = mirror.count
        found = mirror.push(told)
        if found is Push.FITS:
            self._joined.add(name)
            self.pushed += mirror.count - before
        else:
            self._joined.discard(name)
            self.disputes += found is Push.DIFFERS
        self._news.set()
        return found

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, oldest first; None where there is nothing new. Raises TerminalDown."""
        if self._send is None:
            self.reads += len(reads)
            return await self.terminal.ticks(reads)
        if self.terminal.session != self._session:
            self._session = self.terminal.session
            self._forget_all()
        if len(self._mirrors) > len(reads):
            self._drop(set(self._mirrors) - {read.symbol for read in reads})
        now_ns = self.clock.monotonic_ns()
        answers = {read.symbol: self._known(read) for read in reads if self._relies_on_ea(read, now_ns)}
        asked = tuple(read for read in reads if read.symbol not in answers)
        if asked:
            counts = [mirror.count if (mirror := self._mirrors.get(read.symbol)) else 0 for read in asked]
            packed = await self.terminal.ticks(asked)
            self.reads += len(asked)
            for read, rows, count in zip(asked, packed, counts, strict=True):
                answers[read.symbol] = self._read_back(read, rows, count)
        return tuple(answers[read.symbol] for read in reads)

    async def news(self, at_most_s: float) -> None:
        """Wait until the EA tells something, at most so long."""
        if self._send is None:
            await asyncio.sleep(at_most_s)
            return
        try:
            async with asyncio.timeout(at_most_s):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def _relies_on_ea(self, read: TickRead, now_ns: int) -> bool:
        mirror = self._mirrors.get(read.symbol)
        return (
            mirror is not None
            and read.symbol in self._joined
            and now_ns - self._heard_ns < FRESH_NS
            and now_ns - self._read_ns.get(read.symbol, 0) < READ_BACK_NS
            and mirror.place(read.from_s) is not None
        )

    def _known(self, read: TickRead) -> bytes | None:
        mirror = self._mirrors[read.symbol]
        if self._given.get(read.symbol) == (read.from_s, read.count, mirror.version):
            return None
        return self._give(read, mirror)

    def _give(self, read: TickRead, mirror: Mirror) -> bytes | None:
        self._given[read.symbol] = (read.from_s, read.count, mirror.version)
        return mirror.rows(read.from_s, read.count)

    def _read_back(self, read: TickRead, packed: bytes | None, asked_with: int) -> bytes | None:
        if self._send is None:  # it went away meanwhile
            return packed
        if packed is None:
            self._drop({read.symbol})
            return None
        now_ns, name = self.clock.monotonic_ns(), read.symbol
        self._read_ns[name] = now_ns
        mirror = self._mirrors.get(name)
        if mirror is None:
            mirror = self._mirrors[name] = Mirror(read.from_s)
            self._ours[self.theirs(name)] = name
        if not mirror.read_back(read.from_s, packed, read.count, asked_with):
            self.disputes += 1
            self._joined.discard(name)
        caught_up = len(packed) < read.count * TICK_BYTES
        if caught_up and name not in self._joined and now_ns - self._asked_ns.get(name, -RESUME_NS) >= RESUME_NS:
            self._asked_ns[name] = now_ns
            self._send(Resume(self.theirs(name), mirror.from_s))
        rows = self._give(read, mirror)
        return packed if rows is None else rows

    def _drop(self, names: set[str]) -> None:
        for name in names & set(self._mirrors):
            del self._mirrors[name]
            self._joined.discard(name)
            self._asked_ns.pop(name, None)
            if self._send is not None:
                self._send(Forget(self.theirs(name)))

    def _forget_all(self) -> None:
        for kept in (self._mirrors, self._ours, self._asked_ns, self._read_ns, self._given):
            kept.clear()
        self._joined.clear()
