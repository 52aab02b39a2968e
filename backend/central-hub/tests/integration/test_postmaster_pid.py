"""PostgreSQL after a power cut, when the number in its pid file belongs to somebody else by now."""

import os
from pathlib import Path

import pytest

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.postgres_server import PostgresServer
from central_hub.adapters.secret_files import open_secrets
from central_hub.domain.programs import POSTGRES, Program

pytestmark = pytest.mark.integration


async def test_a_pid_file_whose_number_lives_on_as_another_program_is_forgotten(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.open()
    if os.geteuid() == 0:
        tmp_path.chmod(0o755)
    server = PostgresServer(Program(POSTGRES), data, open_secrets(data.secrets, ()))
    await server.prepare()
    stale = data.root / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data.root / 'postgres'}\n")
    await server.prepare()
    assert not stale.exists()


async def test_a_pid_file_without_a_number_is_forgotten(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.open()
    server = PostgresServer(Program(POSTGRES), data, open_secrets(data.secrets, ()))
    await server.prepare()
    stale = data.root / "postgres" / "postmaster.pid"
    stale.write_text("")
    await server.prepare()
    assert not stale.exists()
