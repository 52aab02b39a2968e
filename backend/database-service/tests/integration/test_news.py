"""News and events on a real PostgreSQL: each version once, nothing changed in place, and read as of a moment."""

from typing import Any

import pytest
from msgspec.structs import replace

from contracts.news import (
    CALENDAR,
    NEWS,
    NEWS_KEEP,
    CalendarEvent,
    CalendarQuestion,
    EventClock,
    NewsItem,
    NewsKeep,
    NewsQuestion,
)
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger

pytestmark = pytest.mark.integration
T = "default"
CPI = CalendarEvent("cpi", "ff", "CPI y/y", 1_000, 10, clock=EventClock.EXACT, currency="USD", forecast="2.7%")
NEWER = replace(CPI, forecast="2.8%", first_seen_ms=20, version=2)
TOLD = replace(CPI, forecast="2.8%", actual="2.9%", first_seen_ms=1_001, version=3)


@pytest.fixture
async def ledger(database):
    postgres = await Postgres.open(database, pool_min=1, pool_max=2, timeout_s=5, wait_s=5)
    await postgres.migrate(1)
    yield PostgresLedger(postgres)
    await postgres.close()


async def keep(ledger: PostgresLedger, *items: Any, tenant: str = T, terminal: str = "pc-1") -> int:
    news = tuple(i for i in items if isinstance(i, NewsItem))
    events = tuple(i for i in items if isinstance(i, CalendarEvent))
    return (await ledger.people.answer(NEWS_KEEP, NewsKeep(tenant, terminal, 99, news, events))).new


async def calendar(ledger: PostgresLedger, **asked: Any) -> list[CalendarEvent]:
    return list((await ledger.people.answer(CALENDAR, CalendarQuestion(asked.pop("tenant", T), **asked))).events)


async def news(ledger: PostgresLedger, **asked: Any) -> list[str]:
    found = await ledger.people.answer(NEWS, NewsQuestion(asked.pop("tenant", T), **asked))
    return [item.title for item in found.news]


async def test_the_same_version_told_again_is_stored_once(ledger):
    assert await keep(ledger, CPI, NEWER) == 2
    assert await keep(ledger, CPI, NEWER, TOLD) == 1
    assert await keep(ledger, CPI) == 0
    assert await calendar(ledger, key="cpi") == [CPI, NEWER, TOLD]


async def test_the_calendar_is_read_as_it_was_known_at_a_moment(ledger):
    await keep(ledger, CPI, NEWER, TOLD)
    assert await calendar(ledger) == [TOLD]
    assert await calendar(ledger, as_of_ms=500) == [NEWER]
    assert await calendar(ledger, as_of_ms=10) == [CPI]
    assert await calendar(ledger, as_of_ms=9) == []
    assert await calendar(ledger, key="cpi", as_of_ms=500) == [CPI, NEWER]


async def test_an_event_that_moved_is_found_where_it_is_now_and_where_it_was_then(ledger):
    moved = replace(CPI, at_ms=5_000, first_seen_ms=30, version=2)
    await keep(ledger, CPI, moved)
    assert await calendar(ledger, from_ms=1_000, to_ms=2_000) == []
    assert await calendar(ledger, from_ms=5_000, to_ms=5_001) == [moved]
    assert await calendar(ledger, from_ms=1_000, to_ms=2_000, as_of_ms=29) == [CPI]


async def test_what_two_pcs_saw_of_one_event_is_told_once(ledger):
    await keep(ledger, CPI, NEWER)
    await keep(ledger, replace(CPI, first_seen_ms=12), replace(NEWER, first_seen_ms=22), terminal="pc-2")
    assert [e.forecast for e in await calendar(ledger)] == ["2.8%"]
    assert [e.forecast for e in await calendar(ledger, key="cpi")] == ["2.7%", "2.8%"]


async def test_filters_and_tenants_are_kept_apart(ledger):
    await keep(ledger, CPI, replace(CPI, key="boe", currency="GBP", source="mql5"))
    await keep(ledger, replace(CPI, key="theirs"), tenant="other")
    assert [e.key for e in await calendar(ledger, currency="GBP")] == ["boe"]
    assert [e.key for e in await calendar(ledger, source="ff")] == ["cpi"]
    assert [e.key for e in await calendar(ledger, tenant="other")] == ["theirs"]
    assert len(await calendar(ledger, limit=1)) == 1


async def test_news_come_newest_first_and_undated_ones_by_when_they_were_seen(ledger):
    dated = NewsItem("a", "fed", "dated", 100, 300)
    undated = NewsItem("b", "fed", "undated", 0, 200)
    corrected = replace(dated, title="dated, corrected", first_seen_ms=400, version=2)
    assert await keep(ledger, dated, undated, corrected) == 3
    assert await news(ledger) == ["undated", "dated, corrected"]
    assert await news(ledger, as_of_ms=300) == ["undated", "dated"]
    assert await news(ledger, from_ms=150) == ["undated"]
    assert await news(ledger, to_ms=150) == ["dated, corrected"]
    assert await news(ledger, tenant="other") == []
