"""Kill, restart and freeze every part of the path while ticks flow: nothing is lost, nothing doubled."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from stage import Stage, replayed_market

pytestmark = pytest.mark.system

Oracle = Callable[..., Coroutine[Any, Any, None]]
TICKS = 20_000
REPLAY_SPEED = 160  # the file spans about 4,000 s: 25 s of replay


def pid_of(stage: Stage, program: str) -> int:
    state = json.loads((stage.data / "run" / "state.json").read_text())
    return int(state["programs"][program]["pid"])


def kill(stage: Stage, program: str) -> int:
    pid = pid_of(stage, program)
    os.kill(pid, signal.SIGKILL)
    return pid


def connector_of(stage: Stage) -> psutil.Process:
    """The client's connector; waits for a new one while the old one is gone."""
    assert stage.client is not None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in psutil.Process(stage.client.pid).children(recursive=True):
            with suppress(psutil.Error):  # gone since it was listed
                if process.cmdline()[-1:] == ["metatrader_connector"]:
                    return process
        time.sleep(0.05)
    raise AssertionError("the client has no connector")


def freeze(stage: Stage, program: str, seconds: float) -> None:
    root = psutil.Process(pid_of(stage, program))
    frozen = [root, *root.children(recursive=True)]
    for process in frozen:
        process.suspend()
    time.sleep(seconds)  # the fault itself takes time
    for process in frozen:
        process.resume()


def test_bridge_killed_nats_restarted_and_postgres_frozen_for_ten_seconds_lose_nothing(
    stage: Stage, made_ticks: Path, whole: Oracle
) -> None:
    stage.market = replayed_market(made_ticks, "EURUSD", REPLAY_SPEED)
    stage.start_platform()
    stage.start_client()
    time.sleep(4)
    kill(stage, "data-bridge")
    time.sleep(4)
    kill(stage, "nats")
    time.sleep(5)
    freeze(stage, "postgresql", 10)
    kill(stage, "database-service")
    asyncio.run(whole(TICKS))


def test_engine_and_connector_killed_while_trading_leave_no_order_doubled_or_forgotten(
    stage: Stage, made_ticks: Path, whole: Oracle
) -> None:
    stage.market = replayed_market(made_ticks, "EURUSD", REPLAY_SPEED)
    stage.start_platform()
    stage.start_client()
    for _ in range(3):
        time.sleep(3)
        connector = connector_of(stage)
        connector.kill()
        time.sleep(2)
        kill(stage, "trading-engine")
    asyncio.run(whole(TICKS))


def test_services_run_on_when_the_hub_dies_and_a_new_hub_takes_them_over(stage: Stage) -> None:
    stage.start_platform()
    before = {name: pid_of(stage, name) for name in ("nats", "postgresql", "database-service", "data-bridge")}
    assert stage.platform is not None
    stage.platform.kill()
    stage.platform.wait()
    for name in ("database-service", "data-bridge", "trading-engine", "api-gateway"):
        assert stage.ready(name), name
    stage.start_platform()
    assert {name: pid_of(stage, name) for name in before} == before
