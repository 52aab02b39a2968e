"""A dependency is cut off: who needs it says so and lives on, and what can't be written down is not done."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import get
from contracts import rpc
from desktop.health import page
from stage import TENANT, Stage, StageError, generated_market

pytestmark = pytest.mark.system
WITHIN_S = 5.0
NEEDS = {
    "nats": ("database-service", "api-gateway", "trading-engine", "data-bridge", "central-hub"),
    "postgresql": ("database-service",),
    "database-service": ("api-gateway", "trading-engine"),
}
""" what is cut -> who must say that they are not ready """


@contextmanager
def frozen(stage: Stage, program: str) -> Iterator[None]:
    """It hangs, as behind a network that swallows everything: nothing is refused, nothing is answered."""
    state = json.loads((stage.data / "run" / "state.json").read_text())
    root = psutil.Process(state["programs"][program]["pid"])
    all_of_it: list[psutil.Process] = []
    # parents first and until none is new: PostgreSQL starts a process per connection, also while it is being frozen
    while new := [process for process in (root, *root.children(recursive=True)) if process not in all_of_it]:
        for process in new:
            process.suspend()
        all_of_it += new
    try:
        yield
    finally:
        for process in all_of_it:
            process.resume()


def status(stage: Stage, service: str, page: str) -> int:
    try:
        return get(DataDir(stage.data), service, f"/health/{page}")[0]
    except OSError:
        return 0


def of_client(stage: Stage, app: str, word: str) -> bool | None:
    """What an app of the trader's PC says of itself; None: it does not answer."""
    try:
        ports = json.loads((stage.client_data / "client.json").read_text())["ports"]
        said: dict[str, object] = json.loads(page(stage.client_data, app, ports[app], f"/health/{word}"))
    except (OSError, ValueError):
        return None
    return bool(said.get(word))


def within(seconds: float, fact: Callable[[], bool], what: str) -> float:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if fact():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def test_A10_whoever_needs_what_is_cut_off_is_not_ready_within_five_seconds_and_lives(stage: Stage) -> None:
    stage.start_platform()
    for program, needing in NEEDS.items():
        with frozen(stage, program):
            began = time.monotonic()
            for service in needing:
                left = WITHIN_S - (time.monotonic() - began)
                within(left, lambda s=service: status(stage, s, "ready") == 503, f"{service} without {program}")
            assert [status(stage, service, "live") for service in needing] == [200] * len(needing), program
        for service in needing:
            within(30, lambda s=service: status(stage, s, "ready") == 200, f"{service} with {program} again")


def test_A10_a_connector_without_its_bridge_is_not_ready_within_five_seconds_and_lives(stage: Stage) -> None:
    stage.start_platform()
    stage.start_client()
    within(30, lambda: of_client(stage, "metatrader-connector", "ready") is True, "the connector")
    with frozen(stage, "data-bridge"):
        within(WITHIN_S, lambda: of_client(stage, "metatrader-connector", "ready") is False, "without its bridge")
        assert of_client(stage, "metatrader-connector", "live")
    within(40, lambda: of_client(stage, "metatrader-connector", "ready") is True, "with its bridge again")


PASSWORD = "a-Passphrase-that-nobody-guesses-41"


class Browser:
    """Somebody who signs in over HTTP and asks."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.headers = stage, {"Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        request = urllib.request.Request(
            self.stage.address + path,
            None if body is None else json.dumps(body).encode(),
            self.headers | {name.replace("_", "-"): text for name, text in headers.items()},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                if cookie := answer.headers.get("Set-Cookie"):
                    self.headers["Authorization"] = "Bearer " + cookie.split(";")[0].split("=", 1)[1]
                return answer.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def sign_in(self, name: str) -> int:
        return self.ask("POST", "/api/v1/session", {"name": name, "password": PASSWORD})[0]

    def command(self, kind: str, key: str) -> int:
        return self.ask("POST", "/api/v1/commands", {"kind": kind, "reason": "A06"}, Idempotency_Key=key)[0]


def ticks_stored(stage: Stage) -> int:
    async def count() -> int:
        async with stage.bus() as bus:
            return sum(s.rows for s in (await bus.ask(rpc.TICKS_STATS, rpc.StatsQuestion(TENANT))).streams)

    return asyncio.run(count())


def add_person(stage: Stage, name: str) -> None:
    stage.run_cli("user", "add", name, "--role", "trader", "--password-stdin", stdin=PASSWORD + "\n")


def test_A06_while_the_audit_store_is_away_sensitive_acts_are_refused_and_market_data_goes_on(stage: Stage) -> None:
    stage.market = generated_market(seed=3, ticks_per_second=8.0)
    stage.start_platform()
    add_person(stage, "tess")
    stage.start_client()
    within(30, lambda: ticks_stored(stage) > 0, "ticks")
    tess = Browser(stage)
    assert tess.sign_in("tess") == 200
    assert tess.command("pause", "before-cut-1") == 202
    with frozen(stage, "postgresql"):
        before = ticks_stored(stage)
        assert tess.command("resume", "while-away-1") == 503
        assert Browser(stage).sign_in("tess") == 503
        with pytest.raises(StageError):
            add_person(stage, "mallory")
        with pytest.raises(StageError, match="not written down"):
            stage.run_cli("keys", "rotate", "signal")
        assert tess.command("pause", "while-away-2") == 202, "stopping never waits for a store"
        within(15, lambda: ticks_stored(stage) > before, "market data without the audit store")
    within(30, lambda: tess.command("resume", "while-away-1") == 202, "resuming once it can be written down")
    assert Browser(stage).sign_in("mallory") == 401
