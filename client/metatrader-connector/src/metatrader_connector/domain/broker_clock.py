"""Broker wall clock to UTC and back: MT5 writes the broker's clock face as if it were seconds since 1970."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Stamps = npt.NDArray[np.int64]

HOUR_MS = 3_600_000
MODELS: dict[str, tuple[str, timedelta]] = {
    "ny+7": ("America/New_York", timedelta(hours=7)),
    "eet": ("Europe/Athens", timedelta(0)),
}
""" clock -> (place whose summer time it keeps, how far it is ahead of that place) """
_FIRST_HOUR, _LAST_HOUR = 0, 1_140_000
"""Hours since 1970 that zoneinfo is asked for (to the year 2100); stamps outside are refused by `ticks` anyway."""


@lru_cache(maxsize=4_096)
def _offsets(clock: str, hour: int) -> tuple[int, int]:
    """Broker minus UTC in ms for a broker hour since 1970, first and second time the clock shows it.

    Most brokers' day breaks at 17:00 New York: New York's clock plus seven hours, with New York's summer time. Others
    keep Eastern European time, whose summer begins and ends on other days.
    """
    place, shift = MODELS[clock]
    face = datetime.fromtimestamp(hour * 3_600, UTC).replace(tzinfo=None) - shift
    zone = ZoneInfo(place)
    first, second = face.replace(tzinfo=zone, fold=0), face.replace(tzinfo=zone, fold=1)

    def ahead(moment: datetime) -> int:
        offset = moment.utcoffset()
        assert offset is not None, "a place always has an offset"
        return int((offset + shift).total_seconds() * 1000)

    if ahead(first) < ahead(second):  # in spring the clock jumps: the hour that is shown belongs to summer
        return ahead(second), ahead(second)
    return ahead(first), ahead(second)


def _with_summer_time(clock: str, stamps: Stamps, now_ms: int) -> Stamps:
    hours = np.clip(stamps // HOUR_MS, _FIRST_HOUR, _LAST_HOUR)
    result = stamps.copy()
    for hour in np.unique(hours):
        first, second = _offsets(clock, int(hour))
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


FIXED: dict[str, int] = {"utc": 0} | {f"utc{hours:+d}": hours * HOUR_MS for hours in range(-11, 13) if hours}
""" clock without summer time -> broker minus UTC in ms """
ZONES = (*MODELS, *FIXED)
""" what `terminal_clock` may say, the usual ones first """


def to_utc(zone: str, stamps: Stamps, now_ms: int) -> Stamps:
    """UTC ms of broker stamps."""
    if zone in FIXED:
        return stamps - FIXED[zone] if FIXED[zone] else stamps
    return _with_summer_time(zone, stamps, now_ms)


def one_to_utc(zone: str, stamp: int, now_ms: int) -> int:
    """UTC ms of one broker stamp; 0 stays 0."""
    return int(to_utc(zone, np.array([stamp], dtype=np.int64), now_ms)[0]) if stamp else 0


def to_broker(zone: str, utc_ms: int) -> int:
    """Broker ms of a moment."""
    if zone in FIXED:
        return utc_ms + FIXED[zone]
    place, shift = MODELS[zone]
    offset = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(ZoneInfo(place)).utcoffset()
    assert offset is not None, "a place always has an offset"
    return utc_ms + int((offset + shift).total_seconds() * 1000)
