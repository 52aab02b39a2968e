"""Tenants, plans and usage on a real PostgreSQL."""

from typing import Any

import pytest

from contracts import people
from contracts.audit import AuditRecord
from contracts.orders import Order, OrderState
from contracts.people import ApiKey, SessionKind, SessionRow
from contracts.proof import TrailQuestion
from contracts.rpc import Commit, User
from contracts.tenants import (
    TENANT_ADD,
    TENANT_CHANGE,
    TENANTS,
    USAGE,
    USAGE_ADD,
    Measure,
    Tenant,
    TenantState,
    UsageCount,
    UsageDay,
)
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from database_service.ports import AlreadyTaken, NotAdmitted

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


@pytest.fixture
async def ledger(database):
    postgres = await Postgres.open(database, pool_min=1, pool_max=6, timeout_s=5, wait_s=5)
    await postgres.migrate(1)
    yield PostgresLedger(postgres)
    await postgres.close()


async def ask(ledger: PostgresLedger, method: Any, *fields: Any, **named: Any) -> Any:
    return await ledger.people.answer(method, method.question(*fields, **named))


async def add(ledger: PostgresLedger, name: str = "acme", plan: str = "starter") -> None:
    await ask(ledger, TENANT_ADD, Tenant(name, name.title(), TenantState.ACTIVE, plan, 5), record("added", name))


def record(identity: str, tenant: str = "acme") -> tuple[AuditRecord, ...]:
    return (AuditRecord(identity, tenant, 5, "operator", "tenant_changed", tenant, {}),)


def user(number: int, tenant: str = "acme") -> User:
    return User(f"u{number}", tenant, f"ann{number}", "trader", "$argon2id$", False, 1)


async def test_the_tenant_default_exists_from_the_first_start_and_has_no_quota(ledger):
    (found,) = (await ask(ledger, TENANTS)).tenants
    assert (found.tenant, found.state, found.plan) == ("default", TenantState.ACTIVE, "unlimited")
    for number in range(30):
        await ledger.add_user(user(number, "default"))


async def test_a_tenant_is_added_once_and_written_down(ledger):
    await add(ledger)
    with pytest.raises(AlreadyTaken):
        await add(ledger)
    assert [t.tenant for t in (await ask(ledger, TENANTS)).tenants] == ["acme", "default"]
    assert [c.record.id for c in await ledger.trail(TrailQuestion("acme"), None)] == ["added"]


async def test_nobody_is_added_to_a_tenant_that_does_not_exist_or_is_suspended(ledger):
    with pytest.raises(NotAdmitted, match="no tenant acme") as refused:
        await ledger.add_user(user(1))
    assert refused.value.code == "no_tenant"
    await add(ledger)
    await ledger.add_user(user(1))
    await ask(ledger, TENANT_CHANGE, "acme", 9, TenantState.SUSPENDED, "unpaid")
    with pytest.raises(NotAdmitted) as refused:
        await ledger.add_user(user(2))
    assert refused.value.code == "tenant_suspended"
    key = ApiKey("k1", "acme", "u1", "bot", b"h1", "read", "", 1, 10**13)
    with pytest.raises(NotAdmitted):
        await ask(ledger, people.API_KEY_ADD, key)
    await ask(ledger, TENANT_CHANGE, "acme", 9, TenantState.ACTIVE)
    await ledger.add_user(user(2))


async def test_a_plan_that_is_used_up_says_its_number_and_the_same_person_again_is_no_second_one(ledger):
    await add(ledger)
    for number in (1, 2, 3, 3):
        await ledger.add_user(user(number))
    with pytest.raises(NotAdmitted, match="'starter' allows 3 people") as refused:
        await ledger.add_user(user(4))
    assert refused.value.code == "quota_exceeded"
    await ask(ledger, TENANT_CHANGE, "acme", 9, plan="team")
    await ledger.add_user(user(4))


async def test_who_is_suspended_has_no_session_any_more_and_nobody_else_loses_one(ledger):
    await add(ledger)
    await ledger.add_user(user(1))
    await ledger.add_user(user(2, "default"))
    for number, tenant in ((1, "acme"), (2, "default")):
        row = SessionRow(
            f"s{number}", tenant, f"u{number}", SessionKind.BROWSER, 1_000, 1_000, "::1", "curl", "pwd", 1_000
        )
        await ask(ledger, people.SESSION_OPEN, row, 10)
    changed = (await ask(ledger, TENANT_CHANGE, "acme", 9_000, TenantState.SUSPENDED, "unpaid")).tenant
    assert (changed.state, changed.suspended_because) == (TenantState.SUSPENDED, "unpaid")
    assert (await ask(ledger, people.SESSION_FIND, "s1")).session.ended_because == "tenant suspended"
    assert (await ask(ledger, people.SESSION_FIND, "s2")).session.ended_ms == 0


async def test_a_tenant_that_does_not_exist_is_not_changed(ledger):
    assert (await ask(ledger, TENANT_CHANGE, "nobody", 9, plan="team")).tenant is None


def count(amount: int, source: str = "api-gateway 1", measure: Measure = Measure.REQUESTS) -> UsageCount:
    return UsageCount("acme", 3, measure, source, amount)


async def test_a_count_told_twice_late_or_after_a_restart_is_counted_once(ledger):
    await add(ledger)
    for amount in (5, 9, 9, 7):
        await ask(ledger, USAGE_ADD, (count(amount),))
    await ask(ledger, USAGE_ADD, (count(2, "api-gateway 2"),))
    for amount, source in ((4, "data-bridge 1"), (3, "data-bridge 2")):
        await ask(ledger, USAGE_ADD, (count(amount, source, Measure.TERMINALS),))
    (day,) = (await ask(ledger, USAGE, "acme", 0, 10)).days
    assert day == UsageDay("acme", 3, requests=11, terminals=4)
    assert (await ask(ledger, USAGE, "default", 0, 10)).days == ()
    assert (await ask(ledger, USAGE, "*", 4, 10)).days == ()


async def test_orders_are_counted_where_they_are_kept_so_that_storing_one_again_counts_nothing(ledger):
    def order(identity: str, state: OrderState, at_ms: int) -> Order:
        return Order(identity, "default", "1", "manual", "EURUSD", "buy", 1, state, "", at_ms, at_ms)

    made = order("o1", OrderState.SUBMITTED, 2 * DAY_MS)
    denied = order("o2", OrderState.DENIED, 2 * DAY_MS)
    for _ in range(2):
        await ledger.commit(Commit((made, denied)))
    await ledger.commit(Commit((order("o3", OrderState.FILLED, 3 * DAY_MS),)))
    days = (await ask(ledger, USAGE, "default", 0, 10)).days
    assert days == (UsageDay("default", 2, orders=1), UsageDay("default", 3, orders=1))
