"""PostgreSQL behind its socket: who gets in, as which role, and clusters of earlier versions."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from central_hub.adapters import processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.postgres_server import PostgresServer
from central_hub.adapters.secret_files import open_secrets
from central_hub.domain.engineconf import APP, OWNER, socket_name
from central_hub.domain.programs import POSTGRES, Program
from central_hub.ports import HubError
from kit.testing import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.open()
    return made


def server_of(data: DataDir) -> PostgresServer:
    return PostgresServer(Program(POSTGRES), data, open_secrets(data.secrets, ()))


@asynccontextmanager
async def running(server: PostgresServer) -> AsyncIterator[PostgresServer]:
    await server.prepare()
    process = processes.spawn(server.command(), server.data.log_of("postgresql"))

    async def ready() -> bool:
        return (await server.probe()).ready

    try:
        await eventually(ready, within_s=20)
        yield server
    finally:
        assert await process.stop(server.command().stop_signal, 20)


async def connect(server: PostgresServer, role: str, password: str = "") -> asyncpg.Connection:
    files = {OWNER: server.secrets.owner_password, APP: server.secrets.app_password}
    return await asyncpg.connect(server.url(role), password=password or files[role].read_text())


async def test_both_roles_get_in_with_their_own_password_only(data: DataDir) -> None:
    async with running(server_of(data)) as server:
        for role in (OWNER, APP):
            connection = await connect(server, role)
            assert await connection.fetchval("select current_user") == role
            await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect(server, OWNER, server.secrets.app_password.read_text())
        assert stat.S_IMODE((server.socket_dir / socket_name()).stat().st_mode) == 0o600


async def test_the_running_services_role_can_make_nothing_and_see_around_nothing(data: DataDir) -> None:
    async with running(server_of(data)) as server:
        connection = await connect(server, APP)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table mine (a int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create role other")
        row = await connection.fetchrow(
            "select rolsuper, rolbypassrls, rolcreatedb from pg_roles where rolname = $1", APP
        )
        assert tuple(row) == (False, False, False)
        await connection.close()


async def test_a_cluster_of_an_earlier_version_gets_the_missing_role_and_keeps_its_password(data: DataDir) -> None:
    (data.secrets / "postgres.password").write_text("of-an-earlier-version")
    server = server_of(data)
    async with running(server):
        owner = await connect(server, OWNER, "of-an-earlier-version")
        await owner.execute("create table kept (a int)")
        await owner.execute(f"drop role {APP}")
        await owner.close()
    (data.root / "postgres" / "aitrading-roles").unlink()
    async with running(server_of(data)) as again:
        connection = await connect(again, OWNER, "of-an-earlier-version")
        assert await connection.fetchval("select count(*) from kept") == 0
        await connection.close()
        await (await connect(again, APP)).close()


async def test_a_data_directory_with_a_long_path_has_its_socket_in_a_short_place(tmp_path: Path) -> None:
    deep = DataDir(tmp_path / ("d" * 60) / ("e" * 60))
    deep.open()
    server = server_of(deep)
    try:
        async with running(server):
            assert not server.socket_dir.is_relative_to(deep.root)
            assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
            await (await connect(server, APP)).close()
    finally:
        if server.socket_dir.exists():
            server.socket_dir.rmdir()


async def test_a_socket_directory_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    deep = DataDir(tmp_path / ("d" * 60) / ("f" * 60))
    deep.open()
    server = server_of(deep)
    server.socket_dir.mkdir(mode=0o777)
    server.socket_dir.chmod(0o777)
    try:
        with pytest.raises(HubError, match="not a directory of ours alone"):
            await server.prepare()
    finally:
        server.socket_dir.rmdir()
