"""What the role of the running service may not do, on a real PostgreSQL after all migrations."""

import contextlib

import asyncpg
import pytest

from database_service.adapters.postgres import Postgres

pytestmark = pytest.mark.integration


@pytest.fixture
async def app(postgres, database):
    """A connection as `aitrading_app` to a database whose owner has migrated it."""
    owner = await asyncpg.connect(database)
    with contextlib.suppress(asyncpg.DuplicateObjectError):
        await owner.execute("create role aitrading_app login nosuperuser nobypassrls")
    await owner.close()
    migrating = await Postgres.open(database, pool_min=1, pool_max=1, timeout_s=30, wait_s=5)
    await migrating.migrate(1)
    await migrating.close()
    connection = await asyncpg.connect(database.replace("aitrading@", "aitrading_app@"))
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set kind = 'x'",
        "delete from audit",
        "truncate audit",
        "update audit_checkpoints set at_ms = 0",
        "delete from audit_checkpoints",
        "update news_items set title = 'x'",
        "update calendar_events set forecast = 'x'",
        "create table mine (a int)",
        "drop table users",
        "alter table users disable row level security",
        "select * from migrations",
        "insert into migrations values ('x', 'y', 1)",
    ],
)
async def test_the_running_service_can_not_change_the_past_or_the_schema(app, statement):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)


async def test_the_running_service_may_read_every_table_of_rows(app):
    tables = await app.fetch(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'migrations'"
    )
    assert len(tables) > 10
    for row in tables:
        await app.execute(f'select 1 from "{row["tablename"]}" limit 1')
