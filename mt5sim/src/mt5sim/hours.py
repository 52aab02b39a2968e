"""When a symbol trades and how busily: the week of the currency market, written on the clock of New York + 7 hours.

On that clock the week is Monday 0:00 to Friday 24:00 and the daily break follows midnight (17:00 in New York).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mt5sim.clock import new_york_plus_7
from mt5sim.profiles import SymbolProfile
from mt5sim.tape import FloatArray, IntArray

MINUTE_MS = 60_000
DAY, WEEK = 1_440, 10_080
EPOCH_TO_MONDAY = 3 * DAY
""" minutes from Monday 29 December 1969 to the epoch, a Thursday """
WEEKEND = 5 * DAY
WEEKEND_MOVE = 30.0
""" minutes of market time between Friday's last and Monday's first price: the weekend's gap """
METALS = ("XAU", "XAG", "XPT", "XPD")
FOREX_BREAK, METAL_BREAK = 5, 60
""" minutes without prices after midnight of the broker's day """
ROLLOVER = 45
""" minutes from midnight in which few banks quote """
BUSY: tuple[float, ...] = (
    0.25, 0.3, 0.4, 0.5, 0.55, 0.5, 0.45, 0.45, 0.5, 0.8,
    1.4, 1.5, 1.3, 1.1, 1.2, 1.9, 2.4, 2.2, 1.8, 1.2,
    0.9, 0.7, 0.5, 0.35,
)  # fmt: skip
""" hour of the broker's day -> activity: Sydney and Tokyo 0-9, London from 10, New York from 15, both until 19 """
WIDE: tuple[float, ...] = tuple(1.3 if hour < 10 else 1.0 for hour in range(24))
""" hour of the broker's day -> spread as a multiple of the usual one """
WIDE_AT_ROLLOVER = 4.0


@dataclass(frozen=True, slots=True)
class Hours:
    """Market hours in minutes. `break_minutes` None = evenly, round the clock."""

    break_minutes: int | None

    def activity(self, minutes: IntArray) -> FloatArray:
        """For each minute since 1970 (UTC) how busy it is: 0 = closed, 1 = the average of the open hours."""
        if self.break_minutes is None:
            return np.ones(len(minutes))
        return _week(self.break_minutes)[0][_of_week(minutes)]

    def spread(self, minutes: IntArray) -> FloatArray:
        """For each minute the spread as a multiple of the usual one."""
        if self.break_minutes is None:
            return np.ones(len(minutes))
        return _week(self.break_minutes)[1][_of_week(minutes)]

    def elapsed(self, minutes: IntArray) -> FloatArray:
        """Market time in minutes: it stands still while the market is closed and hurries while it is busy."""
        if self.break_minutes is None:
            return minutes.astype(np.float64)
        broker = _broker(minutes)
        activity, _, until = _week(self.break_minutes)
        return broker // WEEK * (float(activity.sum()) + WEEKEND_MOVE) + until[broker % WEEK]

    def back_to(self, utc_ms: int, minutes: int) -> int:
        """How many minutes to go back from this moment so that this many open ones lie between."""
        if self.break_minutes is None:
            return minutes
        now = utc_ms // MINUTE_MS
        reach = minutes * 2 + 2 * WEEK
        opened = self.activity(np.arange(now, now - reach, -1, dtype=np.int64)) > 0
        return int(np.searchsorted(np.cumsum(opened), minutes)) + 1


def hours_of(profile: SymbolProfile, sessions: bool) -> Hours:
    """Crypto currencies never close; metals rest for the first hour of the broker's day, currencies for minutes."""
    if not sessions or profile.path.startswith("Crypto"):
        return Hours(None)
    return Hours(METAL_BREAK if profile.base in METALS else FOREX_BREAK)


def _broker(minutes: IntArray) -> IntArray:
    """Minutes since a Monday on the clock of New York + 7 hours."""
    return new_york_plus_7(minutes * MINUTE_MS) // MINUTE_MS + EPOCH_TO_MONDAY


def _of_week(minutes: IntArray) -> IntArray:
    return _broker(minutes) % WEEK


@cache
def _week(break_minutes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Minute of the broker's week -> activity, spread, market time passed since Monday."""
    minute = np.arange(WEEK)
    of_day = minute % DAY
    activity = np.interp(of_day, np.arange(24) * 60 + 30, BUSY, period=DAY)
    activity[(minute >= WEEKEND) | (of_day < break_minutes)] = 0.0
    activity /= activity[activity > 0].mean()
    spread = np.array(WIDE)[of_day // 60]
    fresh = (of_day >= break_minutes) & (of_day < break_minutes + ROLLOVER)
    spread[fresh] = WIDE_AT_ROLLOVER
    return activity, spread, np.cumsum(activity) - activity
