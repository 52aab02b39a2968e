"""PostgreSQL through an asyncpg pool: waits for the server, migrates, and turns its errors into our own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import asyncpg

from database_service.adapters.schema import schema_files
from database_service.domain.migrations import Refused, pending
from database_service.ports import AlreadyTaken, MigrationRefused, StoreUnavailable, Unstorable
from kit import log
from kit.backoff import Backoff

T = TypeVar("T")
Work = Callable[[Any], Awaitable[T]]

_log = log.get("postgres")
_MIGRATION_LOCK = 7_300_801
_CONNECT_TIMEOUT_S = 2.0
_AWAY = (
    OSError,  # refused, reset; TimeoutError is one of them
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended an idle connection: its goodbye confuses the next statement
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,  # shutting down, starting up, query cancelled by its time limit
    asyncpg.exceptions.InsufficientResourcesError,  # too many connections, disk full, out of memory
    asyncpg.exceptions.TransactionRollbackError,  # serialization failure, deadlock: again is right
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
)


EVERY_TENANT = "*"
"""For what is asked across tenants: the engine's start, a sign-in by name, the hub's seals."""


def scope_of(tenants: Iterable[str]) -> str:
    """The tenants whose rows a unit of work may touch, as `app.tenants` holds them. Names have no commas."""
    return ",".join(sorted(set(tenants)))


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types here
    """Remembers whose rows its session shows."""

    _scope = ""

    async def show(self, scope: str) -> None:
        """Show the rows of these tenants from now on; costs a round trip only when they are others than before."""
        if self._scope != scope:
            self._scope = ""
            await self.execute("select set_config('app.tenants', $1, false)", scope)
            self._scope = scope


async def _nothing_to_reset(_connection: Any) -> None:
    """Work leaves nothing behind in a session (its locks end with its transaction), and clearing it all the same would
    cost a round trip between every commit and its answer."""


class Postgres:
    """A pool that survives restarts of the server. Every unit of work is one transaction and may run twice."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, pool_min: int, pool_max: int, timeout_s: float, wait_s: float) -> "Postgres":
        """Connect, waiting up to `wait_s` for a server that is still starting; StoreUnavailable after that."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        for delay in Backoff(0.05, 1.0).delays():
            try:
                pool = await asyncpg.create_pool(
                    dsn,
                    min_size=pool_min,
                    max_size=pool_max,
                    command_timeout=timeout_s,
                    timeout=_CONNECT_TIMEOUT_S,
                    server_settings={"application_name": "database-service", "jit": "off"},
                    reset=_nothing_to_reset,
                    connection_class=_Connection,
                )
                return cls(pool)
            except _AWAY as error:
                if loop.time() + delay > deadline:
                    raise StoreUnavailable(
                        f"PostgreSQL did not answer within {wait_s:.0f} s ({error or type(error).__name__}). "
                        "Check that it runs and that AITRADING_DATABASE_SERVICE_POSTGRES_URL is right."
                    ) from None
                await asyncio.sleep(delay)
        raise AssertionError("backoff without attempts never ends")

    async def run(self, work: Work[T], *, tenants: Iterable[str], one_statement: bool = False) -> T:
        """One transaction that sees the rows of `tenants` and no others; `one_statement` is one by itself. Raises
        StoreUnavailable, Unstorable or AlreadyTaken.

        A pooled connection may have died with the server; that shows only when it is used, so the first failure of a
        connection is followed by a try on a fresh one.
        """
        scope = scope_of(tenants)
        for attempt in (1, 2):
            try:
                return await self._run_once(work, scope, one_statement)
            except asyncpg.UniqueViolationError as error:
                raise AlreadyTaken(str(error)) from None
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
                raise Unstorable(str(error)) from None
            except _AWAY as error:
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise StoreUnavailable(f"PostgreSQL: {error or type(error).__name__}") from None
                await self._pool.expire_connections()
        raise AssertionError("the second attempt returns or raises")

    async def _run_once(self, work: Work[T], scope: str, one_statement: bool) -> T:
        async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
            await connection.show(scope)
            if one_statement:
                return await work(connection)
            async with connection.transaction():
                return await work(connection)

    async def migrate(self, now_ms: int) -> None:
        """Bring the schema up to date, alone: a lock keeps a second instance waiting."""

        async def apply(connection: Any) -> None:
            await connection.execute("select pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(
                "create table if not exists migrations"
                " (name text primary key, checksum text not null, applied_ms bigint not null)"
            )
            rows = await connection.fetch("select name, checksum from migrations")
            todo = pending(schema_files("postgres"), {row["name"]: row["checksum"] for row in rows})
            if isinstance(todo, Refused):
                raise MigrationRefused(f"PostgreSQL: {todo.reason}")
            for migration in todo:
                await connection.execute(migration.sql)
                await connection.execute(
                    "insert into migrations values ($1, $2, $3)", migration.name, migration.checksum, now_ms
                )
                _log.info("migrated", file=migration.name)

        await self.run(apply, tenants=(EVERY_TENANT,))

    async def probe(self) -> str:
        """One round trip."""

        async def ask(connection: Any) -> str:
            return str(await connection.fetchval("select split_part(current_setting('server_version'), ' ', 1)"))

        return f"PostgreSQL {await self.run(ask, tenants=())}"

    async def close(self) -> None:
        """Hang up; what does not end within two seconds is cut."""
        try:
            await asyncio.wait_for(self._pool.close(), 2)
        except TimeoutError:
            self._pool.terminate()
