"""Market data: symbols, ticks and bars."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from api_gateway.domain.refusals import NOT_FOUND, RefusedError
from api_gateway.domain.views import bar_views, tick_views
from api_gateway.ports import Store
from api_gateway.routes.door import caller_of
from api_gateway.routes.fanout import Fanout
from api_gateway.routes.schema import errors
from contracts.accounts import AccountState
from contracts.bars import Timeframe
from contracts.rpc import MAX_ROWS, BarsQuestion, TicksQuestion
from contracts.views import BarsView, SymbolsView, TicksView
from kit.clock import Clock

Account = Annotated[str, QueryParameter(min_length=1, max_length=32, description="The account's login.")]
AnyAccount = Annotated[str, QueryParameter(max_length=32, description="The account's login; empty for all accounts.")]
Symbol = Annotated[str, QueryParameter(min_length=1, max_length=32, description="The symbol as the terminal names it.")]
Stamp = Annotated[int, QueryParameter(ge=0, le=2**53, description="UTC ms; 0 leaves the limit out.")]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_ROWS, description="At most this many.")]


@dataclass(slots=True)
class Market:
    """What the reading routes share."""

    store: Store
    fanout: Fanout
    clock: Clock

    async def accounts(self, tenant: str) -> dict[str, AccountState]:
        """Accounts of a tenant: from memory, once that is known to be whole."""
        if self.fanout.accounts_known:
            return self.fanout.picture(tenant).accounts
        for state in await self.store.accounts(tenant):
            self.fanout.recall_account(state)
        return self.fanout.picture(tenant).accounts

    async def check_account(self, tenant: str, account: str) -> None:
        """RefusedError when the tenant has no such account; another tenant's account is no different from none."""
        if account and account not in await self.accounts(tenant):
            raise RefusedError(NOT_FOUND)

    async def check_symbol(self, tenant: str, account: str, symbol: str) -> None:
        """RefusedError when the tenant's account has no such symbol."""
        picture, key = self.fanout.picture(tenant), (account, symbol)
        if key in picture.board.quotes or key in picture.instruments:
            return
        if not any((row.account, row.symbol) == key for row in await self.store.symbols(tenant)):
            raise RefusedError(NOT_FOUND)


def market_routes(market: Market) -> list[HTTPRouteHandler]:
    """Everything a chart needs."""

    @get("/api/v1/symbols", responses=errors(401, 503))
    async def symbols(request: Request[Any, Any, Any]) -> SymbolsView:
        """The watch list: every symbol with its newest quote."""
        tenant = caller_of(request.scope).tenant
        await market.accounts(tenant)
        stored = await market.store.symbols(tenant)
        return SymbolsView(market.fanout.picture(tenant).symbols(stored), market.clock.now_ms())

    @get("/api/v1/ticks", responses=errors(401, 404, 422, 503))
    async def ticks(
        request: Request[Any, Any, Any],
        account: Account,
        symbol: Symbol,
        from_ms: Stamp = 0,
        to_ms: Stamp = 0,
        limit: Limit = 1_000,
    ) -> TicksView:
        """Stored ticks with from_ms <= time < to_ms; without both limits the newest."""
        tenant = caller_of(request.scope).tenant
        await market.check_symbol(tenant, account, symbol)
        batch = await market.store.ticks(TicksQuestion(tenant, account, symbol, from_ms, to_ms, limit))
        return TicksView(symbol, tick_views(batch))

    @get("/api/v1/bars", responses=errors(401, 404, 422, 503))
    async def bars(
        request: Request[Any, Any, Any],
        account: Account,
        symbol: Symbol,
        timeframe: FromQuery[Timeframe] = Timeframe.M1,
        to_ms: Stamp = 0,
        limit: Limit = 500,
    ) -> BarsView:
        """The newest bars that opened before to_ms, oldest first."""
        tenant = caller_of(request.scope).tenant
        await market.check_symbol(tenant, account, symbol)
        found = await market.store.bars(BarsQuestion(tenant, account, symbol, timeframe, to_ms, limit))
        return BarsView(symbol, timeframe.value, bar_views(found))

    return [symbols, ticks, bars]
