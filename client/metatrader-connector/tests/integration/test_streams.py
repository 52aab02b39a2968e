"""Real files through the simulated terminal: what the server has is what the file holds, tick by tick."""

import asyncio
import gzip
import json
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from client_security.adapters.local_ca import DESKTOP, local_files
from contracts.accounts import PriceSource
from contracts.ticks import Mark, unpack
from contracts.uplink import Goodbye
from kit.errors import CertificateRefused
from kit.free_ports import free_port
from kit.testing import eventually
from kit.testing.pki import page

pytestmark = pytest.mark.integration
DATA = Path(__file__).parents[5] / "shared" / "data"


async def stop(process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def made_file(world, count: int, step_ms: int = 40) -> Path:
    """A recording with repeats, equal ticks, a crossed, a locked, a late and four impossible ones."""
    lines, stamp = ["ts_ms_utc,bid,ask"], 1_400_000_000_000
    for i in range(count):
        stamp += 0 if i % 7 == 0 else step_ms
        bid, ask = 1.1 + (i % 50) * 1e-5, 1.1002 + (i % 50) * 1e-5
        at = stamp
        if i == 100:
            bid = ask + 0.001
        elif i == 200:
            bid = ask
        elif i == 300:
            at = stamp - 5_000
        elif i in (400, 401):
            bid = float("nan") if i == 400 else 0.0
        elif i in (500, 501):
            ask = -1.0 if i == 500 else float("inf")
        lines.append(f"{at},{bid:.5f},{ask:.5f}")
    path = world.root / "ticks.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def columns(bridge, symbol: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(time_msc, bid, ask, marks) of all the server has, after checking that the numbers have no hole."""
    batches = [b for b in bridge.batches if b.symbol == symbol]
    expected = 1
    for batch in batches:
        assert batch.first_seq == expected
        expected = batch.last_seq + 1
    return tuple(
        np.concatenate([np.array(unpack(code, getattr(b, name))) for b in batches])
        for code, name in (("q", "time_msc"), ("d", "bid"), ("d", "ask"), ("B", "marks"))
    )


async def test_odd_ticks_arrive_marked_and_impossible_ones_are_counted_and_kept_aside(world, bridge) -> None:
    path = made_file(world, 20_000)
    terminal = world.terminal(market={"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 0})
    process = await world.start(terminal, free_port())
    try:
        await eventually(lambda: bridge.total() == 20_000 - 4, within_s=20)
        await eventually(lambda: bridge.states and sum(bridge.states[-1].ticks_refused.values()) == 4)
    finally:
        await stop(process)
    raw = np.loadtxt(path, delimiter=",", skiprows=1)
    keep = np.isfinite(raw).all(axis=1) & (raw[:, 1] > 0) & (raw[:, 2] > 0)
    stamps, bid, ask, marks = columns(bridge, "EURUSD")
    assert np.array_equal(stamps, raw[keep][:, 0].astype(np.int64))
    assert np.array_equal(bid, raw[keep][:, 1])
    assert np.array_equal(ask, raw[keep][:, 2])
    assert [int(marks[i]) for i in (100, 200, 300)] == [Mark.CROSSED, Mark.LOCKED, Mark.LATE]
    assert bridge.states[-1].ticks_refused == {"nan": 2, "not_positive": 2}
    assert bridge.states[-1].source is PriceSource.REPLAY
    aside = (world.data / "quarantine.jsonl").read_bytes().splitlines()
    assert sorted(msgspec.json.decode(line)["reason"] for line in aside) == [
        "nan",
        "nan",
        "not_positive",
        "not_positive",
    ]


async def test_cuts_losses_and_a_kill_lose_nothing_and_double_nothing(world, bridge) -> None:
    path = made_file(world, 60_000)
    market = {"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 400.0}
    terminal = world.terminal(market=market, state_file=None)
    port = free_port()
    process = await world.start(terminal, port)
    try:
        await eventually(lambda: bridge.total() > 2_000, within_s=20)
        bridge.cut()
        await eventually(lambda: bridge.live and bridge.total() > 6_000, within_s=20)
        bridge.drop_batches = 3
        await eventually(lambda: bridge.rewinds > 0 and bridge.total() > 10_000, within_s=20)
        process.kill()
        await process.wait()
        process = await world.start(terminal, port)
        await eventually(lambda: bridge.total() == 60_000 - 4, within_s=40)
    finally:
        await stop(process)
    raw = np.loadtxt(path, delimiter=",", skiprows=1)
    keep = np.isfinite(raw).all(axis=1) & (raw[:, 1] > 0) & (raw[:, 2] > 0)
    stamps, bid, _, _ = columns(bridge, "EURUSD")
    assert np.array_equal(stamps, raw[keep][:, 0].astype(np.int64))
    assert np.array_equal(bid, raw[keep][:, 1])
    assert len(bridge.hellos) >= 3
    assert len({hello.epoch for hello in bridge.hellos}) == 1


async def test_a_dirty_real_file_arrives_complete(world, bridge) -> None:
    path = DATA / "eurusd_fxcm_20140501_15_ticks_utc.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here: the test needs the dirty EUR/USD sample")
    terminal = world.terminal(market={"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 0})
    process = await world.start(terminal, free_port())
    try:
        await eventually(lambda: bridge.total() == 1_144_807, within_s=60)
    finally:
        await stop(process)
    with gzip.open(path) as lines:
        raw = np.loadtxt(lines, delimiter=",", skiprows=1)
    stamps, bid, ask, marks = columns(bridge, "EURUSD")
    assert np.array_equal(stamps, raw[:, 0].astype(np.int64))
    assert np.array_equal(bid, raw[:, 1])
    assert np.array_equal(ask, raw[:, 2])
    assert int(np.count_nonzero(marks & Mark.CROSSED)) == int(np.count_nonzero(raw[:, 1] > raw[:, 2]))
    assert int(np.count_nonzero(marks & Mark.LOCKED)) == int(np.count_nonzero(raw[:, 1] == raw[:, 2]))


async def _health(world, port: int, text: str) -> bool:
    files = local_files(world.data, DESKTOP)
    try:
        _, body = await asyncio.to_thread(page, port, "metatrader-connector", files, "/health/ready")
    except (OSError, CertificateRefused):
        return False
    return text in body.decode()


async def test_a_lost_spool_begins_a_new_epoch_from_number_one(world, bridge) -> None:
    path = made_file(world, 3_000)
    market = {"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 0}
    terminal, port = world.terminal(market=market, state_file=None), free_port()
    process = await world.start(terminal, port)
    await eventually(lambda: bridge.total() == 2_996, within_s=20)
    await stop(process)
    for file in world.data.glob("spool.db*"):
        file.unlink()
    process = await world.start(terminal, port)
    try:
        await eventually(lambda: len(bridge.ticks) == 2 and bridge.total() == 2 * 2_996, within_s=20)
    finally:
        await stop(process)
    assert bridge.faults == []


async def test_a_store_that_knows_more_than_the_spool_makes_a_new_epoch(world, bridge) -> None:
    path = made_file(world, 3_000)
    market = {"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 0}
    terminal, port = world.terminal(market=market, state_file=None), free_port()
    process = await world.start(terminal, port)
    await eventually(lambda: bridge.total() == 2_996, within_s=20)
    first = bridge.hellos[-1].epoch
    bridge.ticks["EURUSD", first] = 1_000_000  # as if this spool were an older copy
    bridge.cut()
    try:
        await eventually(lambda: bridge.hellos[-1].epoch > first, within_s=20)
    finally:
        await stop(process)


async def test_a_hanging_terminal_is_replaced_and_the_stream_has_no_hole(world, bridge) -> None:
    terminal = world.terminal(market={"kind": "generator", "ticks_per_second": 50.0}, faults={"hang": "positions_get"})
    process = await world.start(terminal, free_port(), call_timeout_s="0.5")
    try:
        await eventually(lambda: b"terminal_down" in (world.root / "connector.log").read_bytes(), within_s=20)
        world.terminal(market={"kind": "generator", "ticks_per_second": 50.0})
        await eventually(lambda: bridge.total() > 100, within_s=20)
    finally:
        await stop(process)
    columns(bridge, "EURUSD")
    assert bridge.states[-1].source is PriceSource.SIMULATED


async def test_live_quotes_of_an_exchange_arrive_and_are_called_that(world, bridge) -> None:
    def exchange(connection: ServerConnection) -> None:
        for update in range(1, 101):
            price = f"679{update:02}.01000000"
            connection.send(json.dumps({"u": update, "s": "BTCUSDT", "b": price, "B": "1.0", "a": price, "A": "1.0"}))
        for _ in connection:  # until the terminal leaves
            pass

    with serve(exchange, "127.0.0.1", 0) as server:
        answering = threading.Thread(target=server.serve_forever)
        answering.start()
        address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        terminal = world.terminal(account={"currency": "USDT"}, market={"kind": "live", "address": address})
        process = await world.start(terminal, free_port(), symbols="BTCUSDT")
        try:
            await eventually(lambda: bridge.total() == 100, within_s=20)
            await eventually(lambda: bridge.states and bridge.states[-1].connected)
        finally:
            await stop(process)
            server.shutdown()
            answering.join(10)
    state = bridge.states[-1]
    assert (state.source, state.company) == (PriceSource.LIVE_SIMULATED, "Live quotes, simulated account")


async def test_another_account_in_the_terminal_is_noticed_and_nothing_of_it_is_sent(world, bridge) -> None:
    port = free_port()
    process = await world.start(world.terminal(account={"login": 777}), port)
    try:
        await eventually(lambda: _health(world, port, "logged in to account 777"), within_s=20)
        await eventually(lambda: bridge.live)
    finally:
        await stop(process)
    assert (bridge.total(), bridge.states) == (0, [])


async def test_a_final_goodbye_ends_the_connector_with_a_plain_sentence(world, bridge) -> None:
    bridge.goodbye = Goodbye("tenant_mismatch", "this token belongs to another tenant", False)
    process = await world.start(world.terminal(), free_port())
    assert await asyncio.wait_for(process.wait(), 20) == 3
    assert "this token belongs to another tenant" in (world.root / "connector.log").read_text().splitlines()[-1]
    assert bridge.headers[0] == "Bearer aaa.bbb.ccc"


async def test_a_client_sent_home_says_so_to_the_desktop_that_waits_for_it(world, bridge) -> None:
    bridge.goodbye = Goodbye("fenced", "another client was started since", retry=False)
    process = await world.start(world.terminal(), free_port(), parent="desktop")
    assert await asyncio.wait_for(process.wait(), 20) == 3
    assert "Fatal Python error" not in (world.root / "connector.log").read_text()


async def test_two_connectors_never_share_a_directory(world, bridge) -> None:
    first = await world.start(world.terminal(), free_port())
    try:
        await eventually(lambda: bridge.live, within_s=20)
        second = await world.start(world.terminal(), free_port())
        assert await asyncio.wait_for(second.wait(), 20) == 1
    finally:
        await stop(first)
    assert "stop it first" in (world.root / "connector.log").read_text()


async def test_N14_after_a_change_of_address_the_session_resumes_and_no_tick_is_missing(world, bridge) -> None:
    path = made_file(world, 60_000)
    market = {"kind": "replay", "file": str(path), "symbol": "EURUSD", "speed": 400.0}
    process = await world.start(world.terminal(market=market, state_file=None), free_port())
    port = bridge.port
    try:
        await eventually(lambda: bridge.total() > 2_000, within_s=20)
        await bridge.stop()
        bridge.address = "127.0.0.2"
        (world.data / "server.address").write_text(bridge.address)  # where its name leads now
        await bridge.start(port)
        await eventually(lambda: bridge.total() == 60_000 - 4, within_s=60)
    finally:
        await stop(process)
    columns(bridge, "EURUSD")
    assert len({hello.epoch for hello in bridge.hellos}) == 1
    assert (bridge.joins, set(bridge.headers)) == (1, {"Bearer aaa.bbb.ccc"})


async def test_a_certificate_is_renewed_while_ticks_flow_and_the_line_stays_open(world, bridge) -> None:
    bridge.leaf_lifetime_s = 6
    market = {"kind": "generator", "ticks_per_second": 50.0}
    process = await world.start(world.terminal(market=market), free_port())
    try:
        await eventually(lambda: bridge.renewals >= 2 and bridge.total() > 0, within_s=30)
    finally:
        await stop(process)
    assert (bridge.joins, len(bridge.hellos), bridge.rewinds) == (1, 1, 0)
