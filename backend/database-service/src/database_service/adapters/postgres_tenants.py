"""Tenants and what they used, in PostgreSQL."""

from typing import Any

from contracts.rpc import MAX_ROWS, Nothing
from contracts.tenants import (
    Tenant,
    TenantAdd,
    TenantChange,
    TenantChanged,
    Tenants,
    TenantsQuestion,
    TenantState,
    Usage,
    UsageDay,
    UsageQuestion,
    UsageTold,
)
from database_service.adapters import postgres_audit, rows
from database_service.ports import NotAdmitted
from kit.policy import Quota, over

_TENANT = rows.columns_of(Tenant)
_SELECT = f"select {', '.join(_TENANT)} from tenants"  # noqa: S608 our own names
_ROOMS = {Quota.USERS: "users where tenant = $1", Quota.API_KEYS: "api_keys where tenant = $1 and revoked_ms = 0"}
""" quota -> the rows that count """
DAY_MS = 86_400_000
_USED = """
with told as (
    select tenant, day, measure, case measure when 'terminals' then max(amount) else sum(amount) end as amount
    from usage_counts where ($1 = '*' or tenant = $1) and day >= $2 and day < $3 group by tenant, day, measure
    union all
    select tenant, created_ms / 86400000, 'orders', count(*)
    from orders where ($1 = '*' or tenant = $1) and state <> 'DENIED' and created_ms >= $4 and created_ms < $5
    group by 1, 2
    union all
    select tenant, expires_ms / 86400000, 'signals', count(*)
    from outbox where ($1 = '*' or tenant = $1) and expires_ms >= $4 and expires_ms < $5 group by 1, 2
)
select tenant, day, measure, amount::bigint as amount from told order by tenant, day limit $6
"""


async def admit(connection: Any, tenant: str, quota: Quota | None = None) -> None:
    """Raises NotAdmitted unless the tenant exists, is active and has room for one more. Others wait their turn."""
    row = await connection.fetchrow("select state, plan from tenants where tenant = $1 for update", tenant)
    if row is None:
        raise NotAdmitted("no_tenant", f"There is no tenant {tenant}. Add it first: aitrading tenant add {tenant}")
    if row["state"] != TenantState.ACTIVE:
        raise NotAdmitted("tenant_suspended", f"Tenant {tenant} is suspended. Resume it first.")
    if quota is not None:
        used = await connection.fetchval(f"select count(*) from {_ROOMS[quota]}", tenant)  # noqa: S608 our own names
        if denied := over(row["plan"], quota, used):
            raise NotAdmitted(denied.code, denied.reason)


async def add(connection: Any, wanted: TenantAdd) -> Nothing:
    """AlreadyTaken when there is one with this name."""
    await connection.execute(rows.insert("tenants", _TENANT), *rows.row_of(wanted.wanted))
    await postgres_audit.append(connection, wanted.audit)
    return Nothing()


async def tenants(connection: Any, question: TenantsQuestion) -> Tenants:
    """By name."""
    found = await connection.fetch(
        f"{_SELECT} where $1 = '*' or tenant = $1 order by tenant limit $2", question.tenant, MAX_ROWS
    )
    return Tenants(tuple(rows.message_of(row, Tenant) for row in found))


async def change(connection: Any, wish: TenantChange) -> TenantChanged:
    """State and plan; whoever is suspended has no sessions from now on."""
    changed: dict[str, str] = {}
    if wish.state is not None:
        changed |= {"state": wish.state.value, "suspended_because": wish.because}
    if wish.plan is not None:
        changed |= {"plan": wish.plan}
    assignments = "".join(f", {name} = ${i}" for i, name in enumerate(changed, 2))
    row = await connection.fetchrow(
        f"update tenants set tenant = tenant{assignments} where tenant = $1"  # noqa: S608 our own names
        f" returning {', '.join(_TENANT)}",
        *(wish.tenant, *changed.values()),
    )
    if row is None:
        return TenantChanged(None)
    if wish.state is TenantState.SUSPENDED:
        await connection.execute(
            "update sessions set ended_ms = $2, ended_because = 'tenant suspended' where tenant = $1 and ended_ms = 0",
            *(wish.tenant, wish.now_ms),
        )
    await postgres_audit.append(connection, wish.audit)
    return TenantChanged(rows.message_of(row, Tenant))


async def tell_usage(connection: Any, told: UsageTold) -> Nothing:
    """A count only grows: told again, late or twice, it changes nothing."""
    await connection.executemany(
        "insert into usage_counts (tenant, day, measure, source, amount) values ($1, $2, $3, $4, $5)"
        " on conflict (tenant, day, measure, source)"
        " do update set amount = greatest(usage_counts.amount, excluded.amount)",
        [rows.row_of(c) for c in sorted(told.counts, key=lambda c: (c.tenant, c.day, c.measure, c.source))],
    )
    return Nothing()


async def usage(connection: Any, question: UsageQuestion) -> Usage:
    """Orders and signals are counted where they are kept; the rest was told by those who saw it."""
    found = await connection.fetch(
        _USED,
        *(question.tenant, question.from_day, question.to_day),
        *(question.from_day * DAY_MS, question.to_day * DAY_MS, MAX_ROWS * 5),
    )
    days: dict[tuple[str, int], dict[str, int]] = {}
    for row in found:
        days.setdefault((row["tenant"], row["day"]), {})[row["measure"]] = row["amount"]
    return Usage(tuple(UsageDay(tenant, day, **amounts) for (tenant, day), amounts in sorted(days.items())))
