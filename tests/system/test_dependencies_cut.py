"""A dependency is cut off from everybody: who needs it says so within five seconds, lives on, and comes back."""

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
from stage import Stage

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
    all_of_it = [root, *root.children(recursive=True)]
    for process in all_of_it:
        process.suspend()
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


def of_client(stage: Stage, app: str, page: str) -> int:
    try:
        ports = json.loads((stage.client_data / "client.json").read_text())["ports"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[app]}/health/{page}", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


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
    within(30, lambda: of_client(stage, "metatrader-connector", "ready") == 200, "the connector")
    with frozen(stage, "data-bridge"):
        within(WITHIN_S, lambda: of_client(stage, "metatrader-connector", "ready") == 503, "without its bridge")
        assert of_client(stage, "metatrader-connector", "live") == 200
    within(40, lambda: of_client(stage, "metatrader-connector", "ready") == 200, "with its bridge again")
