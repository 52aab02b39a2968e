"""Turn true UTC into the broker's wall clock written as epoch seconds, which is the only clock the terminal knows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

HOUR_MS = 3_600_000
FIRST_YEAR, LAST_YEAR = 1987, 2106
NEW_RULE_YEAR = 2007
LONG_SUMMER_YEAR = 1996
WINTER_H = 2
""" both clocks with summer time are two hours ahead of UTC in winter, three in summer """
SUNDAY = 6


def _sunday(year: int, month: int, nth: int) -> datetime:
    """The nth Sunday of a month, 0 = first, -1 = last."""
    if nth >= 0:
        first = datetime(year, month, 1, tzinfo=UTC)
        return first + timedelta(days=(SUNDAY - first.weekday()) % 7 + 7 * nth)
    last = datetime(year, month + 1, 1, tzinfo=UTC) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - SUNDAY) % 7)


@cache
def _transitions() -> IntArray:
    """UTC milliseconds at which New York's summer time starts, ends, starts, ...

    The rule of the Energy Policy Act of 2005 (second Sunday of March to first Sunday of November, 2:00 local), before
    it the rule of 1987. Written out instead of zoneinfo: Windows has no tz database, and this vectorises.
    """
    stamps: list[int] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        new = year >= NEW_RULE_YEAR
        start = _sunday(year, 3, 1) if new else _sunday(year, 4, 0)
        end = _sunday(year, 11, 0) if new else _sunday(year, 10, -1)
        stamps += [int(start.timestamp() * 1000) + 7 * HOUR_MS, int(end.timestamp() * 1000) + 6 * HOUR_MS]
    return np.array(stamps, dtype=np.int64)


@cache
def _european_transitions() -> IntArray:
    """UTC milliseconds at which Europe's summer time starts, ends, starts, ... (directive 2000/84/EC).

    Last Sunday of March to last Sunday of October, 1:00 UTC; until 1995 it ended in September.
    """
    stamps: list[int] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        end = _sunday(year, 10 if year >= LONG_SUMMER_YEAR else 9, -1)
        stamps += [int(day.timestamp() * 1000) + HOUR_MS for day in (_sunday(year, 3, -1), end)]
    return np.array(stamps, dtype=np.int64)


def utc(stamps: IntArray) -> IntArray:
    return stamps


def new_york_plus_7(stamps: IntArray) -> IntArray:
    """GMT+2 in New York's winter, GMT+3 in its summer: the broker's day breaks at 17:00 New York."""
    summer = np.searchsorted(_transitions(), stamps, side="right") % 2
    return stamps + (WINTER_H + summer) * HOUR_MS


def eastern_european(stamps: IntArray) -> IntArray:
    """GMT+2 in Europe's winter, GMT+3 in its summer: in some weeks of spring and autumn not New York + 7."""
    summer = np.searchsorted(_european_transitions(), stamps, side="right") % 2
    return stamps + (WINTER_H + summer) * HOUR_MS


CLOCKS: dict[str, Callable[[IntArray], IntArray]] = {"utc": utc, "ny+7": new_york_plus_7, "eet": eastern_european}
""" name in the configuration -> UTC milliseconds to broker milliseconds """


def broker_ms(clock: str, utc_ms: int) -> int:
    return int(CLOCKS[clock](np.array([utc_ms], dtype=np.int64))[0])
