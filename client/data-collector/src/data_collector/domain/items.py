"""News and calendar events in one shape, and the key by which the same one is known again."""

import hashlib
import html
import re
import unicodedata
from urllib.parse import urlsplit

import msgspec

from contracts.news import MAX_TEXT, CalendarEvent, NewsItem

Item = NewsItem | CalendarEvent
""" What a parser makes: `first_seen_ms` 0 and `version` 1; the store fills in both. """

MAX_VALUE = 64
"""Characters of a value such as a forecast."""
DAY_MS = 86_400_000
MOST_AHEAD_MS = 800 * DAY_MS
"""Calendars reach two years ahead at most; what lies beyond is a mistake."""
IMPACTS = {"high": "high", "medium": "medium", "moderate": "medium", "low": "low", "holiday": "holiday"}
# what is not closed before the next one opens is no tag: so no text, however hostile, is read more than once
_TAG = re.compile(r"<[^<>]*>")
_MAX_RAW = 65_536
"""Characters of a text that are looked at: markup may be many times as long as what it says."""
_SPACE = re.compile(r"\s+")
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class BadDocument(Exception):
    """The document is not what its source should send; keep it aside. The text says why."""


def news(
    source: str,
    *,
    title: object,
    link: object = "",
    guid: object = "",
    published_ms: int = 0,
    summary: object = "",
    category: object = "",
) -> NewsItem | None:
    """One message; its key is made of its guid, else its link, else its words. None when it says nothing."""
    said, address = plain(title), web_link(link)
    if not said and not address:
        return None
    mark = plain(guid) or address or f"{said}|{published_ms}"
    return NewsItem(
        key_of("news", source, mark), source, said, max(0, published_ms), 0, 1, address, plain(summary), plain(category)
    )


def key_of(*parts: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


def impact_of(text: object) -> str:
    """`high`, `medium`, `low`, `holiday`, or empty for every other word."""
    return IMPACTS.get(plain(text).lower(), "")


def plain(text: object) -> str:
    """Text without markup, entities, line breaks and characters that steer a screen, at most 2,000 characters.

    It is text and not HTML: whoever shows it as HTML escapes it.
    """
    stripped = html.unescape(_TAG.sub(" ", text[:_MAX_RAW] if isinstance(text, str) else ""))
    # a second time: feeds escape twice, and nothing that looks like a tag may be left
    stripped = _SPACE.sub(" ", _TAG.sub(" ", stripped))
    clean = "".join(c for c in stripped if c not in _BIDI and unicodedata.category(c) not in ("Cc", "Cs"))
    return clean.strip()[:MAX_TEXT]


def value(text: object) -> str:
    """A short value."""
    return plain(text)[:MAX_VALUE]


def web_link(text: object) -> str:
    """The link when it is http or https, else nothing: no `javascript:` ever reaches a page."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        return ""
    link = text.strip()
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    fits = parts.scheme.lower() in ("http", "https") and parts.netloc and plain(link) == link
    return link if fits else ""


def same(one: Item, other: Item) -> bool:
    """Whether two versions say the same."""
    return one == msgspec.structs.replace(other, first_seen_ms=one.first_seen_ms, version=one.version)


def fault(item: Item, now_ms: int) -> str:
    """Why what a parser made can't be believed; empty when it can."""
    told_ms = item.published_ms if isinstance(item, NewsItem) else item.at_ms
    if not isinstance(told_ms, int) or told_ms < 0:
        return "its time is none"
    if isinstance(item, NewsItem):
        return "it was published in the future" if told_ms > now_ms + DAY_MS else ""
    return "it lies more than two years ahead" if told_ms > now_ms + MOST_AHEAD_MS else ""
