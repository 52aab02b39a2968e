"""Judge what a terminal's PC collected before the store sees it: sizes, texts, links, and a clock that may be wrong."""

import re
from dataclasses import dataclass, field

from contracts.errands import NewsBatch
from contracts.news import MAX_TEXT, MOST_AT_ONCE, CalendarEvent, NewsItem

KEY = re.compile(r"^[0-9a-f]{64}\Z")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
SHORT = 64
"""Characters of a value such as a forecast."""
LATEST_MS = 4_102_444_800_000
"""2100: no honest stamp lies behind it."""
AHEAD_MS = 300_000
"""A PC's clock may be so far ahead; what it saw later than that it can't have seen."""
DAY_MS = 86_400_000
MOST_A_DAY = 20_000
"""News and events of one terminal; the sources of the world together bring a tenth of it."""
IMPACTS = ("", "high", "medium", "low", "holiday")


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be stored, and why the rest may not: (key, reason)."""

    news: tuple[NewsItem, ...]
    events: tuple[CalendarEvent, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Allowance:
    """How much each terminal may still bring today."""

    used: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """ (tenant, terminal) -> day, items """

    def take(self, tenant: str, terminal: str, items: int, now_ms: int) -> bool:
        """Whether so many more are allowed today; they are counted then."""
        day, count = self.used.get((tenant, terminal), (0, 0))
        today = now_ms // DAY_MS
        count = count if day == today else 0
        if count + items > MOST_A_DAY:
            return False
        self.used[tenant, terminal] = today, count + items
        return True


def judge(batch: NewsBatch, now_ms: int) -> Judged | str:
    """Item by item; a sentence when the batch as a whole is too large."""
    if len(batch.news) + len(batch.events) > MOST_AT_ONCE:
        return f"a batch holds {MOST_AT_ONCE} items at most"
    refused: list[tuple[str, str]] = []
    kept: list[NewsItem | CalendarEvent] = []
    told: tuple[NewsItem | CalendarEvent, ...] = (*batch.news, *batch.events)
    for each in told:
        fault = item_fault(each, now_ms)
        if fault:
            refused.append((each.key[:SHORT], fault))
        else:
            kept.append(each)
    return Judged(
        tuple(each for each in kept if isinstance(each, NewsItem)),
        tuple(each for each in kept if isinstance(each, CalendarEvent)),
        tuple(refused),
    )


def item_fault(item: NewsItem | CalendarEvent, now_ms: int) -> str:
    """Why an item can't be stored; empty when it can."""
    told_ms = item.published_ms if isinstance(item, NewsItem) else item.at_ms
    if KEY.match(item.key) is None:
        return "its key is no SHA-256 in hex"
    if NAME.match(item.source) is None:
        return "its source has no proper name"
    if not 0 <= told_ms < LATEST_MS or not 1 <= item.version < 2**31 or item.first_seen_ms <= 0:
        return "a number in it is out of range"
    if item.first_seen_ms > now_ms + AHEAD_MS:
        return "it was seen in the future: set the clock of the PC"
    if item.link and not item.link.startswith(("http://", "https://")):
        return "its link is not of the web"
    if isinstance(item, CalendarEvent):
        if item.impact not in IMPACTS:
            return "its impact is none that is known"
        if any(len(text) > SHORT for text in (item.currency, item.actual, item.forecast, item.previous, item.revised)):
            return f"a value in it has more than {SHORT} characters"
    return _text_fault(item)


def _text_fault(item: NewsItem | CalendarEvent) -> str:
    for name in item.__struct_fields__:
        text = getattr(item, name)
        if not isinstance(text, str):
            continue
        if len(text) > MAX_TEXT:
            return f"its {name} has more than {MAX_TEXT} characters"
        if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in text):
            return f"its {name} has control characters"
    return "" if item.title or (isinstance(item, NewsItem) and item.link) else "it says nothing"
