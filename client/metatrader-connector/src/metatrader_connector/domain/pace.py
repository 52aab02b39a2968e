"""How much may be on the way, by how long the store's answers take: a slow link must not become a queue of ticks.

An order's execution goes up the same connection. Whatever ticks are under way already go before it, so their way is
kept short: the limit grows while answers come quickly and shrinks when they are late, whatever made them late. The
scheme is that of delay-based congestion control (RFC 6817), with the store's answer as the acknowledgement.

A store gathers before it writes, so its answers alone would take seconds to open a fast link. Until something was late
a question is sent behind each full window, and the server's answer to it, which waits for no store, opens the limit.
"""

from collections import deque
from dataclasses import dataclass, field

from contracts.uplink import WINDOW_TICKS

LEAST = 100
"""Ticks that may be under way on the worst link, and on any before something is known of it: some 4 kB."""
QUICK_MS = 300
"""Answers this much later than the quickest: the link can take twice as much."""
GOOD_MS = 800
"""Answers this much later: a little more."""
LATE_MS = 1_500
"""Answers this much later: half as much."""
WIDER = 8
"""So many times as much may be under way once the server has had all of it promptly."""
PROMPT_MS = GOOD_MS // WIDER
"""The server has all that was under way this soon: even `WIDER` as much is then on its way no longer than is good."""
APART_MS = 20
"""Two frames within this time are measured as one."""


@dataclass(slots=True)
class Pace:
    """Tell it what was sent and stored; `limit` is how many ticks may be on the way."""

    most: int = WINDOW_TICKS
    limit: int = LEAST
    quickest_ms: int = 0
    """The quickest answer of this connection; 0: none yet."""
    opening: bool = True
    """Nothing was late yet: behind a full window the server is asked at once, and `reached` told its answer."""
    _sent: dict[str, deque[tuple[int, int]]] = field(default_factory=dict)
    """ symbol -> (number, when it was sent), oldest first """
    _changed_ms: int = 0

    def begin(self) -> None:
        """A new connection, perhaps over another link."""
        self.limit, self.quickest_ms, self._changed_ms, self.opening = LEAST, 0, 0, True
        self._sent.clear()

    def sent(self, symbol: str, last_seq: int, now_ms: int) -> None:
        """A frame up to here is on the way."""
        marks = self._sent.setdefault(symbol, deque())
        if not marks or now_ms - marks[-1][1] >= APART_MS:
            marks.append((last_seq, now_ms))

    def oldest_ms(self) -> int | None:
        """When the oldest of what is under way was sent; None when nothing is."""
        return min((marks[0][1] for marks in self._sent.values() if marks), default=None)

    def reached(self, limit: int, took_ms: int) -> None:
        """The server has what was under way when it was asked, a full `limit`, whose oldest was sent `took_ms` ago."""
        if self.opening and took_ms <= PROMPT_MS:
            self.limit = min(self.most, max(self.limit, limit * WIDER))
            self.opening = self.limit < self.most
        else:
            self.opening = False

    def stored(self, symbol: str, seq: int, now_ms: int, *, full: bool) -> None:
        """The store answered. `full`: the limit was in the way, so more would have been sent."""
        marks, took_ms = self._sent.get(symbol), -1
        while marks and marks[0][0] <= seq:
            took_ms = now_ms - marks.popleft()[1]
        if took_ms < 0:
            return
        self.quickest_ms = min(self.quickest_ms or took_ms, took_ms)
        late_ms = took_ms - self.quickest_ms
        self.opening = self.opening and late_ms <= GOOD_MS
        if late_ms > LATE_MS:
            if now_ms - self._changed_ms > took_ms:  # what was sent before the last change says nothing about it
                self._changed_ms, self.limit = now_ms, max(LEAST, self.limit // 2)
        elif full and late_ms <= GOOD_MS:
            grown = self.limit * 2 if late_ms <= QUICK_MS else self.limit * 5 // 4
            self._changed_ms, self.limit = now_ms, min(self.most, grown)
