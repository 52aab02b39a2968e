"""Accounts, positions, orders, executions, and the commands of people."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, HeaderParameter, JSONBody

from api_gateway.domain.access import Caller
from api_gateway.domain.commands import KEY, KEY_REFUSED, KeyMemory, body_of, command_id, denied_command
from api_gateway.domain.quotas import Quotas
from api_gateway.domain.refusals import Refusal, RefusedError, too_many
from api_gateway.domain.views import account_view, execution_view, order_view
from api_gateway.ports import Journal
from api_gateway.routes.door import caller_of
from api_gateway.routes.market import AnyAccount, Limit, Market
from api_gateway.routes.schema import errors
from contracts.accounts import PriceSource
from contracts.commands import Command, CommandBody, LimitsChanged, PauseTrading, PlaceOrder, ResumeTrading
from contracts.views import (
    AccountsView,
    CommandAccepted,
    CommandRequest,
    ExecutionsView,
    OrdersView,
    PositionsView,
    PositionView,
)
from kit import log
from kit.limits import Limiter
from kit.policy import State

COMMANDS_PER_MINUTE = 120


@dataclass(slots=True)
class Desk:
    """Takes commands: checked, noted, written into the audit trail, handed on."""

    market: Market
    journal: Journal
    keys: KeyMemory = field(default_factory=KeyMemory)
    quotas: Quotas = field(default_factory=Quotas)
    pace: Limiter = field(default_factory=lambda: Limiter(COMMANDS_PER_MINUTE))

    async def take(self, caller: Caller, key: str, request: CommandRequest) -> str:
        """The command's id once the platform has it; RefusedError or BusUnavailable otherwise."""
        if KEY.fullmatch(key) is None:
            raise RefusedError(KEY_REFUSED)
        body = body_of(request)
        if isinstance(body, Refusal):
            raise RefusedError(body)
        if isinstance(body, PlaceOrder):
            await self.market.check_account(caller.tenant, body.account)
            await self.market.check_symbol(caller.tenant, body.account, body.symbol)
        now_ms = self.market.clock.now_ms()
        if refusal := denied_command(caller, body, await self.states(caller.tenant, body), now_ms):
            raise RefusedError(refusal)
        if wait_ms := self.pace.wait_ms(f"{caller.tenant} {caller.name}", now_ms):
            raise RefusedError(too_many("commands", -(-wait_ms // 1000)))
        identity = command_id(caller.tenant, caller.name, key)
        given = self.keys.note(identity, body, now_ms)
        if isinstance(given, Refusal):
            raise RefusedError(given)
        if not given.stored:
            # closing is never one too many
            opens = isinstance(body, PlaceOrder) and not body.position
            if opens and (refusal := self.quotas.order(caller.tenant, now_ms)):
                raise RefusedError(refusal)
            # what can't be written down is not done; new risk is not let in again unless the store has it in writing,
            # while stopping must never wait for a store
            write = self.journal.record if isinstance(body, ResumeTrading) else self.journal.audit
            await write(caller.tenant, "command_given", identity, _detail(caller, body), f"given-{identity}")
            correlation = log.correlation.get()
            command = Command(identity, caller.tenant, caller.name, given.given_ms, body, correlation)
            await self.journal.command(command, caller.subject())
            given.stored = True
        return identity

    async def states(self, tenant: str, body: CommandBody) -> frozenset[State]:
        """What the policy has to know about the moment and the account."""
        found = {State.TRADING_PAUSED} if self.market.fanout.paused(tenant) else set()
        if isinstance(body, PlaceOrder):
            account = (await self.market.accounts(tenant)).get(body.account)
            if account is not None and account.source is PriceSource.LIVE:
                found.add(State.ACCOUNT_LIVE)
        return frozenset(found)


def _detail(caller: Caller, body: CommandBody) -> dict[str, str]:
    detail = {"by": caller.name, "role": caller.role}
    if isinstance(body, PlaceOrder):
        return detail | {
            "kind": "place_order",
            "account": body.account,
            "symbol": body.symbol,
            "side": body.side.value,
            "volume": str(body.volume),
            "position": str(body.position),
        }
    if isinstance(body, LimitsChanged):
        return detail | {"kind": "limits_changed", "account": body.account}
    return detail | {"kind": "pause" if isinstance(body, PauseTrading) else "resume", "reason": body.reason}


def trading_routes(market: Market, desk: Desk) -> list[HTTPRouteHandler]:
    """Everything a trader sees and does."""

    @get("/api/v1/accounts", responses=errors(401, 503))
    async def accounts(request: Request[Any, Any, Any]) -> AccountsView:
        """Every account as its terminal last reported it."""
        states = await market.accounts(caller_of(request.scope).tenant)
        return AccountsView(tuple(account_view(states[name]) for name in sorted(states)), market.clock.now_ms())

    @get("/api/v1/positions", responses=errors(401, 404, 422, 503))
    async def positions(request: Request[Any, Any, Any], account: AnyAccount = "") -> PositionsView:
        """Open positions."""
        tenant = caller_of(request.scope).tenant
        await market.check_account(tenant, account)
        states = await market.accounts(tenant)
        wanted = [account] if account else sorted(states)
        return PositionsView(tuple(PositionView(name, p) for name in wanted for p in states[name].positions))

    @get("/api/v1/orders", responses=errors(401, 404, 422, 503))
    async def orders(
        request: Request[Any, Any, Any],
        account: AnyAccount = "",
        open_only: FromQuery[bool] = False,
        limit: Limit = 200,
    ) -> OrdersView:
        """Orders, newest first."""
        tenant = caller_of(request.scope).tenant
        await market.check_account(tenant, account)
        found = await market.store.orders(tenant, account, open_only, limit)
        return OrdersView(tuple(order_view(order) for order in found))

    @get("/api/v1/executions", responses=errors(401, 404, 422, 503))
    async def executions(
        request: Request[Any, Any, Any], account: AnyAccount = "", limit: Limit = 200
    ) -> ExecutionsView:
        """What the terminals answered, newest first."""
        tenant = caller_of(request.scope).tenant
        await market.check_account(tenant, account)
        found = await market.store.executions(tenant, account, limit)
        return ExecutionsView(tuple(execution_view(execution) for execution in found))

    @post("/api/v1/commands", status_code=202, responses=errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 503))
    async def give_command(
        request: Request[Any, Any, Any],
        data: JSONBody[CommandRequest],
        key: Annotated[
            str,
            HeaderParameter(name="Idempotency-Key", description="New for each command; the same twice is one command."),
        ] = "",
    ) -> CommandAccepted:
        """Place an order, pause or resume trading."""
        return CommandAccepted(await desk.take(caller_of(request.scope), key, data))

    return [accounts, positions, orders, executions, give_command]
