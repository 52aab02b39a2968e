"""Risk limits of tenants and accounts: what they are, and the questions that change them with four eyes."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from contracts.rpc import DB, Method

PROPOSAL_LIFE_MS = 86_400_000
"""A proposal that nobody approved for a day is over."""
MAX_OPEN = 20
"""Proposals of a tenant that wait at the same time."""


class RiskLimits(msgspec.Struct, frozen=True):
    """What an account may do, at most; an empty `account` is each account of the tenant.

    The strictest holds of: the operator's settings, the tenant's limits, the account's. `version` rises by one with
    each change and is 0 where nothing was ever set.
    """

    tenant: str
    account: str = ""
    max_volume: Decimal | None = None
    """Lots per order; None: no limit of its own."""
    max_orders_per_minute: int | None = None
    """Per account and strategy; None: no limit of its own."""
    allowed_symbols: tuple[str, ...] = ()
    """Only these are traded; empty: no limit of its own."""
    version: int = 0
    changed_ms: int = 0
    changed_by: str = ""
    """Names of who proposed and who approved."""


class ProposalState(StrEnum):
    """What became of a proposal."""

    WAITING = "waiting"
    """It raises something: another person must approve."""
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"


class LimitProposal(msgspec.Struct, frozen=True):
    """A wish for other limits. People are known by id, and by name for other people; times are UTC ms."""

    id: str
    tenant: str
    account: str
    max_volume: Decimal | None
    max_orders_per_minute: int | None
    allowed_symbols: tuple[str, ...]
    based_on: int
    """Version of the limits that the proposer saw; once they are others, it can't be approved any more."""
    because: str
    state: ProposalState
    proposed_by: str
    proposed_name: str
    proposed_ms: int
    expires_ms: int
    decided_by: str = ""
    decided_name: str = ""
    decided_ms: int = 0


class LimitsQuestion(msgspec.Struct, frozen=True):
    """The limits of a tenant (`*`: of all, for the engine)."""

    tenant: str


class LimitsFound(msgspec.Struct, frozen=True):
    """Every limit that was ever set."""

    limits: tuple[RiskLimits, ...]


class ProposalsQuestion(msgspec.Struct, frozen=True):
    """Proposals of a tenant, newest first."""

    tenant: str
    now_ms: int
    limit: int = 50


class Proposals(msgspec.Struct, frozen=True):
    """Proposals, newest first."""

    proposals: tuple[LimitProposal, ...]


class LimitWish(msgspec.Struct, frozen=True):
    """Propose other limits. `person` is the asker's id: it must be the one that the question is asked for."""

    id: str
    tenant: str
    account: str
    max_volume: Decimal | None
    max_orders_per_minute: int | None
    allowed_symbols: tuple[str, ...]
    based_on: int
    because: str
    person: str
    name: str
    now_ms: int


class LimitVerdict(msgspec.Struct, frozen=True):
    """Approve or reject a proposal. `person` as in `LimitWish`."""

    id: str
    tenant: str
    person: str
    name: str
    now_ms: int


class LimitOutcome(msgspec.Struct, frozen=True):
    """What came of it; `refused` is a word and `reason` a sentence when nothing did."""

    proposal: LimitProposal | None = None
    limits: RiskLimits | None = None
    """As they hold from now on, when they have changed."""
    refused: str = ""
    reason: str = ""


LIMITS = Method(DB, "limits.read", LimitsQuestion, LimitsFound)
PROPOSALS = Method(DB, "limits.proposals", ProposalsQuestion, Proposals)
LIMIT_PROPOSE = Method(DB, "limits.propose", LimitWish, LimitOutcome)
LIMIT_APPROVE = Method(DB, "limits.approve", LimitVerdict, LimitOutcome)
LIMIT_REJECT = Method(DB, "limits.reject", LimitVerdict, LimitOutcome)
