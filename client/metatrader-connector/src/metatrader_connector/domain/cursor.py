"""Find what is new in a re-read of tick history, whose start has a grain of one second.

A cursor is (second to read from, how many rows of such a read were taken). The second moves on only where the rows
split cleanly, so ticks that share a millisecond, equal ticks and late ticks are each taken exactly once, in the order
in which the terminal has them. Nothing is ever compared by value to decide that it is a duplicate; values only prove
that the terminal's history is still the one that was read.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from metatrader_connector.domain.terminal import TICK_BYTES

TICK_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
""" MT5's packed row, 60 bytes """
Rows = npt.NDArray[Any]
TAIL_ROWS = 32
TOO_MANY = 50_000
"""A cursor that had to keep so many rows behind it (a stamp far ahead hides the clean splits) looks for its place."""
FIRST_SECOND = 1
"""0 is not stored by the package: never pass it."""


class Cursor(msgspec.Struct, frozen=True):
    """Where reading a symbol stands. All times are broker time."""

    symbol: str
    from_s: int
    taken: int = 0
    tail: bytes = b""
    """The last rows taken, packed: proof that the history is the same one."""
    newest_msc: int = 0
    """Largest stamp taken so far; what is older is late."""
    next_seq: int = 1
    probe_s: int = 0
    """Not 0: read from here next and look for `tail`, because too much lies between `from_s` and the end."""

    @property
    def read_from_s(self) -> int:
        """Where to read from now."""
        return max(FIRST_SECOND, self.probe_s or self.from_s)


class Unread(msgspec.Struct, frozen=True):
    """`rows[start:]` are new. `cursor` is where reading stands once they are taken. `gap`: history was not the same."""

    start: int
    cursor: Cursor
    gap: bool = False


def rows_of(packed: bytes) -> Rows:
    """Packed bytes as rows, without copying."""
    return np.frombuffer(packed, dtype=TICK_DTYPE)


def unread(cursor: Cursor, rows: Rows) -> Unread:
    """What of a read from `cursor.read_from_s` is new."""
    if cursor.probe_s:
        place = _after_tail(rows, cursor.tail)
        if place is None:  # not to be told apart here: go on as before and try again much later
            return Unread(len(rows), msgspec.structs.replace(cursor, probe_s=0))
        return Unread(place, _moved(msgspec.structs.replace(cursor, from_s=cursor.probe_s, probe_s=0), rows, place))
    taken, last_msc = cursor.taken, _last_msc(cursor)
    if taken == 0 or (len(rows) >= taken and rows[taken - 1].tobytes() == cursor.tail[-TICK_BYTES:]):
        return Unread(taken, _moved(cursor, rows, taken))
    if len(rows) == 0 or int(rows["time_msc"][-1]) < last_msc:
        # a terminal that still loads its history, or a replay that was started again: it will get there
        return Unread(len(rows), cursor)
    place = _after_tail(rows, cursor.tail)
    gap = place is None
    if place is None:
        place = _by_time(rows, cursor.tail, last_msc)
    return Unread(place, _moved(cursor, rows, place), gap)


def _last_msc(cursor: Cursor) -> int:
    return int(rows_of(cursor.tail)["time_msc"][-1]) if cursor.tail else 0


def _after_tail(rows: Rows, tail: bytes) -> int | None:
    """The index behind the one place where the rows end like `tail`; None when there is none or more than one."""
    data, found, at = rows.tobytes(), [], -1
    while (at := data.find(tail, at + 1)) >= 0:
        if at % TICK_BYTES == 0:
            found.append((at + len(tail)) // TICK_BYTES)
            if len(found) > 1:
                return None
    if found:
        return found[0]
    # the read may begin inside of the tail
    for length in range(len(tail) - TICK_BYTES, 0, -TICK_BYTES):
        if data.startswith(tail[-length:]):
            return length // TICK_BYTES
    return None


def _by_time(rows: Rows, tail: bytes, last_msc: int) -> int:
    """MT5's own cursor rule, for a history that has changed: stamp of the last tick, and how many had that stamp."""
    stamps = rows["time_msc"]
    known = int(np.count_nonzero(rows_of(tail)["time_msc"] == last_msc))
    same = np.flatnonzero(stamps == last_msc)
    if len(same):
        return int(same[min(known, len(same)) - 1]) + 1
    later = np.flatnonzero(stamps > last_msc)
    return int(later[0]) if len(later) else len(rows)


def _moved(cursor: Cursor, rows: Rows, start: int) -> Cursor:
    """The cursor behind the last of `rows`, of which those from `start` on are being taken."""
    total = len(rows)
    if total == start:
        return msgspec.structs.replace(cursor, taken=total)
    stamps = rows["time_msc"]
    tail = (cursor.tail + rows[max(start, total - TAIL_ROWS) :].tobytes())[-TAIL_ROWS * TICK_BYTES :]
    from_s, taken = cursor.from_s, total
    second = int(stamps[-1]) // 1000
    if second > from_s:
        inside = stamps >= second * 1000
        first = int(np.argmax(inside))
        if bool(inside[first:].all()):
            from_s, taken = second, total - first
    probe = second if taken > TOO_MANY and second != from_s and second >= FIRST_SECOND else 0
    newest = max(cursor.newest_msc, int(stamps[start:].max()))
    return msgspec.structs.replace(cursor, from_s=from_s, taken=taken, tail=tail, newest_msc=newest, probe_s=probe)
