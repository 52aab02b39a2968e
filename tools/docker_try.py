"""`make docker`: build the image and prove it: start, sign in, see a filled order, stop, crash, go on with its data.

Skips loudly, with exit code 0, where no Docker engine answers. AITRADING_DOCKER_PORT chooses the port on this machine
(else a free one), AITRADING_BASE_IMAGE the image to build on. The image stays afterwards; container and volume do not.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kit.free_ports import free_port

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "aitrading-try"
USER = "docker"
BUILD_LIMIT_S = 1_800.0
READY_LIMIT_S = 240.0
FACT_LIMIT_S = 180.0
STOP_LIMIT_S = 120.0
CALL_LIMIT_S = 300.0
T = TypeVar("T")


class TryError(Exception):
    """The image does not do what it should; the text says what was seen."""


def call(*argv: str, limit_s: float = CALL_LIMIT_S, **environ: str) -> str:
    """Run a program and return what it printed on standard output; TryError with all its words when it fails."""
    try:
        done = subprocess.run(
            argv, cwd=ROOT, env={**os.environ, **environ}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=limit_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TryError(f"`{' '.join(argv)}` did not end within {limit_s:.0f} s.") from None
    except OSError as error:
        raise TryError(f"`{argv[0]}` can't be started: {error.strerror}.") from None
    if done.returncode:
        raise TryError(f"`{' '.join(argv)}` failed:\n{(done.stdout + done.stderr).strip()[-6_000:]}")
    return done.stdout.strip()


def no_engine() -> str:
    """Why no Docker engine can be used here; empty when one answers."""
    if not shutil.which("docker"):
        return "Docker is not installed on this machine"
    try:
        # `docker info` ends with 0 in some versions although only the client answered
        call("docker", "version", "--format", "{{.Server.Version}}", limit_s=30)
    except TryError as error:
        return f"no Docker engine answers on this machine ({str(error).splitlines()[-1].strip().rstrip('.')})"
    return ""


def compose_command() -> tuple[str, ...]:
    """The plugin, or the older program of its own."""
    for command in (("docker", "compose"), ("docker-compose",)):
        try:
            call(*command, "version", limit_s=30)
        except TryError:
            continue
        return command
    raise TryError(
        "Docker Compose is missing: install the plugin docker-compose-plugin, or docker-compose, of your OS."
    )


def wait(what: str, limit_s: float, fact: Callable[[], T]) -> T:
    """The first truthy `fact()`; TryError with the last trouble when none comes."""
    deadline = time.monotonic() + limit_s
    trouble = "it was never so"
    while time.monotonic() < deadline:
        try:
            if value := fact():
                return value
        except urllib.error.HTTPError as error:
            trouble = f"the gateway answered {error.code}: {error.read().decode(errors='replace')[:300]}"
        except (OSError, ValueError) as error:
            trouble = str(error)
        time.sleep(0.25)
    raise TryError(f"{what}: not within {limit_s:.0f} s ({trouble}).")


@dataclass
class Trial:
    """One container of the image under a project name of its own. Call `down` at the end, whatever happened."""

    command: tuple[str, ...]
    port: int
    cookie: str = ""
    known: set[str] = field(default_factory=set)
    """ ids of filled orders that were seen """

    @property
    def base(self) -> str:
        """Where the gateway is, seen from this machine."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, limit_s: float = CALL_LIMIT_S) -> str:
        """Run one verb of compose on this project."""
        return call(
            *self.command, "-p", PROJECT, *arguments, limit_s=limit_s, AITRADING_DOCKER_PORT=str(self.port),
            # some storage drivers copy the whole image before they answer, and the older program waits a minute only
            COMPOSE_HTTP_TIMEOUT=str(int(limit_s)),
        )  # fmt: skip

    def inspect(self, template: str) -> str:
        """What the engine knows of the container."""
        container = self.compose("ps", "--all", "--quiet", "platform")
        return call("docker", "inspect", "--format", template, container)

    def inside(self, *argv: str) -> str:
        """Run a program in the container."""
        return self.compose("exec", "-T", "platform", *argv)

    def ask(self, path: str, body: dict[str, str] | None = None) -> Any:
        """The gateway's JSON answer; a page's text when it is none. A session cookie is kept."""
        # Origin as a browser sends it: the gateway must know its own published address again
        headers = {"Content-Type": "application/json", "Origin": self.base, "Cookie": self.cookie}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {k: v for k, v in headers.items() if v})
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.cookie = (answer.headers.get("set-cookie") or self.cookie).split(";")[0]
            said, kind = answer.read(), answer.headers.get_content_type()
            return json.loads(said) if kind == "application/json" else said.decode()

    def start(self) -> float:
        """Start the container and wait until the terminal's prices can be had; the seconds it took."""
        began = time.monotonic()
        self.compose("up", "--detach", "--no-build")

        def ready() -> bool:
            if self.inspect("{{.RestartCount}} {{.State.Status}}") != "0 running":
                raise TryError("The container does not stay up.")
            return "Ready in" in self.compose("logs", "--no-color", "platform").rpartition("Starting the platform")[2]

        wait("the platform and its demo client are ready", READY_LIMIT_S, ready)
        return time.monotonic() - began

    def stop(self) -> float:
        """`docker stop` as a person does it; the seconds it took. TryError when it was killed or failed."""
        began = time.monotonic()
        self.compose("stop", limit_s=STOP_LIMIT_S + 30)
        took = time.monotonic() - began
        code = self.inspect("{{.State.ExitCode}}")
        if code != "0":
            raise TryError(f"It should stop with exit code 0 when asked, and stopped with {code} after {took:.1f} s.")
        return took

    def cut_power(self) -> None:
        """Kill everything at once, and let PostgreSQL's pid file name a process that will live: numbers repeat here."""
        self.inside("sed", "-i", "1s/.*/1/", "/data/postgres/postmaster.pid")
        self.compose("kill")

    def down(self) -> None:
        """Container, network and volume go."""
        self.compose("down", "--volumes", "--timeout", "30")


def check_confined(trial: Trial) -> str:
    """It runs as nobody special, can write nothing but its data, and only this machine reaches it; its user id."""
    lines = (line.partition(":") for line in trial.inside("cat", "/proc/1/status").splitlines())
    status = {name: value.split() for name, _, value in lines}
    user = status["Uid"][1]
    if user == "0":
        raise TryError("The container runs as root.")
    if int(status["CapEff"][0], 16) or int(status["CapBnd"][0], 16):
        raise TryError(f"The container has capabilities: {status['CapBnd'][0]}.")
    if status["NoNewPrivs"] != ["1"]:
        raise TryError("Programs in the container may gain privileges.")
    if trial.inspect("{{.HostConfig.ReadonlyRootfs}}") != "true":
        raise TryError("The container's root filesystem can be written.")
    published = trial.compose("port", "platform", str(trial.port))
    if published != f"127.0.0.1:{trial.port}":
        raise TryError(f"It should be published on this machine's loopback only, and is on {published}.")
    return user


def check_trading(trial: Trial) -> str:
    """Signed in: prices move and an order is filled that was not there before; what was seen, in words."""

    def newest() -> dict[str, int]:
        return {row["symbol"]: row["time_msc"] for row in trial.ask("/api/v1/symbols")["symbols"] if row["bid"] > 0}

    def filled() -> list[dict[str, Any]]:
        orders = trial.ask("/api/v1/orders")["orders"]
        return [row for row in orders if row["state"] == "FILLED" and row["id"] not in trial.known]

    first = wait("a price", FACT_LIMIT_S, newest)
    wait("a newer price", FACT_LIMIT_S, lambda: any(at > first.get(name, at) for name, at in newest().items()))
    orders = wait("a filled order", FACT_LIMIT_S, filled)
    trial.known |= {row["id"] for row in orders}
    order = orders[-1]
    return f"{len(first)} symbols with prices; filled: {order['side']} {order['filled_volume']} {order['symbol']}"


def prove(trial: Trial) -> None:
    """Build it, use it, stop it, and use it again on the same data."""
    began = time.monotonic()
    print("building", flush=True)
    trial.compose("build", limit_s=BUILD_LIMIT_S)
    took = time.monotonic() - began
    trial.compose("up", "--no-start")
    size = int(call("docker", "image", "inspect", "--format", "{{.Size}}", trial.inspect("{{.Image}}")))
    print(f"built in {took:.0f} s, {size / 1e6:,.0f} MB", flush=True)

    print(f"first start: ready in {trial.start():.1f} s", flush=True)
    password = secrets.token_urlsafe(18)
    code = trial.inside("cat", "/data/secrets/setup.code")
    trial.ask("/api/v1/setup", {"code": code, "name": USER, "password": password})
    if "<html" not in trial.ask("/"):
        raise TryError("The dashboard's first page is not a page.")
    print(f"signed in as the first user; {check_trading(trial)}", flush=True)
    print(f"runs as user {check_confined(trial)}, without capabilities, on a read-only root, loopback only", flush=True)
    wait("the engine finds it healthy", 60, lambda: trial.inspect("{{.State.Health.Status}}") == "healthy")
    print(f"healthy; stopped in {trial.stop():.1f} s with exit code 0", flush=True)

    print(f"second start on the same data: ready in {trial.start():.1f} s", flush=True)
    trial.cookie = ""
    trial.ask("/api/v1/session", {"name": USER, "password": password})
    print(f"signed in again; {check_trading(trial)}", flush=True)

    trial.cut_power()
    print(f"start after a power cut: ready in {trial.start():.1f} s", flush=True)
    trial.ask("/api/v1/session", {"name": USER, "password": password})
    print(f"signed in again; {check_trading(trial)}", flush=True)


def main() -> int:
    """0 when the image does all it should, or when there is no engine to try it with; 1 with the reason otherwise."""
    if why := no_engine():
        print(f"SKIPPED: {why}; start one and run `make docker` again. Nothing was built, nothing was tried.")
        return 0
    trial = None
    try:
        port = os.environ.get("AITRADING_DOCKER_PORT") or str(free_port())
        trial = Trial(compose_command(), int(port))
        trial.down()
        prove(trial)
    except (TryError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        if trial is not None:
            with contextlib.suppress(TryError):
                print(trial.compose("logs", "--no-color", "--tail", "40"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if trial is not None:
            with contextlib.suppress(TryError):
                trial.down()
    print("The image works; it stays as `aitrading`: `docker compose up` starts it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
