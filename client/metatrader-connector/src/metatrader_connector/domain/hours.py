"""Hours of the week, as a person writes them: `Mon-Fri 08:00-17:30`. For trading hours and for a market's sessions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metatrader_connector.domain.broker_clock import to_broker

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 1_440
WEEK_MINUTES = 7 * DAY_MINUTES
BROKER, UTC_ZONE = "broker", "utc"
_LINE = re.compile(r"\s*([a-z]{3})(?:-([a-z]{3}))?\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of the week, Monday 00:00 first: (from, to) pairs, `to` not included. Without any: never open."""

    spans: tuple[tuple[int, int], ...] = ()

    def open_at(self, minute: int) -> bool:
        """Whether this minute of the week is inside."""
        return any(begin <= minute < end for begin, end in self.spans)

    def open_for(self, minute: int) -> int:
        """How many minutes it has been open without a break; 0 when it is closed, at most a week."""
        total = 0
        while total < WEEK_MINUTES:
            at = (minute - total) % WEEK_MINUTES
            span = next((s for s in self.spans if s[0] <= at < s[1]), None)
            if span is None:
                break
            total += at - span[0] + 1
        return min(total, WEEK_MINUTES)


def hours_of(lines: Iterable[str]) -> Hours:
    """Hours out of lines such as `Mon-Fri 08:00-17:30`; ValueError says which can't be read."""
    spans = []
    for line in lines:
        found = _LINE.match(line)
        names = [name.lower() for name in (found.group(1), found.group(2) or found.group(1))] if found else []
        if not found or not set(names) <= set(DAYS):
            raise ValueError(f"{line!r}: write hours like `Mon-Fri 08:00-17:30`")
        first, last = (DAYS.index(name) for name in names)
        begin, end = (int(found.group(i)) * 60 + int(found.group(i + 1)) for i in (3, 5))
        if not 0 <= begin < end <= DAY_MINUTES or int(found.group(4)) > 59 or int(found.group(6)) > 59:
            raise ValueError(f"{line!r}: the second time must be after the first, at most 24:00")
        days = range(first, last + 1) if first <= last else (*range(first, 7), *range(last + 1))
        spans += [(day * DAY_MINUTES + begin, day * DAY_MINUTES + end) for day in days]
    return Hours(tuple(sorted(spans)))


def zone_fault(zone: str) -> str:
    """What is wrong with the name of a time zone; empty when it can be used."""
    if zone.lower() in (BROKER, UTC_ZONE):
        return ""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone!r} is no time zone: use broker, utc or a name such as Europe/Berlin"
    return ""


def minute_of_week(zone: str, broker_zone: str, now_ms: int) -> int:
    """Minute of the week that a clock of this zone shows. `broker_zone`: the broker's clock."""
    if zone.lower() == BROKER:
        face = datetime.fromtimestamp(to_broker(broker_zone, now_ms) // 1000, UTC)
    elif zone.lower() == UTC_ZONE:
        face = datetime.fromtimestamp(now_ms // 1000, UTC)
    else:
        face = datetime.fromtimestamp(now_ms // 1000, ZoneInfo(zone))
    return face.weekday() * DAY_MINUTES + face.hour * 60 + face.minute
