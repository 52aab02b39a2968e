"""A platform and a demo client on one machine: start them, ask them, stop them. Used by run, smoke, bench and tests."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.secret_files import seed_file
from central_hub.cli.asking import get
from desktop.health import page
from kit.clock import SystemClock
from kit.errors import KitError
from kit.listening import address_of
from kit.nats_bus import NatsBus
from kit.service_tokens import open_guard
from kit.tls import TlsFiles

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TENANT = "default"
ACCOUNT = "1000001"
BUILT_IN = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "BTCUSD")
""" symbols whose contract the simulated terminal knows """
SERVER_PROGRAMS = ("database-service", "api-gateway", "trading-engine", "data-bridge", "central-hub")
DEMO_STRATEGY = f"ma_cross:{TENANT}/{ACCOUNT}:*:volume=0.1,fast=5,slow=20,sample_ms=1000"
READY_LIMIT_S = 90.0
STOP_LIMIT_S = 60.0


class StageError(Exception):
    """The platform or the client did not do what was asked; the text is one sentence for a person."""


def generated_market(
    seed: int = 1, ticks_per_second: float = 4.0, symbols: tuple[str, ...] = ("EURUSD", "XAUUSD")
) -> dict[str, Any]:
    """Prices made by a generator; no symbols: all that the terminal knows."""
    return {"kind": "generator", "seed": seed, "symbols": list(symbols), "ticks_per_second": ticks_per_second}


def replayed_market(file: Path, symbol: str, speed: float) -> dict[str, Any]:
    """Prices of a file; speed 0 is as fast as they are read."""
    return {"kind": "replay", "file": str(file.resolve()), "symbol": symbol, "speed": speed}


def lines_of(file: Path) -> int:
    """How many lines after the header a tick file has: counted here, by nobody who could have lost one."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as lines:
        return sum(1 for line in lines if line.strip()) - 1


def live_market(symbol: str) -> dict[str, Any]:
    """An exchange's public quotes for a simulated account."""
    return {"kind": "live", "symbol": symbol}


@dataclass
class Stage:
    """Everything lives in `data`. Call `start_platform`, `start_client`, … and `stop` at the end, whatever happened."""

    data: Path
    market: dict[str, Any] = field(default_factory=generated_market)
    free_ports: bool = True
    strategy: str = DEMO_STRATEGY
    margin_mode: str = "hedging"
    broker_clock: str = "ny+7"
    """ the clock of the simulated broker; the client is not told """
    environ: Mapping[str, str] = field(default_factory=dict)
    """ extra environment of both, such as failpoints """
    through: int = 0
    """ a port that leads to the bridge, to which the client is sent instead; 0: to the bridge itself """
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
        return address_of(self._environ(), self.ports["api-gateway"])

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

    def log_of(self, name: str) -> Path:
        """What the platform (`hub`) or the client said."""
        return self.data / "logs" / f"{name}.log"

    def _spawn(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.unlink(missing_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # its own session: Ctrl-C reaches us alone, and we stop the others in order
            return subprocess.Popen(
                command,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._environ(),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    def run_cli(self, *arguments: str, stdin: str = "") -> str:
        """Run `aitrading …` on this data directory and return what it printed; StageError with its own sentence."""
        done = subprocess.run(
            [str(BIN / "aitrading"), *arguments, "--data", str(self.data)],
            input=stdin, capture_output=True, text=True, env=self._environ(), timeout=600, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StageError((done.stderr or done.stdout).strip())
        return done.stdout

    def start_platform(self, show: Callable[[list[str]], None] | None = None) -> float:
        """Start the server and wait until every service is ready; returns the seconds it took.

        `show` is told the names of those that are not ready, whenever the list changes.
        """
        started = time.monotonic()
        extra = ["--free-ports"] if self.free_ports else []
        self.platform = self._spawn("hub", [str(BIN / "aitrading"), "up", "--data", str(self.data), *extra])
        shown: list[str] = []
        seen: set[str] = set()
        while time.monotonic() - started < READY_LIMIT_S:
            if self.platform.poll() is not None:
                raise StageError(last_line(self.log_of("hub")))
            waiting = self._not_ready(self.platform.pid, seen)
            if not waiting:
                return time.monotonic() - started
            if show and waiting != shown:
                show(waiting)
            shown = waiting
            time.sleep(0.05)
        raise StageError(
            f"not ready within {READY_LIMIT_S:.0f} s: {', '.join(shown)}. The hub said last: "
            f"{last_line(self.log_of('hub'))}. More is in {self.data / 'logs'}."
        )

    def _not_ready(self, hub: int, seen: set[str]) -> list[str]:
        """Who was ready once is kept in `seen` and not asked again: each question is a handshake."""
        try:
            state = json.loads((self.data / "run" / "state.json").read_text())
            if state["hub"]["pid"] != hub:  # the record of an earlier hub
                return list(SERVER_PROGRAMS)
        except (OSError, ValueError, KeyError, TypeError):
            return list(SERVER_PROGRAMS)
        seen |= {name for name in SERVER_PROGRAMS if name not in seen and self.ready(name)}
        return [name for name in SERVER_PROGRAMS if name not in seen]

    def ready(self, service: str) -> bool:
        """The service answers its readiness page with 200."""
        try:
            return get(DataDir(self.data), service, "/health/ready")[0] == 200
        except OSError:
            return False

    def write_terminal(self) -> Path:
        """The simulated terminal's configuration; its broker remembers the account in a file."""
        symbol, live = self.market.get("symbol"), self.market["kind"] == "live"
        account = {"login": int(ACCOUNT), "name": "Demo", "balance": 100_000.0, "margin_mode": self.margin_mode}
        config: dict[str, Any] = {
            # the exchange's pairs are priced in Tether, and nothing here converts it
            "account": account | ({"currency": "USDT"} if live else {}),
            "market": self.market,
            "clock": self.broker_clock,
            # positions opened at replayed prices must not meet others: each replay remembers its own account
            "state_file": f"broker-{'live-' if live else ''}{symbol or 'generated'}.sqlite",
            "faults_file": "faults.json",
        }
        if symbol is not None and symbol not in BUILT_IN and not live:
            config["symbols"] = [{"name": symbol, "like": "EURUSD"}]
        path = self.client_data / "terminal.json"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps(config, indent=1))
        return path

    def enrol(self) -> Path:
        """An enrolment file for the demo terminal."""
        path = self.client_data / "enrolment.json"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.run_cli("terminal", "add", "--account", ACCOUNT, "--tenant", TENANT, "--out", str(path))
        if self.through:
            enrolment = json.loads(path.read_text())
            bridge = f":{self.ports['data-bridge']}/"
            enrolment["server"] = enrolment["server"].replace(bridge, f":{self.through}/")
            path.write_text(json.dumps(enrolment))
        return path

    def start_client(self, first_read_s: int = 300) -> None:
        """Start the trader's side beside a simulated terminal; its very first start reads `first_read_s` of history."""
        extra = ["--free-ports"] if self.free_ports else []
        self.client = self._spawn(
            "client",
            [
                str(BIN / "aitrading-client"), "run", "--enrolment", str(self.enrol()), "--terminal", "mt5sim",
                "--terminal-path", str(self.write_terminal()), "--data", str(self.client_data),
                "--first-read-s", str(first_read_s), "--keeper", "file", *extra,
            ],
        )  # fmt: skip

    def connector_metric(self, name: str) -> int:
        """A figure from the connector's metrics page, such as `ticks_sent`."""
        ports = json.loads((self.client_data / "client.json").read_text())["ports"]
        connector = "metatrader-connector"
        for line in page(self.client_data, connector, ports[connector], "/metrics").decode().splitlines():
            if line.startswith(f"{name} "):
                return int(float(line.split()[1]))
        raise StageError(f"the connector has no metric {name}")

    @asynccontextmanager
    async def bus(self, user: str = "operator") -> AsyncIterator[NatsBus]:
        """The platform's bus, as the operator or one of the services."""
        secrets = self.data / "secrets"
        url, tls = f"tls://127.0.0.1:{self.ports['nats']}", TlsFiles(secrets / "tls" / user)
        guard = open_guard(user, secrets, SystemClock().now_ms)
        bus = await NatsBus.connect(url, user, seed_file(secrets, user), tls, guard=guard)
        try:
            yield bus
        finally:
            await bus.close()

    def stop_client(self) -> None:
        """Ask the client to stop, and see that it does."""
        _end(self.client)
        self.client = None

    def stop(self) -> None:
        """Stop the client, then the platform: nothing is sent to a server that is going, and nothing is left."""
        self.stop_client()
        _end(self.platform)
        self.platform = None
        if (self.data / "run" / "state.json").exists():
            with suppress(StageError, subprocess.TimeoutExpired):
                self.run_cli("down")


def last_line(log: Path) -> str:
    """The last line that a child wrote for a person; JSON log lines are for machines."""
    with suppress(OSError):
        for line in reversed(log.read_text(errors="replace")[-16_384:].splitlines()):
            if line.strip() and not line.startswith("{"):
                return line.strip()
    return "it left no message"


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
