"""The network between the trader's PC and the server, as bad as it gets: slow, and correct."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from contracts.uplink import HEARTBEAT_MS
from kit.testing.link import Link
from stage import Stage, StageError, replayed_market

pytestmark = pytest.mark.system
ONCE = (2, 3)
"""Connections of a client that never lost its own: to join, for good, and perhaps already the courier's."""

Oracle = Callable[..., Coroutine[Any, Any, None]]
REPLAY_SPEED = 100  # they span about 1,200 s
LASTING = 20
"""So that ticks still flow at the last cut, on a busy machine too."""
FEW = 6_000
HEARTBEAT_S = HEARTBEAT_MS / 1000


@pytest.fixture
def few_ticks(made_ticks: Path) -> Path:
    """The first of them: their way takes long enough."""
    made_ticks.write_text("".join(made_ticks.read_text().splitlines(keepends=True)[: FEW + 1]))
    return made_ticks


def eventually(fact: Callable[[], bool], within_s: float, what: str) -> float:
    """Seconds until `fact`; the process that it is about is asked again while it does not answer."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        try:
            if fact():
                return time.monotonic() - began
        except (OSError, StageError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {within_s} s")


def replay(stage: Stage, ticks: Path, speed: int = REPLAY_SPEED) -> None:
    stage.market = replayed_market(ticks, "EURUSD", speed)
    stage.start_client()


def streams(stage: Stage, link: Link) -> None:
    """Wait until ticks flow."""
    before = link.up_bytes
    eventually(lambda: link.up_bytes > before + 10_000, 30, "ticks on the link")


@pytest.mark.parametrize("loss", [0.05, 0.3])
def test_N01_lost_packets_make_it_slow_and_change_nothing(
    stage: Stage, link: Link, few_ticks: Path, whole: Oracle, loss: float
) -> None:
    link.latency_s, link.loss = 0.01, loss
    replay(stage, few_ticks)
    asyncio.run(whole(FEW))


def test_N02_a_link_that_is_reset_again_and_again_loses_and_doubles_nothing(
    stage: Stage, link: Link, few_ticks: Path, whole: Oracle
) -> None:
    replay(stage, few_ticks, LASTING)
    for _ in range(6):
        streams(stage, link)
        link.reset()
    asyncio.run(whole(FEW))
    assert link.resets >= 12  # both ends of six connections
    assert 7 <= len(link.connected_at) <= 20, "it came back each time, and not in a storm"


def test_N03_a_link_that_swallows_everything_is_noticed_within_two_heartbeats(
    stage: Stage, link: Link, few_ticks: Path, whole: Oracle
) -> None:
    replay(stage, few_ticks, LASTING)
    for up, down in ((True, False), (False, True), (True, True)):
        streams(stage, link)
        link.up_dark, link.down_dark = up, down
        before = len(link.connected_at)
        noticed_s = eventually(lambda then=before: len(link.connected_at) > then, 4 * HEARTBEAT_S, "noticing it")
        # noticed within two; it looks once a second, waits before it comes back, and a busy machine adds to both
        assert noticed_s <= 3 * HEARTBEAT_S + 2, (up, down)
        link.up_dark = link.down_dark = False
    asyncio.run(whole(FEW))


def test_N04_half_a_second_and_varying_is_no_storm_of_timeouts(
    stage: Stage, link: Link, few_ticks: Path, whole: Oracle
) -> None:
    link.latency_s, link.jitter_s = 0.3, 0.2
    replay(stage, few_ticks)
    asyncio.run(whole(FEW))
    assert len(link.connected_at) in ONCE, "it was given up although it only was slow"


def test_N06_a_stream_that_comes_in_single_bytes_is_understood(stage: Stage, link: Link, whole: Oracle) -> None:
    # a handshake of thousands of single bytes outlasts the bridge's patience with slow peers where the machine is busy
    link.slice_bytes = 16
    stage.start_client(first_read_s=20)
    eventually(lambda: link.up_bytes > 10_000, 60, "the client's start and its first ticks")
    link.slice_bytes = 1
    before = link.up_bytes
    eventually(lambda: link.up_bytes > before + 10_000, 120, "10,000 single bytes")
    stage.stop_client()
    assert len(link.connected_at) in ONCE


def test_N13_a_server_that_comes_back_is_not_stormed(stage: Stage, link: Link, few_ticks: Path, whole: Oracle) -> None:
    replay(stage, few_ticks)
    streams(stage, link)
    link.refusing = True
    link.reset()
    time.sleep(8)
    link.refusing = False
    before = len(link.connected_at)
    back_s = eventually(lambda: len(link.connected_at) > before, 30, "coming back")
    assert back_s < 16  # the longest pause between two tries
    asyncio.run(whole(FEW))
