"""Release calendars bring their own clocks; the terminal's calendar brings millions, holes and the server's clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.news import CalendarEvent, EventClock
from data_collector.adapters import mql5_calendar, release_calendar
from data_collector.domain import icalendar
from data_collector.domain.items import BadDocument

FEEDS = Path(__file__).parents[5] / "shared" / "data" / "feeds"
UNSET = -(2**63)


def sample(name: str) -> bytes:
    path = FEEDS / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the test needs this sample")
    return path.read_bytes()


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


def calendar(*lines: str, zone: str = "") -> bytes:
    whole = ["BEGIN:VCALENDAR", "X-WR-TIMEZONE:US-Eastern", zone, "BEGIN:VEVENT", "UID:1", "SUMMARY:x", *lines]
    return "\r\n".join([*filter(None, whole), "END:VEVENT", "END:VCALENDAR", ""]).encode()


def one(*lines: str, zone: str = "") -> CalendarEvent:
    (event,) = release_calendar.parse("bls", calendar(*lines, zone=zone))
    assert isinstance(event, CalendarEvent)
    return event


def test_the_bls_calendar_is_read_with_the_zone_it_brings() -> None:
    jobs, payrolls = release_calendar.parse("bls", sample("bls_schedule.sample.ics"))
    assert isinstance(payrolls, CalendarEvent)
    assert (jobs.title, payrolls.title) == ("Job Openings and Labor Turnover Survey", "Employment Situation")
    assert (jobs.at_ms, payrolls.at_ms) == (ms(2026, 7, 21, 14), ms(2026, 8, 7, 12, 30))
    assert (payrolls.impact, payrolls.currency, payrolls.clock) == ("high", "USD", EventClock.EXACT)


@given(st.datetimes(datetime(2007, 3, 12), datetime(2040, 1, 1)))  # noqa: DTZ001 local times of a zone
def test_new_yorks_rules_agree_with_the_worlds_time_zone_data(local: datetime) -> None:
    zone = icalendar.zones_of(icalendar.Component("VCALENDAR"))["US-Eastern"]
    local = local.replace(microsecond=0)
    assert zone.utc(local) == local.replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001 local times of a zone
def test_a_zone_with_older_laws_and_one_offset_of_once_is_followed(local: datetime) -> None:
    def half(kind: str, begin: str, before: str, after: str, rule: str) -> str:
        return (
            f"BEGIN:{kind}\nDTSTART:{begin}\nTZOFFSETFROM:{before}\nTZOFFSETTO:{after}\n"
            f"{'RRULE:' + rule if rule else ''}\nEND:{kind}\n"
        )

    summer = "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100401T000000Z"
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\n"
        + half("STANDARD", "19800101T000000", "+0100", "+0200", "")
        + half("DAYLIGHT", "20000326T030000", "+0200", "+0300", summer)
        + half("STANDARD", "20001029T040000", "+0300", "+0200", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")
        + "END:VTIMEZONE\nEND:VCALENDAR\n"
    )
    zone = icalendar.zones_of(icalendar.parse(text))["x"]
    local = local.replace(microsecond=0)
    world = local.replace(tzinfo=ZoneInfo("Europe/Helsinki")).utcoffset()
    expected = world if 2000 <= local.year <= 2009 else timedelta(hours=2)
    if local.year != 2010:  # the law ends within this year
        assert local - zone.utc(local).replace(tzinfo=None) == expected


@pytest.mark.parametrize(
    ("start", "at", "clock"),
    [
        ("DTSTART;TZID=US-Eastern:20260107T083000", ms(2026, 1, 7, 13, 30), EventClock.EXACT),
        ("DTSTART;TZID=America/New_York:20260707T083000", ms(2026, 7, 7, 12, 30), EventClock.EXACT),
        ("DTSTART:20260707T083000", ms(2026, 7, 7, 12, 30), EventClock.EXACT),
        ("DTSTART:20260707T083000Z", ms(2026, 7, 7, 8, 30), EventClock.EXACT),
        ("DTSTART;VALUE=DATE:20260707", ms(2026, 7, 7), EventClock.ALL_DAY),
    ],
)
def test_every_way_to_write_a_beginning_is_understood(start: str, at: int, clock: EventClock) -> None:
    event = one(start)
    assert (event.at_ms, event.clock) == (at, clock)


def test_folded_lines_escapes_and_a_cancelled_event_are_read() -> None:
    event = one("DTSTART:20260707T083000Z", "STATUS:CANCELLED")
    assert event.title == "x (cancelled)"
    (folded,) = release_calendar.parse(
        "b", calendar("DTSTART:20260707T083000Z").replace(b"SUMMARY:x", b"SUMMARY:Washington\\, D\r\n C\\; now")
    )
    assert folded.title == "Washington, DC; now"


@pytest.mark.parametrize(
    "document",
    [
        b"", b"\xff", b"<html/>", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", b"BEGIN:VCALENDAR\nEND:VEVENT\n",
        calendar("DTSTART;TZID=Mars/Olympus:20260707T083000"), calendar("DTSTART:soon"), calendar("DTSTART:20261399"),
        calendar("DTSTART:20260707T083000Z")[:-30], b"BEGIN:A\n" * 50,
        calendar("DTSTART:20260707T083000Z", zone="BEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE"),
        calendar("DTSTART:20260707T083000Z", zone="BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:20070311T020000\n"
                 "TZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=DAILY\nEND:STANDARD\nEND:VTIMEZONE"),
    ],
)  # fmt: skip
def test_a_calendar_that_can_not_be_dated_is_refused(document: bytes) -> None:
    with pytest.raises(BadDocument):
        release_calendar.parse("t", document)


@given(st.binary(max_size=300))
def test_no_document_breaks_a_parser_in_another_way_than_by_being_refused(document: bytes) -> None:
    for parser in (release_calendar.parse, mql5_calendar.parse):
        with pytest.raises(BadDocument):
            parser("t", document)


def test_the_table_of_mql5_values_is_read_in_millions_with_the_servers_clock() -> None:
    table = sample("mql_calendar_values.sample.txt")
    with pytest.raises(BadDocument, match="utc_offset_s"):
        mql5_calendar.parse("ea", table)
    events = mql5_calendar.parse("ea", b"# utc_offset_s=7200\n" + table)
    first, second, empty, _, revised = events
    assert isinstance(first, CalendarEvent)
    assert (first.at_ms, first.actual, first.forecast, first.previous, first.revised) == (
        ms(2021, 1, 4, 10), "55.2", "55.5", "55.5", "",
    )  # fmt: skip
    assert (second.actual, second.forecast, second.previous) == ("143.1", "", "143.9")
    assert (empty.actual, empty.forecast, empty.previous, empty.revised) == ("", "", "", "")
    assert (revised.revised, revised.previous) == ("3.2", "3.1")
    assert revised.at_ms == ms(2021, 1, 5, 10)


def export(offset_s: int = 7_200, form: str = "mql5-calendar-1", **event: object) -> bytes:
    told = {"id": 5, "name": "CPI y/y", "currency": "USD", "importance": 3, "unit": 1, "digits": 1} | event
    value = {"id": 9, "event_id": 5, "time": 1_767_225_600, "actual_value": 2_700_000, "forecast_value": UNSET}
    return msgspec.json.encode({"format": form, "utc_offset_s": offset_s, "events": [told], "values": [value]})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, ("2.7%", "high", EventClock.EXACT, ms(2025, 12, 31, 22))),
        ({"unit": 2, "multiplier": 2, "digits": 3}, ("2.700M", "high", EventClock.EXACT, ms(2025, 12, 31, 22))),
        ({"type": 2, "time_mode": 1}, ("2.7%", "holiday", EventClock.ALL_DAY, ms(2026, 1, 1))),
        ({"time_mode": 3, "importance": 0}, ("2.7%", "", EventClock.TENTATIVE, ms(2026, 1, 1))),
        ({"time_mode": 99, "importance": 99, "multiplier": 99}, ("2.7%", "", EventClock.TENTATIVE, ms(2026, 1, 1))),
    ],
)
def test_the_eas_export_is_read_with_its_enumerations(event: dict[str, object], expected: tuple[object, ...]) -> None:
    (made,) = mql5_calendar.parse("ea", export(**event))
    assert isinstance(made, CalendarEvent)
    assert (made.title, made.currency, made.forecast) == ("CPI y/y", "USD", "")
    assert (made.actual, made.impact, made.clock, made.at_ms) == expected


@pytest.mark.parametrize("document", [export(form="mql5-calendar-9"), export(100_000), export(7), b"{}", b"{\xff"])
def test_an_export_that_can_not_be_right_is_refused(document: bytes) -> None:
    with pytest.raises(BadDocument):
        mql5_calendar.parse("ea", document)
