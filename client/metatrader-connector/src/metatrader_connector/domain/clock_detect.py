"""Find out by which clock a broker writes its times: from when its weeks ended, and from what it shows now.

The foreign exchange week ends on Friday at 17:00 New York, all year. A clock is right when every week end that the
broker's history shows, turned to New York by it, falls on that hour: a year of weeks has both summer times in it, and
the weeks in between when Europe and America differ, so clocks that agree today are told apart. The method is that of
`brokerclock` (Apache-2.0).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from metatrader_connector.domain.broker_clock import MODELS, ZONES, one_to_utc, to_broker

HOUR_S = 3_600
WEEKEND_S = 24 * HOUR_S
FRIDAY, CLOSES_AT = 4, 17
LEAST_WEEKS = 8
"""Fewer prove nothing: they may lie in one season."""
MOST_WRONG = 0.2
"""Share of weeks that may end otherwise: holidays, and breaks of the broker's own."""
NEAR_S = 120
"""How far a new quote's stamp may be from the clock: it is some seconds old, and the PC's clock is not exact."""


def week_ends(opened_s: Sequence[int]) -> tuple[int, ...]:
    """Ends of the weeks, broker seconds, out of the times at which the bars of an hour opened, oldest first."""
    return tuple(before + HOUR_S for before, after in pairwise(opened_s) if after - before > WEEKEND_S)


def fits_history(ends_s: Sequence[int]) -> tuple[str, ...]:
    """Clocks under which the weeks ended when they do, the best first; none when too little is known."""
    if len(ends_s) < LEAST_WEEKS:
        return ()
    right = {zone: sum(_is_close(zone, end) for end in ends_s) for zone in ZONES}
    most = max(right.values())
    if most < len(ends_s) * (1 - MOST_WRONG):
        return ()
    return tuple(zone for zone in ZONES if right[zone] == most)


def _is_close(zone: str, end_s: int) -> bool:
    utc_s = one_to_utc(zone, end_s * 1000, 0) / 1000
    there = datetime.fromtimestamp(utc_s, UTC).astimezone(ZoneInfo("America/New_York"))
    return (there.weekday(), there.hour) == (FRIDAY, CLOSES_AT)


def fits_now(stamp_s: int, now_ms: int) -> tuple[str, ...]:
    """Clocks that show what a quote which has just come is stamped with."""
    return tuple(zone for zone in ZONES if abs(stamp_s - to_broker(zone, now_ms) // 1000) <= NEAR_S)


def detect(history: Sequence[str], live: Sequence[str]) -> str:
    """The clock; empty when what is known does not tell. Where several do as well, all agree on every week that was
    seen and on this moment: then the usual one is taken, and the first live quote that contradicts it raises an alarm.
    """
    both = [zone for zone in history if zone in live] if live else list(history)
    if both:
        return both[0]
    # without weeks (a market that never closes) only now is known: a clock with summer time is the likelier one
    if not history:
        return next((zone for zone in live if zone in MODELS), live[0] if live else "")
    return ""
