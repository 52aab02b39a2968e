"""RSS 2.0, RSS 1.0 and Atom: the source kind `rss`."""

import calendar
from datetime import UTC

from data_collector.adapters.xml import root_of
from data_collector.domain.items import BadDocument, Item, news


def parse(source: str, document: bytes) -> list[Item]:
    """The messages of a feed. BadDocument when it is none."""
    tag = str(root_of(document).tag).rsplit("}", 1)[-1].lower()
    if tag not in ("rss", "feed", "rdf"):
        raise BadDocument(f"the document is <{tag[:40]}>, not a feed")
    import feedparser  # type: ignore[import-untyped]

    items: list[Item] = []
    for entry in feedparser.parse(document, resolve_relative_uris=False, sanitize_html=True).entries:
        # asked as of a plain dictionary: feedparser would answer for one with the other, and warn
        stamp = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
        categories = [str(tag.get("term") or "") for tag in entry.get("tags") or ()]
        made = news(
            source,
            title=entry.get("title"),
            link=entry.get("link"),
            guid=entry.get("id"),
            published_ms=calendar.timegm(stamp) * 1000 if stamp else _loose_time(entry.get("published")),
            summary=entry.get("summary"),
            category=", ".join(filter(None, categories)),
        )
        if made is not None:
            items.append(made)
    return items


def _loose_time(text: object) -> int:
    """`Fri, 14 Aug 2026 19:22:00 Z` and the like, UTC ms; 0 when it can't be told. `-0000` and no zone at all are taken
    as UTC."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(str(text))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return 0
