"""A broker's wall clock in UTC: New York plus seven hours, with the American summer time."""

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
HOUR_MS = 3_600_000
CLOCKS = ("utc", "ny+7")


def _sunday(year: int, month: int, which: int) -> date:
    """The `which`-th Sunday of a month; -1 is the last."""
    if which > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1))
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


@lru_cache(maxsize=256)
def summer(year: int) -> tuple[int, int]:
    """Summer time of a year on the broker's own clock, as milliseconds of that clock: [begin, end).

    The United States change at 02:00 New York time, which is 09:00 at the broker: second Sunday of March to first
    of November since 2007, first of April to last of October from 1987 (Energy Policy Act of 2005, 15 USC 260a).
    The hour that exists twice in autumn is taken for the first, summer one; the market is closed then.
    """
    begin, end = (
        (_sunday(year, 3, 2), _sunday(year, 11, 1)) if year >= 2007 else (_sunday(year, 4, 1), _sunday(year, 10, -1))
    )
    return _nine_o_clock(begin), _nine_o_clock(end)


def _nine_o_clock(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 24 * HOUR_MS + 9 * HOUR_MS


def server_to_utc(server_ms: Ints, clock: str) -> Ints:
    """Stamps of the broker's clock (its wall clock written as ms since 1970) as UTC ms."""
    if clock == "utc":
        return server_ms
    if clock != "ny+7":
        raise ValueError(f"unknown clock {clock!r}: use one of {', '.join(CLOCKS)}")
    offset = np.full(len(server_ms), 2 * HOUR_MS, np.int64)
    years = server_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970
    for year in np.unique(years):
        begin, end = summer(int(year))
        offset[(server_ms >= begin) & (server_ms < end)] = 3 * HOUR_MS
    return server_ms - offset
