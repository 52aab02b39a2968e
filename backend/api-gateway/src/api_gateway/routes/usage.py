"""What a tenant used, and what its plan allows."""

import asyncio
import datetime
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api_gateway.domain.quotas import DAY_MS, Quotas
from api_gateway.ports import People
from api_gateway.routes.door import caller_of
from api_gateway.routes.schema import errors
from contracts.tenant_views import UsageDayView, UsageView
from contracts.tenants import MAX_DAYS, TENANTS, USAGE, TenantsQuestion, UsageQuestion
from kit import log
from kit.clock import Clock
from kit.errors import AnswerFault, BusUnavailable
from kit.policy import PLANS

READ_EVERY_S = 10.0
Days = Annotated[int, QueryParameter(ge=1, le=MAX_DAYS, description="So many days up to today.")]

_log = log.get("usage")


@dataclass(slots=True)
class PlanReader:
    """Keeps `quotas` in line with the store."""

    store: People
    quotas: Quotas
    clock: Clock

    async def read(self) -> None:
        """Plans of all tenants; today's orders where a plan limits them."""
        found = (await self.store.ask(TENANTS, TenantsQuestion())).tenants
        self.quotas.plans = {tenant.tenant: tenant.plan for tenant in found}
        if self.quotas.limited():
            now_ms = self.clock.now_ms()
            today = now_ms // DAY_MS
            for day in (await self.store.ask(USAGE, UsageQuestion("*", today, today + 1))).days:
                self.quotas.stored_orders(day.tenant, day.orders, now_ms)

    async def keep(self) -> None:
        """The same again and again."""
        while True:
            try:
                await self.read()
            except (BusUnavailable, AnswerFault) as error:
                _log.warning("plans_not_read", error=str(error))
            await asyncio.sleep(READ_EVERY_S)


def usage_routes(store: People, quotas: Quotas, clock: Clock) -> list[HTTPRouteHandler]:
    """GET /api/v1/usage."""

    @get("/api/v1/usage", responses=errors(401, 403, 422, 503))
    async def usage(request: Request[Any, Any, Any], days: Days = 31) -> UsageView:
        """The last days of the caller's tenant, oldest first, and what its plan allows."""
        tenant = caller_of(request.scope).tenant
        after = clock.now_ms() // DAY_MS + 1
        found = (await store.ask(USAGE, UsageQuestion(tenant, after - days, after))).days
        plan = quotas.plan_of(tenant)
        views = (
            UsageDayView(_date(each.day), each.ticks, each.orders, each.signals, each.requests, each.terminals)
            for each in found
        )
        return UsageView(plan, {quota.value: number for quota, number in PLANS.get(plan, {}).items()}, tuple(views))

    return [usage]


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()
