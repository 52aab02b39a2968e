"""Hours of the week as people write them, by any clock."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts.accounts import Side
from metatrader_connector.domain.exposure import loss_today, open_lots, signed_lots
from metatrader_connector.domain.feed_watch import FeedWatch, sessions_of, stale_words
from metatrader_connector.domain.hours import Hours, hours_of, minute_of_week, zone_fault
from metatrader_connector.domain.terminal import PositionFacts


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def minute(text: str) -> int:
    return minute_of_week("utc", "utc", at(text))


def test_lines_become_spans_and_a_week_may_wrap() -> None:
    hours = hours_of(("Mon-Fri 08:00-17:30", "Sun 22:00-24:00"))
    assert hours.open_at(minute("2026-11-23 08:00"))
    assert not hours.open_at(minute("2026-11-23 17:30"))
    assert hours.open_at(minute("2026-11-22 23:59"))
    assert not hours.open_at(minute("2026-11-21 12:00"))
    assert hours_of(("Fri-Mon 00:00-01:00",)).open_at(minute("2026-11-22 00:30"))


@pytest.mark.parametrize(
    "line", ["", "Mon", "Mon-Xyz 08:00-09:00", "Mon 08:00-07:00", "Mon 08:61-09:00", "Mon 24:00-25:00"]
)
def test_what_is_no_hours_is_refused_with_an_example(line) -> None:
    with pytest.raises(ValueError, match=r"write hours|must be after"):
        hours_of((line,))


def test_how_long_it_is_open_reaches_back_over_midnight_but_not_over_a_break() -> None:
    hours = hours_of(("Mon-Fri 00:00-24:00",))
    assert hours.open_for(minute("2026-11-23 00:09")) == 10
    assert hours.open_for(minute("2026-11-24 00:00")) == 1_441
    assert hours.open_for(minute("2026-11-22 12:00")) == 0
    assert hours_of(("Mon-Sun 00:00-24:00",)).open_for(7) == 10_080
    assert Hours().open_for(0) == 0


def test_clocks_of_broker_place_and_utc_differ() -> None:
    moment = at("2026-11-23 12:00")
    assert minute_of_week("utc", "ny+7", moment) == 720
    assert minute_of_week("broker", "ny+7", moment) == 840
    assert minute_of_week("Europe/Berlin", "ny+7", moment) == 780
    assert "no time zone" in zone_fault("Mars/Olympus")
    assert zone_fault("broker") == zone_fault("Europe/Berlin") == ""


def position(volume: float, symbol: str, kind: int) -> PositionFacts:
    return PositionFacts(1, symbol, kind, volume, 1.0, 1.0, 0.0, 0.0, 0, 0, "", 0.0, 0.0, 1)


def test_hedging_adds_lots_up_and_netting_counts_what_they_come_to() -> None:
    held = (position(0.3, "A", 0), position(0.1, "A", 1), position(0.2, "B", 1))
    more = [("A", signed_lots(Side.SELL, Decimal("0.2")))]
    assert open_lots(held, more, hedging=True) == Decimal("0.8")
    assert open_lots(held, more, hedging=False) == Decimal("0.2")


def test_a_gain_that_is_still_open_hides_no_loss() -> None:
    assert loss_today(-50.0, 500.0) == Decimal(50)
    assert loss_today(-50.0, -25.5) == Decimal("75.5")
    assert loss_today(80.0, -25.5) == Decimal("-54.5")


def feed(**sessions: str) -> FeedWatch:
    found = sessions_of(f"{name}={text}" for name, text in sessions.items())
    watch = FeedWatch("utc", 60_000, found)
    watch.begin(at("2026-11-20 12:00"))
    return watch


def test_D13_a_symbol_without_prices_is_stale_after_its_time_and_not_before() -> None:
    watch, now = feed(), at("2026-11-20 12:10")
    watch.heard("EURUSD", now)
    assert watch.stale(("EURUSD",), now + 59_999) == {}
    assert watch.stale(("EURUSD",), now + 60_000) == {"EURUSD": 60_000}
    watch.heard("EURUSD", now + 60_001)
    assert watch.stale(("EURUSD",), now + 60_002) == {}


def test_D08_a_weekend_and_a_daily_break_are_no_silence_and_monday_gets_its_time() -> None:
    watch = feed(XAUUSD="Mon-Fri 01:00-23:00")
    watch.heard("XAUUSD", at("2026-11-20 22:59"))
    watch.heard("EURUSD", at("2026-11-20 23:59"))
    both = ("EURUSD", "XAUUSD")
    assert watch.stale(both, at("2026-11-22 12:00")) == {}
    assert watch.stale(both, at("2026-11-23 00:00")) == {"EURUSD": 60_000}
    assert set(watch.stale(both, at("2026-11-23 01:01"))) == {"EURUSD", "XAUUSD"}
    assert "XAUUSD" not in watch.stale(both, at("2026-11-23 00:30"))
    assert "XAUUSD" not in watch.stale(both, at("2026-11-23 23:30"))


def test_a_market_is_called_closed_only_when_somebody_told_its_hours() -> None:
    watch = feed(BTCUSD="24/7", XAUUSD="Mon-Fri 01:00-23:00")
    sunday = at("2026-11-22 12:00")
    assert [watch.closed(name, sunday) for name in ("BTCUSD", "XAUUSD", "EURUSD")] == [False, True, False]
    with pytest.raises(ValueError, match="write sessions like"):
        sessions_of(("XAUUSD",))


def test_the_words_name_the_symbols_or_the_whole_feed() -> None:
    assert stale_words({}, 2) == ""
    assert "EURUSD" in stale_words({"EURUSD": 90_000}, 2)
    assert "any symbol" in stale_words({"EURUSD": 90_000, "XAUUSD": 60_000}, 2)
