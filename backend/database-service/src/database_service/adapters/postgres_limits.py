"""Risk limits and the proposals that change them, in PostgreSQL: decided and written down in one transaction."""

from typing import Any

from contracts.audit import AuditRecord
from contracts.limits import (
    LimitOutcome,
    LimitProposal,
    LimitsFound,
    LimitsQuestion,
    LimitVerdict,
    LimitWish,
    Proposals,
    ProposalsQuestion,
    ProposalState,
    RiskLimits,
)
from contracts.rpc import DB, MAX_ROWS
from database_service.adapters import postgres_audit, rows
from database_service.domain import limits

_LIMITS = rows.columns_of(RiskLimits)
_PROPOSAL = rows.columns_of(LimitProposal)
_SELECT = f"select {', '.join(_PROPOSAL)} from limit_proposals"  # noqa: S608 our own names
_PUT = (
    rows.insert("risk_limits", _LIMITS)
    + " on conflict (tenant, account) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in _LIMITS[2:])
)
_OVER = "update limit_proposals set state = 'expired', decided_ms = $2"
_EXPIRE = f"{_OVER} where tenant = $1 and state = 'waiting' and expires_ms <= $2 returning {', '.join(_PROPOSAL)}"
NOT_FOUND = LimitOutcome(refused="not_found", reason="There is no such proposal.")


async def read(connection: Any, question: LimitsQuestion) -> LimitsFound:
    """Every limit that was set."""
    found = await connection.fetch(
        f"select {', '.join(_LIMITS)} from risk_limits where $1 = '*' or tenant = $1"  # noqa: S608 our own names
        " order by tenant, account limit $2",
        *(question.tenant, MAX_ROWS),
    )
    return LimitsFound(tuple(rows.message_of(row, RiskLimits) for row in found))


async def proposals(connection: Any, question: ProposalsQuestion) -> Proposals:
    """Newest first; those whose time is over are marked so."""
    await _expire(connection, question.tenant, question.now_ms)
    found = await connection.fetch(
        f"{_SELECT} where tenant = $1 order by proposed_ms desc, id limit $2",
        *(question.tenant, min(question.limit, MAX_ROWS)),
    )
    return Proposals(tuple(rows.message_of(row, LimitProposal) for row in found))


async def propose(connection: Any, wish: LimitWish) -> LimitOutcome:
    """Lowering is applied at once; the same wish twice is one."""
    await _take_turns(connection, wish.tenant)
    if (known := await _proposal(connection, wish.tenant, wish.id)) is not None:
        return LimitOutcome(known)
    await _expire(connection, wish.tenant, wish.now_ms)
    waiting = await connection.fetchval(
        "select count(*) from limit_proposals where tenant = $1 and state = 'waiting'", wish.tenant
    )
    current = await _current(connection, wish.tenant, wish.account)
    answer = limits.propose(wish, current, waiting)
    if isinstance(answer, limits.Refused):
        return LimitOutcome(refused=answer.code, reason=answer.reason)
    raised = limits.raises(current, answer)
    await connection.execute(rows.insert("limit_proposals", (*_PROPOSAL, "raises")), *rows.row_of(answer), raised)
    if answer.state is ProposalState.APPLIED:
        return await _apply(connection, answer, current)
    await _record(connection, "limits_proposed", answer, current, answer.proposed_ms)
    return LimitOutcome(answer)


async def approve(connection: Any, verdict: LimitVerdict) -> LimitOutcome:
    """By another person than the proposer."""
    found = await _waiting(connection, verdict)
    if found is None:
        return NOT_FOUND
    current = await _current(connection, found.tenant, found.account)
    answer = limits.approve(found, current, verdict)
    if isinstance(answer, limits.Refused):
        return LimitOutcome(found, refused=answer.code, reason=answer.reason)
    await _decide(connection, answer)
    return await _apply(connection, answer, current)


async def reject(connection: Any, verdict: LimitVerdict) -> LimitOutcome:
    """By anybody who may propose."""
    found = await _waiting(connection, verdict)
    if found is None:
        return NOT_FOUND
    answer = limits.reject(found, verdict)
    if isinstance(answer, limits.Refused):
        return LimitOutcome(found, refused=answer.code, reason=answer.reason)
    await _decide(connection, answer)
    current = await _current(connection, found.tenant, found.account)
    await _record(connection, "limits_rejected", answer, current, answer.decided_ms)
    return LimitOutcome(answer)


async def _take_turns(connection: Any, tenant: str) -> None:
    # one after the other in a tenant: the limits that are judged are those that are changed
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('limits ' || $1, 0))", tenant)


async def _waiting(connection: Any, verdict: LimitVerdict) -> LimitProposal | None:
    await _take_turns(connection, verdict.tenant)
    await _expire(connection, verdict.tenant, verdict.now_ms)
    return await _proposal(connection, verdict.tenant, verdict.id)


async def _proposal(connection: Any, tenant: str, identity: str) -> LimitProposal | None:
    row = await connection.fetchrow(f"{_SELECT} where tenant = $1 and id = $2", tenant, identity)
    return None if row is None else rows.message_of(row, LimitProposal)


async def _current(connection: Any, tenant: str, account: str) -> RiskLimits:
    row = await connection.fetchrow(
        f"select {', '.join(_LIMITS)} from risk_limits where tenant = $1 and account = $2",  # noqa: S608 our own names
        *(tenant, account),
    )
    return RiskLimits(tenant, account) if row is None else rows.message_of(row, RiskLimits)


async def _decide(connection: Any, decided: LimitProposal) -> None:
    await connection.execute(
        "update limit_proposals set state = $3, decided_by = $4, decided_name = $5, decided_ms = $6"
        " where tenant = $1 and id = $2",
        *(decided.tenant, decided.id, decided.state, decided.decided_by, decided.decided_name, decided.decided_ms),
    )


async def _apply(connection: Any, proposal: LimitProposal, current: RiskLimits) -> LimitOutcome:
    after = limits.applied(proposal, current)
    await connection.execute(_PUT, *rows.row_of(after))
    kind = "limits_raised" if limits.raises(current, proposal) else "limits_lowered"
    await _record(connection, kind, proposal, current, proposal.decided_ms)
    return LimitOutcome(proposal, after)


async def _expire(connection: Any, tenant: str, now_ms: int) -> None:
    over = await connection.fetch(_EXPIRE, tenant, now_ms)
    for row in over:
        proposal = rows.message_of(row, LimitProposal)
        current = await _current(connection, tenant, proposal.account)
        await _record(connection, "limits_proposal_expired", proposal, current, now_ms)


async def _record(connection: Any, kind: str, proposal: LimitProposal, current: RiskLimits, at_ms: int) -> None:
    detail = limits.told(proposal, current)
    record = AuditRecord(f"{proposal.id}-{kind}", proposal.tenant, at_ms, DB, kind, proposal.id, detail)
    await postgres_audit.append(connection, [record])
