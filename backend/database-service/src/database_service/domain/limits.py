"""Four eyes: what lowers a limit holds at once, what raises one waits for another person."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from contracts.limits import (
    MAX_OPEN,
    PROPOSAL_LIFE_MS,
    LimitProposal,
    LimitVerdict,
    LimitWish,
    ProposalState,
    RiskLimits,
)

MAX_SYMBOLS = 200
MAX_REASON = 500
_MOST_LOTS = Decimal(10) ** 6


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing happens: a word for programs and a sentence for people."""

    code: str
    reason: str


def raises(before: RiskLimits, after: RiskLimits | LimitProposal | LimitWish) -> bool:
    """Whether anything is allowed after it that was not before. No limit of its own allows more than any limit."""
    return (
        _above(before.max_volume, after.max_volume)
        or _above(before.max_orders_per_minute, after.max_orders_per_minute)
        or (
            bool(before.allowed_symbols)
            and (not after.allowed_symbols or bool(set(after.allowed_symbols) - set(before.allowed_symbols)))
        )
    )


def _above(before: Decimal | int | None, after: Decimal | int | None) -> bool:
    return before is not None and (after is None or after > before)


def _fault(wish: LimitWish) -> str:
    if wish.max_volume is not None and not (wish.max_volume.is_finite() and 0 <= wish.max_volume <= _MOST_LOTS):
        return f"max_volume must be 0 to {_MOST_LOTS} lots"
    if wish.max_orders_per_minute is not None and not 0 <= wish.max_orders_per_minute <= 100_000:
        return "max_orders_per_minute must be 0 to 100000"
    if len(wish.allowed_symbols) > MAX_SYMBOLS:
        return f"allowed_symbols has {len(wish.allowed_symbols)} names; {MAX_SYMBOLS} are allowed"
    if len(wish.because) > MAX_REASON:
        return f"because has {len(wish.because)} characters; {MAX_REASON} are allowed"
    return ""


def propose(wish: LimitWish, current: RiskLimits, waiting: int) -> LimitProposal | Refused:
    """The proposal: applied already when it raises nothing. `waiting` is how many of the tenant wait."""
    if fault := _fault(wish):
        return Refused("invalid", fault)
    if wish.based_on != current.version:
        return Refused("limits_changed", "The limits were changed meanwhile. Look at them and propose again.")
    same = (current.max_volume, current.max_orders_per_minute, frozenset(current.allowed_symbols))
    if same == (wish.max_volume, wish.max_orders_per_minute, frozenset(wish.allowed_symbols)):
        return Refused("nothing_changes", "These are the limits already.")
    waits = raises(current, wish)
    if waits and waiting >= MAX_OPEN:
        return Refused("too_many_proposals", f"{waiting} proposals wait already. Approve or reject some first.")
    return LimitProposal(
        wish.id,
        wish.tenant,
        wish.account,
        wish.max_volume,
        wish.max_orders_per_minute,
        tuple(sorted(set(wish.allowed_symbols))),
        wish.based_on,
        wish.because,
        ProposalState.WAITING if waits else ProposalState.APPLIED,
        wish.person,
        wish.name,
        wish.now_ms,
        wish.now_ms + PROPOSAL_LIFE_MS,
        *(("", "", 0) if waits else (wish.person, wish.name, wish.now_ms)),
    )


def approve(proposal: LimitProposal, current: RiskLimits, verdict: LimitVerdict) -> LimitProposal | Refused:
    """The proposal as applied; never by whoever made it, never after its time, never over other limits than it saw."""
    if refused := _over(proposal, verdict.now_ms):
        return refused
    if verdict.person in ("", proposal.proposed_by):
        return Refused("own_proposal", "You proposed this yourself. Another person must approve it.")
    if proposal.based_on != current.version:
        return Refused("limits_changed", "The limits were changed since this was proposed. Propose it again.")
    return _decided(proposal, ProposalState.APPLIED, verdict)


def reject(proposal: LimitProposal, verdict: LimitVerdict) -> LimitProposal | Refused:
    """The proposal as rejected; saying no is open to its proposer too."""
    return _over(proposal, verdict.now_ms) or _decided(proposal, ProposalState.REJECTED, verdict)


def _over(proposal: LimitProposal, now_ms: int) -> Refused | None:
    if proposal.state is not ProposalState.WAITING:
        return Refused("already_decided", f"This proposal is {proposal.state} already.")
    if now_ms >= proposal.expires_ms:
        return Refused("proposal_expired", "Nobody approved this within a day. Propose it again.")
    return None


def _decided(proposal: LimitProposal, state: ProposalState, verdict: LimitVerdict) -> LimitProposal:
    return msgspec.structs.replace(
        proposal, state=state, decided_by=verdict.person, decided_name=verdict.name, decided_ms=verdict.now_ms
    )


def applied(proposal: LimitProposal, current: RiskLimits) -> RiskLimits:
    """The limits once the proposal is applied."""
    names = dict.fromkeys((proposal.proposed_name, proposal.decided_name))
    return RiskLimits(
        proposal.tenant,
        proposal.account,
        proposal.max_volume,
        proposal.max_orders_per_minute,
        proposal.allowed_symbols,
        current.version + 1,
        proposal.decided_ms,
        " and ".join(names),
    )


def told(proposal: LimitProposal, current: RiskLimits) -> dict[str, str]:
    """The numbers for the audit trail: from, to, and who."""

    def text(value: object) -> str:
        return "none" if value is None or value == () else ",".join(value) if isinstance(value, tuple) else str(value)

    names = ("max_volume", "max_orders_per_minute", "allowed_symbols")
    changed = {n: (getattr(current, n), getattr(proposal, n)) for n in names}
    return {n: f"{text(old)} to {text(new)}" for n, (old, new) in changed.items() if old != new} | {
        "account": proposal.account or "every account",
        "proposed_by": proposal.proposed_name,
        "decided_by": proposal.decided_name,
        "because": proposal.because,
    }
