"""Risk limits with four eyes: anybody trusted lowers them at once, raising needs another person."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from api_gateway.domain.access import Caller
from api_gateway.domain.refusals import NOT_FOUND, Refusal, RefusedError, invalid
from api_gateway.ports import Journal, People
from api_gateway.routes.door import caller_of
from api_gateway.routes.market import Market
from api_gateway.routes.schema import errors
from contracts.commands import Command, LimitsChanged
from contracts.limits import (
    LIMIT_APPROVE,
    LIMIT_PROPOSE,
    LIMIT_REJECT,
    LIMITS,
    PROPOSALS,
    LimitOutcome,
    LimitProposal,
    LimitsQuestion,
    LimitVerdict,
    LimitWish,
    ProposalsQuestion,
)
from contracts.subjects import SYMBOL
from contracts.tenant_views import LimitProposalView, LimitsView, LimitsWish, RiskLimitsView
from kit import log
from kit.errors import BusUnavailable

LOTS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,8})?")

_log = log.get("limits")


@dataclass(slots=True)
class LimitDesk:
    """What the routes share."""

    market: Market
    store: People
    journal: Journal

    async def after(self, caller: Caller, outcome: LimitOutcome) -> LimitProposalView:
        """The proposal as it is now; the engine is told when limits have changed. RefusedError when nothing did."""
        if outcome.refused or outcome.proposal is None:
            raise RefusedError(_refusal(outcome))
        if outcome.limits is not None:
            identity = f"limits-{outcome.proposal.id}"
            now_ms = self.market.clock.now_ms()
            body = LimitsChanged(outcome.proposal.account)
            command = Command(identity, caller.tenant, caller.name, now_ms, body, log.correlation.get())
            try:
                await self.journal.command(command, caller.subject())
            except BusUnavailable as error:
                # the store has it: the engine reads there by itself twice a minute
                _log.warning("limits_not_told", error=str(error))
        return _view(outcome.proposal, caller)


def _refusal(outcome: LimitOutcome) -> Refusal:
    if outcome.refused == "not_found":
        return NOT_FOUND
    if outcome.refused == "invalid":
        return invalid(outcome.reason)
    return Refusal(409, outcome.refused, outcome.reason)


def _view(proposal: LimitProposal, caller: Caller) -> LimitProposalView:
    return LimitProposalView(
        proposal.id,
        proposal.account,
        proposal.max_volume,
        proposal.max_orders_per_minute,
        proposal.allowed_symbols,
        proposal.because,
        proposal.state.value,
        proposal.proposed_name,
        proposal.proposed_ms,
        proposal.expires_ms,
        proposal.decided_name,
        proposal.decided_ms,
        proposal.proposed_by == caller.user_id,
    )


def limit_routes(desk: LimitDesk) -> list[HTTPRouteHandler]:
    """Everything under /api/v1/limits."""

    @get("/api/v1/limits", responses=errors(401, 403, 503))
    async def limits(request: Request[Any, Any, Any]) -> RiskLimitsView:
        """What holds, and the newest proposals."""
        caller = caller_of(request.scope)
        now_ms = desk.market.clock.now_ms()
        held = (await desk.store.ask(LIMITS, LimitsQuestion(caller.tenant))).limits
        found = (await desk.store.ask(PROPOSALS, ProposalsQuestion(caller.tenant, now_ms))).proposals
        views = (
            LimitsView(
                each.account,
                each.max_volume,
                each.max_orders_per_minute,
                each.allowed_symbols,
                each.version,
                each.changed_ms,
                each.changed_by,
            )
            for each in held
        )
        return RiskLimitsView(tuple(views), tuple(_view(each, caller) for each in found), now_ms)

    @post("/api/v1/limits", responses=errors(400, 401, 403, 404, 409, 413, 415, 422, 503))
    async def propose(request: Request[Any, Any, Any], data: JSONBody[LimitsWish]) -> LimitProposalView:
        """Propose other limits: applied at once when nothing is raised, else waiting for another person."""
        caller = caller_of(request.scope)
        await desk.market.check_account(caller.tenant, data.account)
        if any(SYMBOL.fullmatch(symbol) is None for symbol in data.allowed_symbols):
            raise RefusedError(invalid("A symbol is not spelled as terminals spell theirs."))
        if data.max_volume is not None and LOTS.fullmatch(data.max_volume) is None:
            raise RefusedError(invalid('The most lots are a decimal string, such as "0.5".'))
        wish = LimitWish(
            log.new_correlation_id(),
            caller.tenant,
            data.account,
            None if data.max_volume is None else Decimal(data.max_volume),
            data.max_orders_per_minute,
            data.allowed_symbols,
            data.based_on,
            data.because,
            caller.user_id,
            caller.name,
            desk.market.clock.now_ms(),
        )
        return await desk.after(caller, await desk.store.ask(LIMIT_PROPOSE, wish))

    @post("/api/v1/limits/{proposal_id:str}/approve", status_code=200, responses=errors(401, 403, 404, 409, 503))
    async def approve(request: Request[Any, Any, Any], proposal_id: FromPath[str]) -> LimitProposalView:
        """Approve what another person proposed. Needs a fresh proof of who you are."""
        caller = caller_of(request.scope)
        return await desk.after(caller, await desk.store.ask(LIMIT_APPROVE, _verdict(caller, proposal_id, desk)))

    @post("/api/v1/limits/{proposal_id:str}/reject", status_code=200, responses=errors(401, 403, 404, 409, 503))
    async def reject(request: Request[Any, Any, Any], proposal_id: FromPath[str]) -> LimitProposalView:
        """Say no; to one's own proposal too."""
        caller = caller_of(request.scope)
        return await desk.after(caller, await desk.store.ask(LIMIT_REJECT, _verdict(caller, proposal_id, desk)))

    return [limits, propose, approve, reject]


def _verdict(caller: Caller, proposal_id: str, desk: LimitDesk) -> LimitVerdict:
    return LimitVerdict(proposal_id, caller.tenant, caller.user_id, caller.name, desk.market.clock.now_ms())
