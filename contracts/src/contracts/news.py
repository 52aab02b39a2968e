"""News and the economic calendar: what terminals' PCs collected, kept with the moment at which it was known.

Nothing is ever changed in place: an event with a new forecast is a new version, and the older one stays. A version is
known again by tenant, terminal, `key` and `first_seen_ms`, so the same one told twice is stored once.
"""

from enum import StrEnum

import msgspec

from contracts.rpc import DB, Method

MOST_AT_ONCE = 200
"""News and events of one batch, together."""
MAX_TEXT = 2_000
"""Characters of any one text."""


class EventClock(StrEnum):
    """How well the time of an event is known."""

    EXACT = "exact"
    ALL_DAY = "all_day"
    """`at_ms` is the day's beginning, UTC."""
    TENTATIVE = "tentative"
    """`at_ms` is the day's beginning, UTC; the time is not fixed yet."""


class NewsItem(msgspec.Struct, frozen=True):
    """One version of a message. All texts are plain text: no markup, no entities."""

    key: str
    """The same message has the same key: made of source and guid, else of source and link."""
    source: str
    """The source's name in the collector's settings."""
    title: str
    published_ms: int
    """UTC; 0 when the source does not say."""
    first_seen_ms: int
    """When this version was first seen, UTC, by the PC's clock."""
    version: int = 1
    """Counted by the PC that saw it."""
    link: str = ""
    """http or https, or empty."""
    summary: str = ""
    category: str = ""


class CalendarEvent(msgspec.Struct, frozen=True):
    """One version of an event. Values are texts as the source wrote them (`137K`, `2.92|2.1`); empty: none."""

    key: str
    source: str
    title: str
    at_ms: int
    """When it takes place, UTC."""
    first_seen_ms: int
    """When this version was first seen, UTC, by the PC's clock."""
    version: int = 1
    clock: EventClock = EventClock.EXACT
    currency: str = ""
    """`USD`, or `All`; empty when the source does not say."""
    impact: str = ""
    """`high`, `medium`, `low`, `holiday`; empty when the source does not say."""
    actual: str = ""
    forecast: str = ""
    previous: str = ""
    revised: str = ""
    """The previous value as it was corrected later."""
    link: str = ""


class NewsKeep(msgspec.Struct, frozen=True):
    """The bridge hands the store what a terminal's PC collected. `received_ms` is the bridge's clock, UTC."""

    tenant: str
    terminal: str
    received_ms: int
    news: tuple[NewsItem, ...] = ()
    events: tuple[CalendarEvent, ...] = ()


class NewsKept(msgspec.Struct, frozen=True):
    """All of it is stored. `new` counts the versions that were not there before."""

    new: int


class NewsQuestion(msgspec.Struct, frozen=True):
    """The newest news by when they were published (or first seen), newest first. Stamps are UTC ms; 0 leaves one out.

    `as_of_ms`: only what had been seen by then, in the version of then.
    """

    tenant: str
    from_ms: int = 0
    to_ms: int = 0
    as_of_ms: int = 0
    source: str = ""
    limit: int = 200


class NewsFound(msgspec.Struct, frozen=True):
    """Newest first."""

    news: tuple[NewsItem, ...]


class CalendarQuestion(msgspec.Struct, frozen=True):
    """Events with from_ms <= at_ms < to_ms, earliest first. Stamps are UTC ms; 0 leaves one out.

    `as_of_ms`: only what had been seen by then, in the version of then. `key`: every version of one event instead,
    oldest first.
    """

    tenant: str
    from_ms: int = 0
    to_ms: int = 0
    as_of_ms: int = 0
    currency: str = ""
    source: str = ""
    key: str = ""
    limit: int = 500


class CalendarFound(msgspec.Struct, frozen=True):
    """Earliest first; versions of one event oldest first."""

    events: tuple[CalendarEvent, ...]


NEWS_KEEP = Method(DB, "news.keep", NewsKeep, NewsKept)
NEWS = Method(DB, "news.read", NewsQuestion, NewsFound)
CALENDAR = Method(DB, "calendar.read", CalendarQuestion, CalendarFound)
