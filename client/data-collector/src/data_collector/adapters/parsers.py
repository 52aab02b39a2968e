"""RSS, Atom and ForexFactory's calendar, read without ever resolving an entity or a document type."""

import calendar
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from data_collector.domain.items import BadDocument, Item, plain, web_link

MAX_ITEMS = 500
ALL_DAY = ("all day", "tentative", "")


def _root(document: bytes) -> Any:
    # imported here: a client without sources does not pay for the parsers
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    try:
        return fromstring(document.removeprefix(b"\xef\xbb\xbf"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadDocument(f"not safe or not XML: {type(error).__name__} {error}") from None


def feed(source: str, document: bytes) -> list[Item]:
    """RSS 2.0, RSS 1.0 or Atom. BadDocument when it is none of them."""
    tag = str(_root(document).tag).rsplit("}", 1)[-1].lower()
    if tag not in ("rss", "feed", "rdf"):
        raise BadDocument(f"the document is <{tag[:40]}>, not a feed")
    import feedparser  # type: ignore[import-untyped]

    parsed = feedparser.parse(document, resolve_relative_uris=False, sanitize_html=True)
    items = []
    for entry in parsed.entries[:MAX_ITEMS]:
        title = plain(entry.get("title"))
        link = web_link(entry.get("link"))
        stamp = entry.get("published_parsed") or entry.get("updated_parsed")
        at_ms = calendar.timegm(stamp) * 1000 if stamp else _loose_time(entry.get("published"))
        if title or link:
            guid = plain(entry.get("id"))
            items.append(Item("news", source, title, at_ms, link, plain(entry.get("summary")), guid))
    return items


def _loose_time(text: object) -> int:
    """`Fri, 14 Aug 2026 19:22:00 Z` and the like; 0 when it can't be told. A stamp without a zone is taken as UTC."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(str(text))
    except (ValueError, TypeError):
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class _Event(msgspec.Struct):
    title: str
    country: str
    date: str
    impact: str = ""
    forecast: str = ""
    previous: str = ""


def forexfactory_json(source: str, document: bytes) -> list[Item]:
    """The week as JSON; its dates carry New York's offset."""
    try:
        events = msgspec.json.decode(document, type=list[_Event])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadDocument(f"not the calendar's JSON: {error}") from None
    items = []
    for event in events[:MAX_ITEMS]:
        try:
            moment = datetime.fromisoformat(event.date)
        except ValueError:
            raise BadDocument(f"{event.date[:40]!r} is not a date") from None
        if moment.tzinfo is None:
            raise BadDocument(f"{event.date[:40]!r} has no offset: its time can't be known")
        items.append(
            _event(source, event.title, event.country, int(moment.timestamp() * 1000), event.impact, event.forecast,
                   event.previous)
        )  # fmt: skip
    return items


def forexfactory_xml(source: str, document: bytes) -> list[Item]:
    """The week as XML in windows-1252. Its clock is UTC, not New York; events without a clock time get their day."""
    root = _root(document)
    if root.tag != "weeklyevents":
        raise BadDocument(f"the document is <{str(root.tag)[:40]}>, not <weeklyevents>")
    items = []
    for element in root.findall("event")[:MAX_ITEMS]:
        values = {child.tag: (child.text or "").strip() for child in element}
        day, clock = values.get("date", ""), values.get("time", "").lower()
        try:
            text, form = (day, "%m-%d-%Y") if clock in ALL_DAY else (f"{day} {clock}", "%m-%d-%Y %I:%M%p")
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            raise BadDocument(f"{day[:20]!r} {clock[:20]!r} is not a date and time") from None
        items.append(
            _event(source, values.get("title"), values.get("country"), int(moment.timestamp() * 1000),
                   values.get("impact"), values.get("forecast"), values.get("previous"))
        )  # fmt: skip
    return items


def _event(
    source: str, title: object, country: object, at_ms: int, impact: object, forecast: object, previous: object
) -> Item:
    return Item(
        "event",
        source,
        plain(title),
        at_ms,
        currency=plain(country),
        impact=plain(impact),
        forecast=plain(forecast),
        previous=plain(previous),
    )


PARSERS: dict[str, Callable[[str, bytes], list[Item]]] = {
    "rss": feed,
    "ff-json": forexfactory_json,
    "ff-xml": forexfactory_xml,
}
""" word in the settings -> parser """
