"""Release calendars in iCalendar, such as the BLS's: the source kind `ics`.

https://www.bls.gov/schedule/news_release/bls.ics names its zone `US-Eastern` and brings its rules. An event that
repeats by a rule is read at its first date only.
"""

from datetime import UTC

from contracts.news import CalendarEvent, EventClock
from data_collector.domain import icalendar
from data_collector.domain.items import BadDocument, Item, key_of, plain, value, web_link

BOM = "\ufeff"


def parse(source: str, document: bytes) -> list[Item]:
    """Its events; those whose categories say IMPORTANT have a high impact."""
    try:
        found = icalendar.parse(document.decode("utf-8").removeprefix(BOM))
        zones = icalendar.zones_of(found)
        own = zones.get(found.text("X-WR-TIMEZONE"))
        return [made for each in found.all("VEVENT") if (made := _event(source, each, zones, own)) is not None]
    except UnicodeDecodeError:
        raise BadDocument("not UTF-8") from None
    except (icalendar.NotICalendar, OverflowError) as error:
        raise BadDocument(f"not a release calendar: {error}") from None


def _event(
    source: str, event: icalendar.Component, zones: dict[str, icalendar.Zone], own: icalendar.Zone | None
) -> CalendarEvent | None:
    title, start = plain(event.text("SUMMARY")), event.first("DTSTART")
    if not title or start is None:
        return None
    parameters, text = start
    local = icalendar.stamp(text)
    clock = EventClock.ALL_DAY if icalendar.is_date(text) else EventClock.EXACT
    if clock is EventClock.ALL_DAY or icalendar.is_utc(text):
        at = local.replace(tzinfo=UTC)
    else:
        name = parameters.get("TZID", "")
        zone = zones.get(name) if name else own
        if zone is None:
            raise BadDocument(f"the zone {name[:40]!r} of an event is nowhere described: its time can't be known")
        at = zone.utc(local)
    status = event.text("STATUS").upper()
    if status == "TENTATIVE" and clock is EventClock.EXACT:
        clock = EventClock.TENTATIVE
    said = f"{title} (cancelled)" if status == "CANCELLED" else title
    important = "IMPORTANT" in event.text("CATEGORIES").upper()
    key = key_of("event", source, plain(event.text("UID")) or f"{title}|{text}")
    return CalendarEvent(
        key, source, said, int(at.timestamp() * 1000), 0, 1, clock, value("USD" if "BLS" in event.text("CATEGORIES")
        else ""), "high" if important else "", link=web_link(event.text("URL")),
    )  # fmt: skip
