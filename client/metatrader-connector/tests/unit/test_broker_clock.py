"""Broker time is New York plus seven hours: summer and winter, in both directions."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metatrader_connector.domain.broker_clock import one_to_utc, to_broker, to_utc


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


def test_winter_is_two_hours_ahead_and_summer_three() -> None:
    assert one_to_utc("ny+7", ms(2026, 1, 15, 2), 0) == ms(2026, 1, 15, 0)
    assert one_to_utc("ny+7", ms(2026, 7, 15, 3), 0) == ms(2026, 7, 15, 0)


def test_the_change_follows_new_york_and_not_europe() -> None:
    # 20 March 2026: New York has summer time since the 8th, Europe not before the 29th
    assert one_to_utc("ny+7", ms(2026, 3, 20, 12), 0) == ms(2026, 3, 20, 9)
    assert to_broker("ny+7", ms(2026, 10, 28, 9)) == ms(2026, 10, 28, 12)


def test_the_hour_that_autumn_shows_twice_is_told_apart_for_live_ticks() -> None:
    face = ms(2026, 11, 1, 8, 30)
    first, second = ms(2026, 11, 1, 5, 30), ms(2026, 11, 1, 6, 30)
    assert one_to_utc("ny+7", face, first) == first
    assert one_to_utc("ny+7", face, second) == second
    assert one_to_utc("ny+7", face, ms(2026, 12, 1)) == first


def test_utc_stays_and_zero_stays() -> None:
    assert list(to_utc("utc", np.array([5], dtype=np.int64), 0)) == [5]
    assert to_broker("utc", 5) == 5
    assert one_to_utc("ny+7", 0, 0) == 0


@given(st.integers(ms(2007, 6, 1), ms(2099, 1, 1)))
def test_a_live_moment_survives_the_way_there_and_back(moment: int) -> None:
    assert one_to_utc("ny+7", to_broker("ny+7", moment), moment) == moment


def test_a_day_with_both_offsets_is_converted_tick_by_tick() -> None:
    moments = np.arange(ms(2026, 3, 8), ms(2026, 3, 9), 600_000, dtype=np.int64)
    broker = np.array([to_broker("ny+7", int(m)) for m in moments], dtype=np.int64)
    assert list(to_utc("ny+7", broker, 0)) == list(moments)
