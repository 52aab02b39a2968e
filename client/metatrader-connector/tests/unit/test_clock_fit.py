"""A broker clock that is not the one that is set is noticed; closed markets and replays are not mistaken for one."""

import pytest

from metatrader_connector.domain.broker_clock import to_broker
from metatrader_connector.domain.clock_fit import AGREE, ClockFit, steps_off

SUMMER = 1_750_000_000_000  # 2025-06-15: New York + 7 h is UTC + 3 h
WINTER = 1_735_000_000_000  # 2024-12-24: UTC + 2 h
HOUR_S = 3_600


def told(zone: str, off_s: int, looks: int = AGREE + 1, now_ms: int = SUMMER) -> str:
    """What is said after some seconds of quotes that are `off_s` ahead of UTC."""
    fit = ClockFit(zone)
    for second in range(looks):
        now = now_ms + second * 1_000
        fit.look(now // 1_000 + off_s, now)
    return fit.trouble


def test_a_terminal_on_utc_under_the_usual_setting_is_named_with_the_setting_to_change() -> None:
    assert told("ny+7", 0) == (
        "the broker's clock is 3 h behind the one that terminal_clock=ny+7 means, so its prices cannot be used: "
        "set it to utc (start the client with --terminal-clock utc)"
    )


def test_a_usual_broker_under_utc_is_named_in_winter_too() -> None:
    said = told("utc", 2 * HOUR_S, now_ms=WINTER)
    assert "2 h ahead of the one that terminal_clock=utc means" in said
    assert "--terminal-clock ny+7" in said


def test_a_clock_that_no_setting_fits_is_said_too() -> None:
    said = told("ny+7", 5 * HOUR_S + 1_800)
    assert "2.5 h ahead of" in said
    assert "check this PC's clock" in said


@pytest.mark.parametrize("zone", ["ny+7", "utc"])
@pytest.mark.parametrize("off_s", [0, -3, 90, 1_100])
def test_a_clock_that_fits_or_is_a_little_off_says_nothing(zone: str, off_s: int) -> None:
    assert told(zone, to_broker(zone, SUMMER) // 1_000 - SUMMER // 1_000 + off_s) == ""


@pytest.mark.parametrize("off_s", [-40 * 60, 27 * HOUR_S, -50 * HOUR_S])
def test_what_no_two_clocks_differ_by_proves_nothing(off_s: int) -> None:
    assert steps_off("utc", SUMMER // 1_000 + off_s, SUMMER) == 0


def test_a_closed_market_whose_last_quote_grows_older_is_no_wrong_clock() -> None:
    fit, last = ClockFit("utc"), SUMMER // 1_000
    for second in range(0, 3 * HOUR_S, 10):
        fit.look(last, SUMMER + second * 1_000)
        assert fit.trouble == ""


def test_one_old_quote_after_a_start_is_not_enough() -> None:
    assert told("utc", -HOUR_S, looks=AGREE) == ""
    assert told("utc", -HOUR_S, looks=AGREE + 1) != ""


def test_it_is_taken_back_when_quotes_fit_again() -> None:
    fit = ClockFit("utc")
    for second in range(2 * AGREE + 2):
        now = SUMMER + second * 1_000
        fit.look(now // 1_000 + (0 if second > AGREE else -HOUR_S), now)
        assert (fit.trouble != "") is (AGREE <= second < 2 * AGREE)
    assert fit.trouble == ""
