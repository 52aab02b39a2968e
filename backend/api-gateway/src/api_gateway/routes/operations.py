"""Health, metrics, services and policy reports: what operators and monitors ask."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, generate_latest

from api_gateway.domain.views import service_view
from api_gateway.ports import Hub
from api_gateway.routes.door import MAX_REPORT
from api_gateway.routes.fanout import Fanout
from api_gateway.routes.measures import Measures
from api_gateway.routes.schema import errors
from contracts.audit import DependencyHealth
from contracts.views import ServicesView
from kit import log
from kit.clock import Clock
from kit.errors import AnswerFault, BusUnavailable
from kit.health import HealthBook
from kit.limits import Limiter

LOGGED_PER_MINUTE = 10
"""Anyone may send policy reports: all are counted, few are logged."""

_log = log.get("operations")


class Live(msgspec.Struct, frozen=True):
    """The process answers."""

    service: str
    live: bool


class Ready(msgspec.Struct, frozen=True):
    """Whether everything the service needs answered its last probe."""

    service: str
    ready: bool
    dependencies: tuple[DependencyHealth, ...]


def health_routes(service: str, health: HealthBook, metrics: CollectorRegistry) -> list[HTTPRouteHandler]:
    """The same three pages as every service has."""

    @get("/health/live", responses=errors(403), security=[{}])
    async def live() -> Live:
        """The process answers."""
        return Live(service, True)

    @get("/health/ready", responses=errors(403), security=[{}])
    async def ready() -> Response[Ready]:
        """200 when every dependency answers its probe, 503 when one does not."""
        good = health.ready()
        return Response(Ready(service, good, health.dependencies()), status_code=200 if good else 503)

    @get("/metrics", responses=errors(403), security=[{}], media_type="text/plain; version=0.0.4; charset=utf-8")
    async def measured() -> bytes:
        """Prometheus' text format."""
        return generate_latest(metrics)

    return [live, ready, measured]


def operations_routes(hub: Hub, fanout: Fanout, clock: Clock, measures: Measures) -> list[HTTPRouteHandler]:
    """Services, and what browsers complain about."""
    pace = Limiter(LOGGED_PER_MINUTE)

    @get("/api/v1/services", responses=errors(401, 403))
    async def services() -> ServicesView:
        """Every service with its health; from heartbeats alone when the hub does not answer."""
        try:
            rows, reachable = await hub.services(), True
        except (BusUnavailable, AnswerFault):
            rows, reachable = tuple(fanout.heartbeats.rows(clock.now_ms())), False
        now_ms = clock.now_ms()
        return ServicesView(tuple(service_view(row, now_ms) for row in rows), reachable, now_ms)

    @post("/csp-report", status_code=204, responses=errors(413), security=[{}], request_max_body_size=MAX_REPORT)
    async def policy_report(request: Request[Any, Any, Any]) -> None:
        """A browser refused to do what a page asked for."""
        body = await request.body()
        measures.policy_violation()
        if not pace.wait_ms("", clock.now_ms()):
            _log.warning("policy_violation", report=body[:500].decode("utf-8", "replace"))

    return [services, policy_report]
