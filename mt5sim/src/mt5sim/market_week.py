"""When a symbol may be quoted or traded: a week of sessions on the broker's clock, written as text."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mt5sim.tape import IntArray

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
DAY_S = 86_400
WEEK_S = 7 * DAY_S
EPOCH_WEEKDAY = 4
""" 1 January 1970 was a Thursday; a week starts on Sunday, as in DAY_OF_WEEK_* """
PART = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(-(?P<last>[A-Z][a-z]{2}))? (?P<times>\d\d:\d\d-\d\d:\d\d(,\d\d:\d\d-\d\d:\d\d)*)"
)


@dataclass(frozen=True, slots=True)
class Week:
    """Sessions as seconds from Sunday 00:00, in order and without overlaps; an end belongs to no session."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def holds(self, msc: int) -> bool:
        """Whether a moment of the broker's clock, in milliseconds, is inside a session."""
        second = _second_of_week(msc)
        index = bisect_right(self.starts, second) - 1
        return index >= 0 and second < self.ends[index]

    def mask(self, msc: IntArray) -> npt.NDArray[np.bool_]:
        """The same for many moments."""
        seconds = (msc // 1000 + EPOCH_WEEKDAY * DAY_S) % WEEK_S
        index = np.searchsorted(np.array(self.starts), seconds, side="right") - 1
        inside: npt.NDArray[np.bool_] = (index >= 0) & (seconds < np.array(self.ends)[index])
        return inside

    def next_open(self, msc: int) -> int:
        """The moment itself inside a session, else the start of the next one, in milliseconds."""
        if self.holds(msc):
            return msc
        second = _second_of_week(msc)
        wait = min((start - second) % WEEK_S for start in self.starts)
        return (msc // 1000 + wait) * 1000


def _second_of_week(msc: int) -> int:
    return (msc // 1000 + EPOCH_WEEKDAY * DAY_S) % WEEK_S


@cache
def week(text: str) -> Week | None:
    """Read "Mon-Thu 00:05-24:00; Fri 00:05-23:55". An empty text is None: always open. Raises ValueError."""
    if not text:
        return None
    spans: list[tuple[int, int]] = []
    for part in (piece.strip() for piece in text.split(";")):
        found = PART.fullmatch(part)
        if found is None or not {found["first"], found["last"] or found["first"]} <= set(DAYS):
            raise ValueError(f'cannot read the sessions {part!r}: write "Mon-Fri 00:05-23:55; Sun 22:00-24:00"')
        first, last = DAYS.index(found["first"]), DAYS.index(found["last"] or found["first"])
        for day in range(first, first + (last - first) % 7 + 1):
            for span in found["times"].split(","):
                start, end = (int(clock[:2]) * 3600 + int(clock[3:]) * 60 for clock in span.split("-"))
                if not 0 <= start < end <= DAY_S:
                    raise ValueError(f"the session {span} does not fit a day: use 00:00 to 24:00, the earlier first")
                spans.append((day % 7 * DAY_S + start, day % 7 * DAY_S + end))
    spans.sort()
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        raise ValueError(f"sessions overlap in {text!r}")
    return Week(tuple(start for start, _ in spans), tuple(end for _, end in spans))


def is_open(text: str, msc: int) -> bool:
    """Whether the sessions written in `text` hold a moment of the broker's clock, in milliseconds."""
    sessions = week(text)
    return sessions is None or sessions.holds(msc)
