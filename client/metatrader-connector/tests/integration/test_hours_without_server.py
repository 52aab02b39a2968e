"""Hours of ticks without a server, by volume: all of them arrive afterwards, or the gap does."""

import sqlite3

import msgspec
import numpy as np
import pytest

from contracts.ticks import unpack
from kit.free_ports import free_port
from kit.testing import eventually
from metatrader_connector.domain.cursor import Cursor

pytestmark = pytest.mark.integration
TWELVE_HOURS = 12 * 3_600 * 8
"""Ticks of a lively symbol in twelve hours, at eight a second."""


def recording(world, count: int):
    stamps = 1_400_000_000_000 + np.arange(count) * 125
    path = world.root / "ticks.csv"
    bid = np.round(1.1 + (np.arange(count) % 500) * 1e-5, 5)
    rows = np.column_stack((stamps, bid, bid + 1e-4))
    np.savetxt(path, rows, fmt=("%d", "%.5f", "%.5f"), delimiter=",", header="ts_ms_utc,bid,ask", comments="")
    return path, stamps


async def stop(process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def offline_then_back(world, bridge, path, count: int, **settings: str):
    """Read all of it with nobody to send it to, be killed, then find the server again."""
    market = {"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 0}
    terminal, port = world.terminal(market=market, state_file=None), free_port()
    address = bridge.port
    await bridge.stop()
    log = world.root / "connector.log"
    process = await world.start(terminal, port, **settings)
    try:
        await eventually(lambda: spooled(world) >= count, within_s=60)
        process.kill()
        await process.wait()
        await bridge.start(address)
        process = await world.start(terminal, port, **settings)
        await eventually(lambda: bridge.live and bridge.states, within_s=30)
    except BaseException:
        await stop(process)
        print(log.read_text()[-2_000:])
        raise
    return process


def spooled(world) -> int:
    try:
        with sqlite3.connect(f"file:{world.data / 'spool.db'}?mode=ro", uri=True) as db:
            rows = db.execute("SELECT body FROM cursors").fetchall()
    except sqlite3.OperationalError:  # not made yet
        return 0
    return sum(msgspec.msgpack.decode(row[0], type=Cursor).next_seq - 1 for row in rows)


async def test_twelve_hours_of_ticks_wait_for_the_server_and_all_arrive_once(world, bridge) -> None:
    path, stamps = recording(world, TWELVE_HOURS)
    process = await offline_then_back(world, bridge, path, TWELVE_HOURS)
    try:
        await eventually(lambda: bridge.total() == TWELVE_HOURS, within_s=60)
    finally:
        await stop(process)
    found = np.concatenate([np.array(unpack("q", batch.time_msc)) for batch in bridge.batches])
    assert np.array_equal(found, stamps)
    assert bridge.states[-1].tick_gaps == ()


async def test_F01_what_a_full_spool_dropped_is_told_to_the_server_to_the_tick(world, bridge) -> None:
    path, stamps = recording(world, TWELVE_HOURS)
    process = await offline_then_back(world, bridge, path, TWELVE_HOURS, spool_max_mb="3")
    try:
        gaps = await eventually(lambda: bridge.states[-1].tick_gaps, within_s=20)
        lost = sum(gap.ticks for gap in gaps)
        await eventually(lambda: bridge.total() == TWELVE_HOURS - lost, within_s=60)
    finally:
        await stop(process)
    assert {(gap.symbol, gap.reason) for gap in gaps} == {("EURUSD", "spool_full")}
    assert (gaps[0].from_ms, gaps[-1].to_ms) == (stamps[0], stamps[lost - 1])
    found = np.concatenate([np.array(unpack("q", batch.time_msc)) for batch in bridge.batches])
    assert np.array_equal(found, stamps[lost:])
