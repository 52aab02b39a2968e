"""News and calendar events in PostgreSQL: versions are added and never changed, and read as of a moment."""

from typing import Any

import msgspec

from contracts.news import (
    CalendarEvent,
    CalendarFound,
    CalendarQuestion,
    NewsFound,
    NewsItem,
    NewsKeep,
    NewsKept,
    NewsQuestion,
)
from contracts.rpc import MAX_ROWS
from database_service.adapters import rows

_NEWS = rows.columns_of(NewsItem)
_EVENT = rows.columns_of(CalendarEvent)
_WHO = ("tenant", "terminal", "received_ms")
_ADD_NEWS = rows.insert("news_items", (*_WHO, *_NEWS)) + " on conflict do nothing"
_ADD_EVENT = rows.insert("calendar_events", (*_WHO, *_EVENT)) + " on conflict do nothing"
_WHEN = "case when published_ms > 0 then published_ms else first_seen_ms end"
# two PCs may have seen the same: of each key the version that was seen last, by the moment that is asked about
_READ_NEWS = f"""
select {", ".join(_NEWS)} from (
    select distinct on (key) {", ".join(_NEWS)}, {_WHEN} as told_ms from news_items
    where tenant = $1 and ($4 = 0 or first_seen_ms <= $4) and ($5 = '' or source = $5)
        and ($2 = 0 or {_WHEN} >= $2) and ($3 = 0 or {_WHEN} < $3)
    order by key, first_seen_ms desc, version desc
) as known order by told_ms desc, key limit $6
"""  # noqa: S608 column names of our own
# an event may have moved: its newest version is found first, and only then it is looked whether it lies in the window
_READ_EVENTS = f"""
select {", ".join(_EVENT)} from (
    select distinct on (key) {", ".join(_EVENT)} from calendar_events
    where tenant = $1 and ($4 = 0 or first_seen_ms <= $4) and ($5 = '' or currency = $5) and ($6 = '' or source = $6)
        and key in (
            select key from calendar_events where tenant = $1 and ($2 = 0 or at_ms >= $2) and ($3 = 0 or at_ms < $3)
        )
    order by key, first_seen_ms desc, version desc
) as known where ($2 = 0 or at_ms >= $2) and ($3 = 0 or at_ms < $3) order by at_ms, title, key limit $7
"""  # noqa: S608 column names of our own
_READ_VERSIONS = f"""
select {", ".join(_EVENT)} from calendar_events
where tenant = $1 and key = $2 and ($3 = 0 or first_seen_ms <= $3) order by first_seen_ms, terminal limit $4
"""  # noqa: S608 column names of our own


async def keep(connection: Any, told: NewsKeep) -> NewsKept:
    """Each version once, for ever; the answer counts those that were new."""
    who, new = (told.tenant, told.terminal, told.received_ms), 0
    for item in told.news:
        new += (await connection.execute(_ADD_NEWS, *who, *rows.row_of(item))).endswith(" 1")
    for event in told.events:
        new += (await connection.execute(_ADD_EVENT, *who, *rows.row_of(event))).endswith(" 1")
    return NewsKept(new)


async def news(connection: Any, question: NewsQuestion) -> NewsFound:
    """Newest first."""
    found = await connection.fetch(
        _READ_NEWS,
        *(question.tenant, question.from_ms, question.to_ms, question.as_of_ms, question.source),
        min(question.limit, MAX_ROWS),
    )
    return NewsFound(tuple(rows.message_of(row, NewsItem) for row in found))


async def calendar(connection: Any, question: CalendarQuestion) -> CalendarFound:
    """Earliest first; with a key, what changed from version to version."""
    limit = min(question.limit, MAX_ROWS)
    if question.key:
        found = await connection.fetch(_READ_VERSIONS, question.tenant, question.key, question.as_of_ms, limit)
        return CalendarFound(_changes(tuple(rows.message_of(row, CalendarEvent) for row in found)))
    found = await connection.fetch(
        _READ_EVENTS,
        *(question.tenant, question.from_ms, question.to_ms, question.as_of_ms),
        *(question.currency, question.source, limit),
    )
    return CalendarFound(tuple(rows.message_of(row, CalendarEvent) for row in found))


def _changes(versions: tuple[CalendarEvent, ...]) -> tuple[CalendarEvent, ...]:
    """Without what a second PC saw as well: each differs from the one before it."""
    told: list[CalendarEvent] = []
    for each in versions:
        before = told[-1] if told else None
        if before is None or before != msgspec.structs.replace(
            each, first_seen_ms=before.first_seen_ms, version=before.version
        ):
            told.append(each)
    return tuple(told)
