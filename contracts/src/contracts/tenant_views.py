"""What the browser sees of risk limits and of what its tenant used."""

from decimal import Decimal

import msgspec


class LimitsView(msgspec.Struct, frozen=True):
    """What an account may do, at most; an empty `account` is each account. The strictest of the operator's settings,
    the tenant's limits and the account's holds; null and an empty list: no limit of its own."""

    account: str
    max_volume: Decimal | None
    max_orders_per_minute: int | None
    allowed_symbols: tuple[str, ...]
    version: int
    changed_ms: int
    changed_by: str


class LimitProposalView(msgspec.Struct, frozen=True):
    """A wish for other limits. `state`: waiting, applied, rejected, expired. `own`: by the one who asks."""

    id: str
    account: str
    max_volume: Decimal | None
    max_orders_per_minute: int | None
    allowed_symbols: tuple[str, ...]
    because: str
    state: str
    proposed_by: str
    proposed_ms: int
    expires_ms: int
    decided_by: str
    decided_ms: int
    own: bool


class RiskLimitsView(msgspec.Struct, frozen=True):
    """GET /api/v1/limits: what holds, and the newest proposals."""

    limits: tuple[LimitsView, ...]
    proposals: tuple[LimitProposalView, ...]
    server_ms: int


class LimitsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/limits: all three as they shall be. What raises one of them waits for another person.

    `based_on` is the `version` that was seen; 0 where nothing was ever set.
    """

    account: str
    max_volume: str | None
    """Lots, as a decimal string; the gateway reads it, because a decoder would take a number as well."""
    max_orders_per_minute: int | None
    allowed_symbols: tuple[str, ...]
    based_on: int
    because: str = ""


class UsageDayView(msgspec.Struct, frozen=True):
    """A day (UTC, `2026-11-23`); amounts of today still grow."""

    day: str
    ticks: int
    orders: int
    signals: int
    requests: int
    terminals: int


class UsageView(msgspec.Struct, frozen=True):
    """GET /api/v1/usage: the tenant's plan with what it limits, and its last days, oldest first."""

    plan: str
    quotas: dict[str, int]
    days: tuple[UsageDayView, ...]
