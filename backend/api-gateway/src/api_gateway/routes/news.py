"""News and the economic calendar, also as they were known at a moment."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api_gateway.ports import People
from api_gateway.routes.door import caller_of
from api_gateway.routes.schema import errors
from contracts.news import CALENDAR, NEWS, CalendarQuestion, NewsQuestion
from contracts.news_views import CalendarEventView, CalendarView, NewsItemView, NewsView
from kit.clock import Clock

MOST = 1_000
Stamp = Annotated[int, QueryParameter(ge=0, le=2**53, description="UTC ms; 0 leaves the limit out.")]
AsOf = Annotated[int, QueryParameter(ge=0, le=2**53, description="Only what was known at that moment, UTC ms; 0: now.")]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="At most this many.")]
Source = Annotated[str, QueryParameter(max_length=64, description="Name of a source; empty for all of them.")]
Currency = Annotated[str, QueryParameter(max_length=8, description="Such as USD; empty for all of them.")]
Key = Annotated[str, QueryParameter(max_length=64, description="Every version of this one event instead.")]


def news_routes(store: People, clock: Clock) -> list[HTTPRouteHandler]:
    """GET /api/v1/news and GET /api/v1/calendar."""

    @get("/api/v1/news", responses=errors(401, 422, 503))
    async def news(
        request: Request[Any, Any, Any],
        from_ms: Stamp = 0,
        to_ms: Stamp = 0,
        as_of_ms: AsOf = 0,
        source: Source = "",
        limit: Limit = 200,
    ) -> NewsView:
        """News of the tenant's collectors, newest first."""
        tenant = caller_of(request.scope).tenant
        found = await store.ask(NEWS, NewsQuestion(tenant, from_ms, to_ms, as_of_ms, source, limit))
        views = (
            NewsItemView(
                each.key, each.source, each.title, each.published_ms, each.first_seen_ms, each.version, each.link,
                each.summary, each.category,
            )
            for each in found.news
        )  # fmt: skip
        return NewsView(tuple(views), clock.now_ms())

    @get("/api/v1/calendar", responses=errors(401, 422, 503))
    async def calendar(
        request: Request[Any, Any, Any],
        from_ms: Stamp = 0,
        to_ms: Stamp = 0,
        as_of_ms: AsOf = 0,
        currency: Currency = "",
        source: Source = "",
        key: Key = "",
        limit: Limit = 500,
    ) -> CalendarView:
        """Events with from_ms <= time < to_ms, earliest first; with `key`, every version of one event."""
        tenant = caller_of(request.scope).tenant
        question = CalendarQuestion(tenant, from_ms, to_ms, as_of_ms, currency, source, key, limit)
        found = await store.ask(CALENDAR, question)
        views = (
            CalendarEventView(
                each.key, each.source, each.title, each.at_ms, each.clock.value, each.first_seen_ms, each.version,
                each.currency, each.impact, each.actual, each.forecast, each.previous, each.revised, each.link,
            )
            for each in found.events
        )  # fmt: skip
        return CalendarView(tuple(views), clock.now_ms())

    return [news, calendar]
