"""Orders and executions as files for a spreadsheet."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Stream

from api_gateway.domain.csv_table import table
from api_gateway.domain.views import execution_view, order_view
from api_gateway.routes.door import caller_of
from api_gateway.routes.market import AnyAccount, Limit, Market
from api_gateway.routes.schema import errors
from contracts.rpc import MAX_ROWS
from contracts.views import ExecutionView, OrderView

KIND = "text/csv; charset=utf-8; header=present"


def _file(name: str, kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> Stream:
    # an attachment: a browser saves it and never shows it as a page of ours
    return Stream(
        table(kind, rows), media_type=KIND, headers={"content-disposition": f'attachment; filename="{name}.csv"'}
    )


def export_routes(market: Market) -> list[HTTPRouteHandler]:
    """GET /api/v1/orders.csv and /api/v1/executions.csv."""

    @get("/api/v1/orders.csv", media_type=KIND, responses=errors(401, 404, 422, 503))
    async def orders_file(
        request: Request[Any, Any, Any],
        account: AnyAccount = "",
        open_only: FromQuery[bool] = False,
        limit: Limit = MAX_ROWS,
    ) -> Stream:
        """Orders as CSV, newest first. Texts that look like formulas have an apostrophe in front."""
        tenant = caller_of(request.scope).tenant
        await market.check_account(tenant, account)
        found = await market.store.orders(tenant, account, open_only, limit)
        return _file("orders", OrderView, [order_view(order) for order in found])

    @get("/api/v1/executions.csv", media_type=KIND, responses=errors(401, 404, 422, 503))
    async def executions_file(
        request: Request[Any, Any, Any], account: AnyAccount = "", limit: Limit = MAX_ROWS
    ) -> Stream:
        """What the terminals answered as CSV, newest first, as safe for a spreadsheet as the orders are."""
        tenant = caller_of(request.scope).tenant
        await market.check_account(tenant, account)
        found = await market.store.executions(tenant, account, limit)
        return _file("executions", ExecutionView, [execution_view(execution) for execution in found])

    return [orders_file, executions_file]
