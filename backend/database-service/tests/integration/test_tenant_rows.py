"""Row-level security on the real PostgreSQL, as the role that the running service has: what SQL forgets, rows don't."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from database_service.adapters.postgres import EVERY_TENANT, Postgres

pytestmark = pytest.mark.integration

ROLE = "aitrading_app"


async def opened(dsn: str) -> Postgres:
    return await Postgres.open(dsn, pool_min=1, pool_max=2, timeout_s=10, wait_s=10)


@pytest.fixture
async def owner(database: str) -> AsyncIterator[Postgres]:
    """A migrated database whose service has a role of its own."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        f"do $$ begin create role {ROLE} login; exception when duplicate_object or unique_violation then null; end $$"
    )
    await connection.close()
    made = await opened(database)
    await made.migrate(1)
    for tenant in ("a", "b"):
        await made.run(lambda c, t=tenant: c.execute(INSERT, t), tenants=(tenant,))
    yield made
    await made.close()


@pytest.fixture
async def service(database: str, owner: Postgres) -> AsyncIterator[Postgres]:
    """As the running service is connected."""
    made = await opened(database.replace("aitrading@", f"{ROLE}@"))
    yield made
    await made.close()


INSERT = "insert into people_rules (tenant, mfa_required) values ($1, false)"
FORGETFUL = "select tenant from people_rules order by tenant"


async def tenants_seen(store: Postgres, *scope: str) -> list[str]:
    async def ask(connection: Any) -> list[str]:
        return [row["tenant"] for row in await connection.fetch(FORGETFUL)]

    return await store.run(ask, tenants=scope)


async def test_a_question_that_forgets_its_tenant_finds_its_own_rows_only(service: Postgres) -> None:
    assert await tenants_seen(service, "a") == ["a"]
    assert await tenants_seen(service, "b") == ["b"]


async def test_who_names_no_tenant_sees_no_row(service: Postgres) -> None:
    assert await tenants_seen(service) == []


async def test_several_tenants_of_one_batch_are_seen_together_and_every_one_by_its_own_word(service: Postgres) -> None:
    assert await tenants_seen(service, "b", "a") == ["a", "b"]
    assert await tenants_seen(service, EVERY_TENANT) == ["a", "b"]


async def test_a_connection_that_comes_back_to_the_pool_shows_nothing_of_the_tenant_before(service: Postgres) -> None:
    for scope in (("a",), ("b",), (), ("a",), (EVERY_TENANT,), ("b",)):
        seen = await tenants_seen(service, *scope)
        assert seen == (["a", "b"] if scope == (EVERY_TENANT,) else list(scope))


async def test_a_failed_transaction_leaves_no_wrong_scope_behind(service: Postgres) -> None:
    async def fail(connection: Any) -> None:
        await connection.execute("select 1/0")

    with pytest.raises(Exception, match="zero"):
        await service.run(fail, tenants=("b",))
    assert await tenants_seen(service, "a") == ["a"]


async def test_a_row_of_another_tenant_can_t_be_written_changed_or_removed(service: Postgres) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await service.run(lambda c: c.execute(INSERT, "c"), tenants=("a",))
    change = "update people_rules set mfa_required = true where tenant = 'b'"
    assert await service.run(lambda c: c.execute(change), tenants=("a",)) == "UPDATE 0"
    assert await service.run(lambda c: c.execute("delete from people_rules"), tenants=("a",)) == "DELETE 1"
    assert await tenants_seen(service, EVERY_TENANT) == ["b"]


async def test_every_table_with_a_tenant_has_its_rows_secured_and_no_other_table_exists(owner: Postgres) -> None:
    async def tables(connection: Any) -> list[Any]:
        return list(
            await connection.fetch(
                "select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as secured,"
                " exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant') as of_tenant"
                " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind = 'r' and n.nspname = 'public'"
            )
        )

    found = await owner.run(tables, tenants=())
    assert {row["name"] for row in found if not row["of_tenant"]} == {"migrations"}
    assert [row["name"] for row in found if row["of_tenant"] and not row["secured"]] == []
    assert len(found) > 10


async def test_the_running_service_can_neither_change_what_was_recorded_nor_the_schema(service: Postgres) -> None:
    for statement in (
        "update audit set kind = 'x'",
        "delete from audit",
        "create table mine (x int)",
        "alter table orders disable row level security",
        "drop policy of_tenant on orders",
        "select * from migrations",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.run(lambda c, s=statement: c.execute(s), tenants=("a",))
