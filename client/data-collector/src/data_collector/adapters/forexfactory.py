"""ForexFactory's week: the source kinds `ff-json` and `ff-xml`, whose clocks differ.

https://nfs.faireconomy.media/ff_calendar_thisweek.json and .xml. Unofficial, and it locks out those who ask often.
"""

from datetime import UTC, datetime

import msgspec

from contracts.news import EventClock
from data_collector.adapters.xml import root_of
from data_collector.domain.events import Week
from data_collector.domain.items import BadDocument, Item

CLOCKS = {"all day": EventClock.ALL_DAY, "tentative": EventClock.TENTATIVE, "": EventClock.TENTATIVE}


class _Event(msgspec.Struct):
    title: str
    country: str
    date: str
    impact: str | None = ""
    forecast: str | None = ""
    previous: str | None = ""
    actual: str | None = ""


def parse_json(source: str, document: bytes) -> list[Item]:
    """The week as JSON; its dates carry New York's offset of their day."""
    try:
        events = msgspec.json.decode(document, type=list[_Event])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadDocument(f"not the calendar's JSON: {error}") from None
    week = Week(source)
    for event in events:
        try:
            moment = datetime.fromisoformat(event.date)
        except ValueError:
            raise BadDocument(f"{event.date[:40]!r} is not a date") from None
        if moment.tzinfo is None:
            raise BadDocument(f"{event.date[:40]!r} has no offset: its time can't be known")
        week.add(
            event.title, event.country, _ms(moment), EventClock.EXACT,
            impact=event.impact, forecast=event.forecast, previous=event.previous, actual=event.actual,
        )  # fmt: skip
    return list(week.events)


def parse_xml(source: str, document: bytes) -> list[Item]:
    """The week as XML in windows-1252. Its clock is UTC, not New York's."""
    root = root_of(document)
    if root.tag != "weeklyevents":
        raise BadDocument(f"the document is <{str(root.tag)[:40]}>, not <weeklyevents>")
    week = Week(source)
    for element in root.findall("event"):
        values = {child.tag: (child.text or "").strip() for child in element}
        day, time = values.get("date", ""), values.get("time", "").lower()
        clock = CLOCKS.get(time, EventClock.EXACT)
        try:
            text, form = (f"{day} {time}", "%m-%d-%Y %I:%M%p") if clock is EventClock.EXACT else (day, "%m-%d-%Y")
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            raise BadDocument(f"{day[:20]!r} {time[:20]!r} is not a date and time") from None
        week.add(
            values.get("title"), values.get("country"), _ms(moment), clock,
            impact=values.get("impact"), forecast=values.get("forecast"), previous=values.get("previous"),
            actual=values.get("actual"), link=values.get("url"),
        )  # fmt: skip
    return list(week.events)


def _ms(moment: datetime) -> int:
    try:
        return int(moment.timestamp() * 1000)
    except (OverflowError, OSError):
        raise BadDocument("a date lies outside of what a clock can show") from None
