"""News and the calendar over the API: the caller's tenant and no other, as of a moment, as plain text."""

import pytest
from gateway_world import World

from contracts.news import CalendarEvent, CalendarQuestion, EventClock, NewsItem, NewsQuestion


async def test_news_of_the_own_tenant_come_with_what_was_known_when(world: World) -> None:
    world.platform.news.news = {
        "default": [NewsItem("k", "fed", "Rates stay", 5, 7, 2, "https://a.b/1", "As expected", "Policy")],
        "other": [NewsItem("x", "fed", "Not for you", 5, 7)],
    }
    answer = await world.http.get("/api/v1/news", params={"as_of_ms": 9, "limit": 3}, headers=world.bearer())
    assert answer.status_code == 200
    assert answer.json()["news"] == [
        {
            "key": "k", "source": "fed", "title": "Rates stay", "published_ms": 5, "first_seen_ms": 7, "version": 2,
            "link": "https://a.b/1", "summary": "As expected", "category": "Policy",
        }
    ]  # fmt: skip
    assert world.platform.news.asked == [NewsQuestion("default", as_of_ms=9, limit=3)]


async def test_the_calendar_is_asked_with_its_filters(world: World) -> None:
    event = CalendarEvent("k", "ff", "CPI", 5, 6, clock=EventClock.ALL_DAY, currency="USD", forecast="2.7%")
    world.platform.news.events = {"default": [event]}
    filters = {"from_ms": 1, "to_ms": 9, "currency": "USD", "key": "k"}
    answer = await world.http.get("/api/v1/calendar", params=filters, headers=world.bearer("auditor"))
    (shown,) = answer.json()["events"]
    assert (shown["clock"], shown["forecast"], shown["actual"]) == ("all_day", "2.7%", "")
    assert world.platform.news.asked == [CalendarQuestion("default", 1, 9, currency="USD", key="k")]


@pytest.mark.parametrize(
    "wrong", [{"limit": "0"}, {"limit": "5000"}, {"from_ms": "-1"}, {"as_of_ms": "soon"}, {"source": "x" * 65}]
)
async def test_a_question_out_of_range_is_refused_before_the_store_is_asked(world: World, wrong) -> None:
    assert (await world.http.get("/api/v1/news", params=wrong, headers=world.bearer())).status_code == 422
    assert world.platform.news.asked == []
