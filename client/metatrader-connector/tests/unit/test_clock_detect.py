"""Which clock a broker keeps is found in its history and its live quotes, and never where neither tells."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metatrader_connector.domain.broker_clock import ZONES, to_broker, to_utc
from metatrader_connector.domain.clock_detect import detect, fits_history, fits_now, week_ends

HOUR_S = 3_600
SUMMER = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp() * 1000)
BETWEEN = int(datetime(2026, 3, 18, 12, tzinfo=UTC).timestamp() * 1000)
"""America keeps summer time already, Europe does not yet."""


def bars(zone: str, weeks: int = 52) -> list[int]:
    """Opening times of hour bars from Sunday 17:00 to Friday 17:00 New York, as this clock writes them."""
    there = datetime(2025, 9, 7, 17, tzinfo=ZoneInfo("America/New_York"))
    found = []
    for week in range(weeks):
        opens = there + timedelta(days=7 * week)
        closes = opens + timedelta(days=5)
        at, end = int(opens.timestamp()), int(closes.timestamp())
        found += [to_broker(zone, second * 1000) // 1000 for second in range(at, end, HOUR_S)]
    return found


@pytest.mark.parametrize("zone", ["ny+7", "eet", "utc", "utc+2", "utc+3"])
def test_a_year_of_weeks_tells_each_clock_from_all_others(zone) -> None:
    assert fits_history(week_ends(bars(zone))) == (zone,)


def test_few_weeks_and_a_market_without_weekends_tell_nothing() -> None:
    assert fits_history(week_ends(bars("ny+7", 7))) == ()
    assert week_ends(range(0, 10**6, HOUR_S)) == ()


def test_weeks_that_end_at_odd_hours_are_no_proof() -> None:
    assert fits_history(tuple(end + 5 * HOUR_S + 7 for end in week_ends(bars("utc+12")))) == ()


def test_D07_clocks_that_agree_in_summer_differ_while_only_america_has_changed() -> None:
    assert {"ny+7", "eet", "utc+3"} <= set(fits_now(SUMMER // 1000 + 3 * HOUR_S, SUMMER))
    assert fits_now(BETWEEN // 1000 + 3 * HOUR_S, BETWEEN) == ("ny+7", "utc+3")
    assert fits_now(SUMMER // 1000 + 1_800, SUMMER) == ()


def test_history_decides_live_confirms_and_a_contradiction_decides_nothing() -> None:
    assert detect(("eet",), ()) == "eet"
    assert detect(("ny+7", "eet"), ("eet", "utc+2")) == "eet"
    assert detect(("ny+7",), ("utc",)) == ""
    assert detect((), ("utc+3", "eet")) == "eet"
    assert detect((), ("utc",)) == "utc"
    assert detect((), ()) == ""


@pytest.mark.parametrize("zone", ZONES)
def test_every_clock_turns_back_into_the_moment_it_came_from(zone) -> None:
    moments = [SUMMER, BETWEEN, SUMMER - 180 * 86_400_000]
    shown = np.array([to_broker(zone, moment) for moment in moments], dtype=np.int64)
    assert to_utc(zone, shown, SUMMER).tolist() == moments
