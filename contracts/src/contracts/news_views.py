"""What the browser sees of news and of the economic calendar."""

import msgspec


class NewsItemView(msgspec.Struct, frozen=True):
    """One message; every text is plain text. `published_ms` is 0 when the source does not say; stamps are UTC ms."""

    key: str
    source: str
    title: str
    published_ms: int
    first_seen_ms: int
    """When a terminal's PC first saw this version."""
    version: int
    link: str
    """http or https, or empty."""
    summary: str
    category: str


class NewsView(msgspec.Struct, frozen=True):
    """GET /api/v1/news, newest first."""

    news: tuple[NewsItemView, ...]
    server_ms: int


class CalendarEventView(msgspec.Struct, frozen=True):
    """One event. `clock`: exact, all_day or tentative; of the latter two `at_ms` is the day's beginning, UTC.

    Values are texts as the source wrote them; empty: none.
    """

    key: str
    source: str
    title: str
    at_ms: int
    clock: str
    first_seen_ms: int
    """When a terminal's PC first saw this version."""
    version: int
    currency: str
    impact: str
    """high, medium, low, holiday, or empty."""
    actual: str
    forecast: str
    previous: str
    revised: str
    link: str


class CalendarView(msgspec.Struct, frozen=True):
    """GET /api/v1/calendar, earliest first; versions of one event oldest first."""

    events: tuple[CalendarEventView, ...]
    server_ms: int
