"""ClickHouse through clickhouse-connect: embedded (`chdb://`) or a server (`https://`), one thread per handle.

A handle blocks while it works and the embedded engine allows one call at a time on it, so each lives in a thread of
its own: one writes, one reads, and a long question never holds up an insert.
"""

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from database_service.adapters.schema import schema_files
from database_service.domain.migrations import Refused, pending
from database_service.ports import MigrationRefused, StoreUnavailable

T = TypeVar("T")


class Handle:
    """One connection in its own thread. Build with `open`; `call` runs a function of the client there."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"clickhouse-{name}")
        self._client: Any = None

    @classmethod
    async def open(cls, name: str, dsn: str, settings: dict[str, Any], scratch: Path) -> "Handle":
        """Connect. The embedded engine takes about a second the first time in a process."""
        handle = cls(name)

        def connect() -> Any:
            import clickhouse_connect  # half a second and 200 MB: not in the way of everything else's import
            from clickhouse_connect import common

            common.set_setting("autogenerate_session_id", False)
            # the embedded engine takes an insert through a file; leftovers of a killed process are found and removed
            scratch.mkdir(parents=True, exist_ok=True)
            tempfile.tempdir = str(scratch)
            return clickhouse_connect.create_client(dsn=dsn, settings=settings)  # type: ignore[attr-defined]

        try:
            handle._client = await handle._run(connect)
        except StoreUnavailable:
            handle._thread.shutdown(wait=False)
            raise
        return handle

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:
            # the engine reports everything as RuntimeError or its own family; none of them says "never try again"
            raise StoreUnavailable(f"ClickHouse: {str(error)[:500]}") from error

    async def call(self, work: Callable[[Any], T]) -> T:
        """Run `work(client)` in the handle's thread."""
        return await self._run(lambda: work(self._client))

    async def rows(self, sql: str, parameters: dict[str, Any] | None = None) -> list[Any]:
        """The rows of a small answer."""

        def ask(client: Any) -> list[Any]:
            return list(client.query(sql, parameters=parameters).result_rows)

        return await self.call(ask)

    async def packed(self, sql: str, parameters: dict[str, Any]) -> bytes:
        """A large answer of fixed-width columns, row by row without padding: read it with a numpy record type."""

        def ask(client: Any) -> bytes:
            data: bytes = client.raw_query(sql, parameters=parameters, fmt="RowBinary")
            return data

        return await self.call(ask)

    async def command(self, sql: str, parameters: dict[str, Any] | None = None) -> None:
        """A statement without an answer."""

        def run(client: Any) -> None:
            client.command(sql, parameters=parameters)

        await self.call(run)

    async def close(self) -> None:
        """Finish what runs and hang up."""
        if self._client is not None:
            await self.call(lambda client: client.close())
            self._client = None
        self._thread.shutdown(wait=True)


def sweep(scratch: Path) -> None:
    """Remove insert files that a killed process left behind."""
    if scratch.is_dir():
        for file in scratch.iterdir():
            file.unlink(missing_ok=True)


async def migrate(handle: Handle, now_ms: int) -> None:
    """Bring the schema up to date. A file's statements may run twice after a crash, so each says IF NOT EXISTS."""
    await handle.command("CREATE DATABASE IF NOT EXISTS market")
    await handle.command(
        "CREATE TABLE IF NOT EXISTS market.migrations (name String, checksum String, applied_ms Int64)"
        " ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
    )
    applied = {
        str(name): str(checksum) for name, checksum in await handle.rows("SELECT name, checksum FROM market.migrations")
    }
    todo = pending(schema_files("clickhouse"), applied)
    if isinstance(todo, Refused):
        raise MigrationRefused(f"ClickHouse: {todo.reason}")
    for migration in todo:
        for statement in migration.statements():
            await handle.command(statement)
        await handle.command(
            "INSERT INTO market.migrations SELECT {name:String}, {checksum:String}, {now:Int64}",
            {"name": migration.name, "checksum": migration.checksum, "now": now_ms},
        )
