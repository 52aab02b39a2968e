"""Broker wall clock to UTC and back: MT5 writes the broker's clock face as if it were seconds since 1970."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Stamps = npt.NDArray[np.int64]

HOUR_MS = 3_600_000
SEVEN_HOURS = timedelta(hours=7)
_FIRST_HOUR, _LAST_HOUR = 0, 1_140_000
"""Hours since 1970 that zoneinfo is asked for (to the year 2100); stamps outside are refused by `ticks` anyway."""


@lru_cache(maxsize=4_096)
def _offsets(hour: int) -> tuple[int, int]:
    """Broker minus UTC in ms for a broker hour since 1970, first and second time the clock shows it.

    The broker's day breaks at 17:00 New York: New York's clock plus seven hours, with New York's summer time.
    """
    face = datetime.fromtimestamp(hour * 3_600, UTC).replace(tzinfo=None) - SEVEN_HOURS
    zone = ZoneInfo("America/New_York")
    first, second = face.replace(tzinfo=zone, fold=0), face.replace(tzinfo=zone, fold=1)

    def ahead(moment: datetime) -> int:
        offset = moment.utcoffset()
        assert offset is not None, "New York always has an offset"
        return int((offset + SEVEN_HOURS).total_seconds() * 1000)

    if ahead(first) < ahead(second):  # in spring the clock jumps: the hour that is shown belongs to summer
        return ahead(second), ahead(second)
    return ahead(first), ahead(second)


def _new_york_plus_7(stamps: Stamps, now_ms: int) -> Stamps:
    hours = np.clip(stamps // HOUR_MS, _FIRST_HOUR, _LAST_HOUR)
    result = stamps.copy()
    for hour in np.unique(hours):
        first, second = _offsets(int(hour))
        inside = hours == hour
        utc = stamps[inside] - first
        if first != second:
            # the hour that autumn shows twice: a live tick belongs to the time at which it was received,
            # for an old one the terminal's clock face alone can't tell, and the first is taken
            again = stamps[inside] - second
            live = np.abs(now_ms - again) < HOUR_MS // 2
            utc = np.where(live, again, utc)
        result[inside] = utc
    return result


def _utc(stamps: Stamps, now_ms: int) -> Stamps:
    return stamps


ZONES: dict[str, Callable[[Stamps, int], Stamps]] = {"utc": _utc, "ny+7": _new_york_plus_7}
""" setting -> (broker ms, now in UTC ms) -> UTC ms """


def to_utc(zone: str, stamps: Stamps, now_ms: int) -> Stamps:
    """UTC ms of broker stamps."""
    return ZONES[zone](stamps, now_ms)


def one_to_utc(zone: str, stamp: int, now_ms: int) -> int:
    """UTC ms of one broker stamp; 0 stays 0."""
    return int(to_utc(zone, np.array([stamp], dtype=np.int64), now_ms)[0]) if stamp else 0


def to_broker(zone: str, utc_ms: int) -> int:
    """Broker ms of a moment."""
    if zone == "utc":
        return utc_ms
    moment = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(ZoneInfo("America/New_York"))
    offset = moment.utcoffset()
    assert offset is not None, "New York always has an offset"
    return utc_ms + int((offset + SEVEN_HOURS).total_seconds() * 1000)
