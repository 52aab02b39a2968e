"""Read what was missed while the client was away: forward in time, in windows whose size follows how much they hold.

Every read begins at the cursor's second, so the cursor finds its place as in any other read and nothing is doubled.
"""

from dataclasses import dataclass

import msgspec

from metatrader_connector.domain.cursor import Cursor
from metatrader_connector.domain.terminal import RangeRead

BEHIND_S = 30
"""A cursor that is further behind is brought forward by history; the rest a live read takes along."""
FIRST_S, LEAST_S, MOST_S = 60, 1, 86_400
FEW, MANY = 1_000, 4_000
"""Rows of one read: an order waits until it is over."""
SETTLE_MS, SETTLE_AT_MOST_MS = 200, 45_000
"""A terminal that has just connected may still load its history: its first answer counts when it is the same twice."""


@dataclass(slots=True)
class Backfill:
    """One symbol's way to now. Ask `read`, tell `settled` and then `took`, until `read` says None."""

    reached_s: int
    """Broker second up to which was read."""
    window_s: int = FIRST_S
    began_ms: int = 0
    _rows: int = -1
    _asked_ms: int = 0
    _settled: bool = False

    def read(self, cursor: Cursor, now_s: int, now_ms: int) -> RangeRead | None:
        """The next window; None when live reading can take over."""
        if self.reached_s >= now_s:
            return None
        self._asked_ms = now_ms
        return RangeRead(cursor.symbol, cursor.read_from_s, min(now_s, self.reached_s + self.window_s))

    def due(self, now_ms: int) -> bool:
        """Whether it may be read now: two looks at a history that may still be loading lie a moment apart."""
        return self._settled or self._rows < 0 or now_ms - self._asked_ms >= SETTLE_MS

    def settled(self, rows: int, now_ms: int) -> bool:
        """Whether the answer can be believed; when not, ask again."""
        self.began_ms = self.began_ms or now_ms
        if not self._settled:
            same, self._rows = rows == self._rows, rows
            self._settled = same or now_ms - self.began_ms > SETTLE_AT_MOST_MS
        return self._settled

    def took(self, read: RangeRead, rows: int) -> None:
        """The window was read."""
        self.reached_s = read.to_s
        if rows > MANY:
            self.window_s = max(LEAST_S, self.window_s // 2)
        elif rows < FEW:
            self.window_s = min(MOST_S, self.window_s * 2)


def too_far(cursor: Cursor, now_s: int, most_s: int) -> Cursor | None:
    """Where to go on instead when more was missed than is read again; None when it is not too much."""
    if not most_s or now_s - cursor.from_s <= most_s or not cursor.tail:
        return None
    return msgspec.structs.replace(cursor, from_s=now_s - most_s, taken=0, tail=b"", probe_s=0)
