"""The broker's wall clock as epoch seconds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5sim.clock import CLOCKS, broker_ms

SINCE = int(datetime(1988, 1, 1, tzinfo=UTC).timestamp())
UNTIL = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())


@given(st.integers(SINCE, UNTIL))
def test_new_york_plus_7_agrees_with_the_time_zone_database(moment: int) -> None:
    utc = datetime.fromtimestamp(moment, UTC)
    local = utc.astimezone(ZoneInfo("America/New_York")) + timedelta(hours=7)
    wall_clock = local.replace(tzinfo=UTC)
    assert broker_ms("ny+7", int(utc.timestamp() * 1000)) == int(wall_clock.timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "hours"),
    [
        ("2024-03-10T06:59:59", 2),
        ("2024-03-10T07:00:00", 3),
        ("2024-11-03T05:59:59", 3),
        ("2024-11-03T06:00:00", 2),
        ("2024-03-25T12:00:00", 3),
    ],
)
def test_the_american_and_not_the_european_rule_decides_summer(utc: str, hours: int) -> None:
    stamp = int(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000)
    assert broker_ms("ny+7", stamp) - stamp == hours * 3_600_000


@given(st.integers(int(datetime(1997, 1, 1, tzinfo=UTC).timestamp()), UNTIL))
def test_eastern_european_time_agrees_with_the_time_zone_database(moment: int) -> None:
    utc = datetime.fromtimestamp(moment, UTC)
    wall_clock = utc.astimezone(ZoneInfo("Europe/Helsinki")).replace(tzinfo=UTC)
    assert broker_ms("eet", moment * 1000) == int(wall_clock.timestamp() * 1000)


def test_in_the_weeks_between_the_changes_of_america_and_europe_their_clocks_differ() -> None:
    march = int(datetime(2024, 3, 20, tzinfo=UTC).timestamp() * 1000)
    assert broker_ms("ny+7", march) - broker_ms("eet", march) == 3_600_000


def test_the_utc_clock_changes_nothing() -> None:
    stamps = np.array([0, 1_700_000_000_123], dtype=np.int64)
    assert (CLOCKS["utc"](stamps) == stamps).all()
