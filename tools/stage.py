"""A platform and a demo client on one machine: start them, ask them, stop them. Used by run, smoke, bench and tests."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.errors import KitError
from kit.nats_bus import NatsBus

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TENANT = "default"
ACCOUNT = "1000001"
SERVER_PROGRAMS = ("database-service", "api-gateway", "trading-engine", "data-bridge", "central-hub")
CLIENT_APPS = ("metatrader-connector", "config-manager", "data-collector", "security")
DEMO_STRATEGY = f"ma_cross:{TENANT}/{ACCOUNT}:*:volume=0.1,fast=5,slow=20,sample_ms=1000"
READY_LIMIT_S = 90.0
STOP_LIMIT_S = 40.0


class StageError(Exception):
    """The platform or the client did not do what was asked; the text is one sentence for a person."""


def generated_market(seed: int = 1, ticks_per_second: float = 4.0) -> dict[str, Any]:
    """Prices made by a generator."""
    return {"kind": "generator", "seed": seed, "symbols": ["EURUSD", "XAUUSD"], "ticks_per_second": ticks_per_second}


def replayed_market(file: Path, symbol: str, speed: float) -> dict[str, Any]:
    """Prices of a file; speed 0 is as fast as they are read."""
    return {"kind": "replay", "file": str(file.resolve()), "symbol": symbol, "speed": speed}


def lines_of(file: Path) -> int:
    """How many lines after the header a tick file has: counted here, by nobody who could have lost one."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as lines:
        return sum(1 for line in lines if line.strip()) - 1


@dataclass
class Stage:
    """Everything lives in `data`. Call `start_platform`, `start_client`, … and `stop` at the end, whatever happened."""

    data: Path
    market: dict[str, Any] = field(default_factory=generated_market)
    free_ports: bool = True
    strategy: str = DEMO_STRATEGY
    margin_mode: str = "hedging"
    environ: Mapping[str, str] = field(default_factory=dict)
    """ extra environment of both, such as failpoints """
    platform: "subprocess.Popen[bytes] | None" = None
    client: "subprocess.Popen[bytes] | None" = None

    @property
    def ports(self) -> dict[str, int]:
        """program -> port, as the hub gave them"""
        state = json.loads((self.data / "run" / "state.json").read_text())
        ports: dict[str, int] = state["ports"]
        return ports

    @property
    def address(self) -> str:
        """Where a browser goes."""
        return f"http://127.0.0.1:{self.ports['api-gateway']}"

    @property
    def client_data(self) -> Path:
        """The client's own directory."""
        return self.data / "client"

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "AITRADING_TRADING_ENGINE_STRATEGIES": self.strategy,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            **self.environ,
        }

    def _spawn(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / f"{name}.out").open("ab") as out:
            # its own group: Ctrl-C reaches us alone, and we stop the others in order
            return subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=self._environ(), start_new_session=True
            )

    def run_cli(self, *arguments: str, stdin: str = "") -> str:
        """Run `aitrading …` on this data directory and return what it printed; StageError with its own sentence."""
        done = subprocess.run(
            [str(BIN / "aitrading"), *arguments, "--data", str(self.data)],
            input=stdin, capture_output=True, text=True, env=self._environ(), timeout=600, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StageError((done.stderr or done.stdout).strip())
        return done.stdout

    def start_platform(self) -> float:
        """Start the server and wait until every service is ready; returns the seconds it took."""
        started = time.monotonic()
        ports = ["--free-ports"] if self.free_ports else []
        self.platform = self._spawn("platform", [str(BIN / "aitrading"), "up", "--data", str(self.data), *ports])
        while time.monotonic() - started < READY_LIMIT_S:
            if self.platform.poll() is not None:
                raise StageError(self._last_words("platform"))
            with suppress(OSError, ValueError, KeyError):
                if all(self.ready(name) for name in SERVER_PROGRAMS):
                    return time.monotonic() - started
            time.sleep(0.05)
        missing = [name for name in SERVER_PROGRAMS if not self.ready(name)]
        raise StageError(f"not ready within {READY_LIMIT_S:.0f} s: {', '.join(missing)}; see {self.data}/logs")

    def _last_words(self, name: str) -> str:
        text = (self.data / f"{name}.out").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else f"the {name} ended without a word; see {self.data}/logs"

    def ready(self, service: str) -> bool:
        """The service answers its readiness page with 200."""
        try:
            url = f"http://127.0.0.1:{self.ports[service]}/health/ready"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def write_terminal(self) -> Path:
        """The simulated terminal's configuration; its broker remembers the account in a file."""
        config = {
            "account": {
                "login": int(ACCOUNT),
                "currency": "USD",
                "balance": 100_000.0,
                "margin_mode": self.margin_mode,
            },
            "market": self.market,
            "clock": "ny+7",
            "state_file": str(self.data / "broker.sqlite"),
            "faults_file": str(self.data / "faults.json"),
        }
        path = self.data / "terminal.json"
        path.write_text(json.dumps(config, indent=1))
        return path

    def enrol(self) -> Path:
        """An enrolment file for the demo terminal."""
        path = self.data / "enrolment.json"
        if not path.exists():
            self.run_cli("terminal", "add", "--account", ACCOUNT, "--tenant", TENANT, "--out", str(path))
        return path

    def start_client(self) -> None:
        """Start the trader's side beside a simulated terminal."""
        ports = ["--free-ports"] if self.free_ports else []
        self.client = self._spawn(
            "client",
            [
                str(BIN / "aitrading-client"), "run", "--enrolment", str(self.enrol()), "--terminal", "mt5sim",
                "--terminal-path", str(self.write_terminal()), "--data", str(self.client_data), *ports,
            ],
        )  # fmt: skip

    def connector_metric(self, name: str) -> int:
        """A figure from the connector's metrics page, such as `ticks_sent`."""
        ports = json.loads((self.client_data / "client.json").read_text())["ports"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['metatrader-connector']}/metrics", timeout=5) as page:
            for line in page.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return int(float(line.split()[1]))
        raise StageError(f"the connector has no metric {name}")

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[NatsBus]:
        """The platform's bus, as the operator."""
        password = json.loads((self.data / "secrets" / "bus.json").read_text())["operator"]
        bus = await NatsBus.connect(f"nats://127.0.0.1:{self.ports['nats']}", "operator", password)
        try:
            yield bus
        finally:
            await bus.close()

    def stop_client(self) -> None:
        """Ask the client to stop, and see that it does."""
        _end(self.client)
        self.client = None

    def stop(self) -> None:
        """Stop the client, then the platform; nothing of either is left."""
        self.stop_client()
        _end(self.platform)
        self.platform = None
        if (self.data / "run" / "state.json").exists():
            with suppress(StageError, subprocess.TimeoutExpired):
                self.run_cli("down")


def _end(process: "subprocess.Popen[bytes] | None") -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def until(fact: Any, within_s: float, what: str, every_s: float = 0.1) -> Any:
    """The first truthy answer of the coroutine function `fact`; StageError naming `what` when none comes.

    A service that does not answer is asked again: tests kill services in the middle of questions.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(KitError):
            if value := await fact():
                return value
        await asyncio.sleep(every_s)
    raise StageError(f"{what} did not happen within {within_s:.0f} s")
