"""A terminal's life with the real hub: it joins, renews while ticks flow, and is cut off when it is revoked."""

import json
import time
from pathlib import Path

import pytest

from stage import Stage, last_line

pytestmark = pytest.mark.system


def terminals(stage: Stage) -> list[dict[str, object]]:
    return list(json.loads(stage.run_cli("terminal", "list", "--json")))


def until(fact, within_s: float, what: str):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := fact():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {within_s} s")


def test_a_terminal_joins_renews_while_ticks_flow_and_is_cut_off_when_it_is_revoked(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "data", environ={"AITRADING_LEAF_LIFETIME_S": "30"})
    try:
        stage.start_platform()
        stage.start_client()
        log = stage.log_of("client")
        until(lambda: "connected: account" in log.read_text(), 30, "connecting")
        (first,) = terminals(stage)
        until(lambda: terminals(stage)[0]["issued_ms"] > first["issued_ms"], 40, "renewing")
        sent = stage.connector_metric("ticks_sent")
        until(lambda: stage.connector_metric("ticks_sent") > sent, 10, "ticks after the renewal")
        assert "not connected" not in log.read_text().rpartition("connected: account")[2], "the line was dropped"

        assert "cut off" in stage.run_cli("terminal", "revoke", str(first["id"]), "--reason", "laptop stolen")
        assert stage.client is not None
        stage.client.wait(15)
        assert "stopped for good (code 3)" in last_line(log)
        assert "this terminal was revoked: laptop stolen" in last_line(log)
        assert terminals(stage)[0]["revoked_ms"]
    finally:
        stage.stop()
