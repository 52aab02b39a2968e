"""How much may be on the way to the server: per symbol what was sent, what the store has, and what comes next."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.ticks import MAX_TICKS_PER_BATCH
from contracts.uplink import WINDOW_TICKS


@dataclass(slots=True)
class Stream:
    """One symbol's place. `stored` <= `sent` while connected; both count from 0."""

    sent: int = 0
    stored: int = 0
    spooled: int = 0


@dataclass(slots=True)
class Window:
    """Ask `next_read` what to send; tell what was sent, stored and rewound."""

    limit: int = WINDOW_TICKS
    streams: dict[str, Stream] = field(default_factory=dict)
    """ symbol -> its place """
    _last: str = ""

    def stream(self, symbol: str) -> Stream:
        """The symbol's place, made on first use."""
        return self.streams.setdefault(symbol, Stream())

    def begin(self, stored: Iterable[tuple[str, int]]) -> None:
        """A new connection: everything not stored counts as not sent. What the store says now is the truth, also
        where it once had more."""
        told = dict(stored)
        for symbol in told:
            self.stream(symbol)
        for symbol, stream in self.streams.items():
            stream.sent = stream.stored = told.get(symbol, 0)

    def spooled(self, symbol: str, last_seq: int) -> None:
        """The spool has ticks up to here."""
        stream = self.stream(symbol)
        stream.spooled = max(stream.spooled, last_seq)

    def stored(self, symbol: str, seq: int) -> None:
        """The store has ticks up to here."""
        stream = self.stream(symbol)
        stream.stored = max(stream.stored, seq)
        stream.sent = max(stream.sent, stream.stored)

    def rewind(self, symbol: str, from_seq: int) -> None:
        """Send again from here; never from before what is stored, which the spool has forgotten."""
        stream = self.stream(symbol)
        stream.sent = max(stream.stored, min(stream.sent, from_seq - 1))

    def room(self) -> int:
        """How many more ticks may be on the way."""
        return self.limit - sum(stream.sent - stream.stored for stream in self.streams.values())

    def full(self) -> bool:
        """Whether something waits that the limit does not let go."""
        waiting = any(stream.spooled > stream.sent for stream in self.streams.values())
        return waiting and self.room() < max(1, self.limit // 4)

    def fits(self, symbol: str, first_seq: int, count: int) -> bool:
        """Whether a batch that was just spooled may go out at once: it is the next one and there is room."""
        return self.stream(symbol).sent == first_seq - 1 and count <= self.room()

    def sent(self, symbol: str, last_seq: int) -> None:
        """A batch up to here is on the way."""
        self.stream(symbol).sent = last_seq

    def next_read(self) -> tuple[str, int, int] | None:
        """(symbol, first number, most ticks) to read from the spool and send; symbols take turns. None: nothing to."""
        room = self.room()
        if room < max(1, self.limit // 4):
            return None  # the next answer makes room for a frame that is worth sending
        names = list(self.streams)
        start = names.index(self._last) + 1 if self._last in self.streams else 0
        for name in names[start:] + names[:start]:
            stream = self.streams[name]
            if stream.spooled > stream.sent:
                self._last = name
                return name, stream.sent + 1, min(room, MAX_TICKS_PER_BATCH)
        return None
