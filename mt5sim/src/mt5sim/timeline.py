"""One timeline for all recordings of a replay: in what order, and how long after the start, their ticks happen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mt5sim.tape import IntArray

LONGEST_GAP_MS = 7 * 24 * 3_600_000
""" longer than any weekend or holiday: a jump beyond it is bad data, or a gap for which nobody wants to wait """
LOOK_AHEAD = 1_000
MOST_JUMPS = 1_000


def arrivals(recordings: Sequence[IntArray]) -> list[IntArray]:
    """For each recording's stamps in ms: how many ms after the start of the earliest one each tick becomes visible.

    Late stamps keep their place. A stamp that jumps further than any weekend and comes back must not stop or empty the
    replay; a gap in which no symbol has a tick for longer than that is skipped.
    """
    stamps = [_sane(stamps) for stamps in recordings]
    moments = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *stamps]))
    steps = np.diff(moments, prepend=moments[:1])
    steps[steps > LONGEST_GAP_MS] = 0
    positions = np.cumsum(steps)
    return [positions[np.searchsorted(moments, one)] for one in stamps]


def _sane(msc: IntArray) -> IntArray:
    """The stamps without the jumps that nothing after them confirms, never decreasing."""
    msc = np.ascontiguousarray(msc, dtype=np.int64)
    steps = np.diff(msc, prepend=msc[:1])
    jumps = np.flatnonzero(np.abs(steps) > LONGEST_GAP_MS)
    if not len(jumps):
        return np.maximum.accumulate(msc) if len(msc) else msc
    shifts = np.zeros_like(steps)
    off = 0
    for number, at in enumerate(jumps.tolist()):
        there = off + int(steps[at])
        if off and abs(there) <= LONGEST_GAP_MS:
            there = 0  # back where the stamps were before they went astray
        elif steps[at] > 0 and number < MOST_JUMPS and np.median(msc[at : at + LOOK_AHEAD]) >= msc[at]:
            continue  # what follows confirms it: nothing was quoted for that long
        shifts[at], off = there - off, there
    shift = np.cumsum(shifts)
    # most ticks of a recording are right: what they were shifted by is given back
    return np.maximum.accumulate(msc - shift + int(np.median(shift)))


@dataclass(slots=True)
class Timeline:
    """Where the replay stands, for all its symbols at once; positions are ms after the first tick."""

    speed: float
    """ 1 = as recorded; 0 = the market stands still until it is read """
    began_ms: int
    """ UTC, when the replay stood at `began_at` """
    began_at: int = 0
    now_ms: int = 0
    reached: int = 0
    """ the furthest position that a reader has taken the market to, or that time has """

    def go_on(self, utc_ms: int) -> int:
        """The position at this moment."""
        self.now_ms = utc_ms
        if self.speed > 0:
            self.reached = max(self.reached, self.began_at + int((utc_ms - self.began_ms) * self.speed))
        return self.reached

    def jump(self, position: int) -> None:
        """Go on from here: the account has already lived through what was before."""
        if position > self.reached:
            self.began_at, self.began_ms, self.reached = position, max(self.now_ms, self.began_ms), position
