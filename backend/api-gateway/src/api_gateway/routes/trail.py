"""A tenant's own audit trail: what happened, who did it, and who looked at it from outside."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api_gateway.ports import Store
from api_gateway.routes.door import caller_of
from api_gateway.routes.schema import errors
from contracts.views import TrailRow, TrailView
from kit.clock import Clock

MAX_RECORDS = 1_000
After = Annotated[int, QueryParameter(ge=0, description="Records beyond this position, oldest first.")]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_RECORDS, description="At most this many.")]


def trail_routes(store: Store, clock: Clock) -> list[HTTPRouteHandler]:
    """What auditors and administrators read of their own tenant."""

    @get("/api/v1/audit", responses=errors(400, 401, 403, 503))
    async def audit(request: Request[Any, Any, Any], after: After = 0, limit: Limit = 200) -> TrailView:
        """The audit trail, with the hash of each record; the reading is recorded as well."""
        caller = caller_of(request.scope)
        found = await store.trail(caller.tenant, caller.name, after, limit)
        rows = tuple(
            TrailRow(
                chained.position,
                chained.record.at_ms,
                chained.record.service,
                chained.record.kind,
                chained.record.subject,
                chained.record.detail,
                chained.record.correlation_id,
                chained.hash.hex(),
            )
            for chained in found
        )
        return TrailView(rows, clock.now_ms())

    return [audit]
