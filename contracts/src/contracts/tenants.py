"""Tenants, their plans and what they used: the questions about them and the answers."""

from enum import StrEnum

import msgspec

from contracts.audit import AuditRecord
from contracts.rpc import DB, Method, Nothing

DEFAULT = "default"
"""The tenant that exists from the first start."""
MAX_DAYS = 400
"""No answer about usage spans more days."""


class TenantState(StrEnum):
    """Whether anything may be done for a tenant."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Its people, programs and terminals are refused and its signals stop; its data stays."""


class Tenant(msgspec.Struct, frozen=True):
    """An organisation on this platform. `plan` is a name of `kit.policy.PLANS`."""

    tenant: str
    display_name: str
    state: TenantState
    plan: str
    created_ms: int
    suspended_because: str = ""


class TenantAdd(msgspec.Struct, frozen=True):
    """A new tenant; `conflict` when there is one with this name."""

    wanted: Tenant
    audit: tuple[AuditRecord, ...] = ()


class TenantsQuestion(msgspec.Struct, frozen=True):
    """Find a tenant, or all of them (`*`)."""

    tenant: str = "*"


class Tenants(msgspec.Struct, frozen=True):
    """Tenants by name."""

    tenants: tuple[Tenant, ...]


class TenantChange(msgspec.Struct, frozen=True):
    """Change what is not None. Suspending ends every session of the tenant's people in the same transaction."""

    tenant: str
    now_ms: int
    state: TenantState | None = None
    because: str = ""
    """Why it is suspended."""
    plan: str | None = None
    audit: tuple[AuditRecord, ...] = ()


class TenantChanged(msgspec.Struct, frozen=True):
    """The tenant after it; None: there is none with this name."""

    tenant: Tenant | None


class Measure(StrEnum):
    """What is counted for a tenant and a day (UTC)."""

    TICKS = "ticks"
    """Stored."""
    ORDERS = "orders"
    """Made, without those that were denied."""
    SIGNALS = "signals"
    """Signed and handed on."""
    REQUESTS = "requests"
    """To the API, answered or refused after sign-in."""
    TERMINALS = "terminals"
    """Connected at the same time, at most."""


class UsageCount(msgspec.Struct, frozen=True):
    """What one run of a service has counted so far. Told again it replaces a smaller number, so nothing counts twice.

    `source` is the service and its start: another run has another one. `day` is the days since 1970 (UTC).
    """

    tenant: str
    day: int
    measure: Measure
    source: str
    amount: int


class UsageTold(msgspec.Struct, frozen=True):
    """Counts of one run of one service, of several tenants."""

    counts: tuple[UsageCount, ...]


class UsageQuestion(msgspec.Struct, frozen=True):
    """What a tenant (`*`: each) used, of the days `from_day` up to and without `to_day`."""

    tenant: str
    from_day: int
    to_day: int


class UsageDay(msgspec.Struct, frozen=True):
    """A day of a tenant. Amounts of today still grow."""

    tenant: str
    day: int
    ticks: int = 0
    orders: int = 0
    signals: int = 0
    requests: int = 0
    terminals: int = 0


class Usage(msgspec.Struct, frozen=True):
    """Days with anything in them, by tenant and day."""

    days: tuple[UsageDay, ...]


TENANT_ADD = Method(DB, "tenants.add", TenantAdd, Nothing)
TENANTS = Method(DB, "tenants.list", TenantsQuestion, Tenants)
TENANT_CHANGE = Method(DB, "tenants.change", TenantChange, TenantChanged)
USAGE_ADD = Method(DB, "usage.add", UsageTold, Nothing)
USAGE = Method(DB, "usage.read", UsageQuestion, Usage)
