"""Answers that are late, lost or a refusal: the broker has the order once or not at all; the server learns which."""

import sqlite3

import pytest

from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from kit.free_ports import free_port
from kit.testing import eventually

pytestmark = pytest.mark.integration


def broker_deals(world) -> list[str]:
    """Bodies of the trade deals in the simulated broker's own books; the first deal is the deposit."""
    with sqlite3.connect(world.root / "broker.db") as db:
        return [row[0] for row in db.execute("SELECT body FROM deals ORDER BY ticket")][1:]


async def ready(bridge) -> None:
    await eventually(lambda: bridge.live and bridge.states and bridge.total(), within_s=20)


async def stop(process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


@pytest.mark.parametrize(
    ("fault", "state", "deals"), [("lost_reply", State.FILLED, 1), ("lost_request", State.NOT_SENT, 0)]
)
async def test_a_lost_answer_is_unknown_then_found_or_proved_absent(world, bridge, fault, state, deals) -> None:
    process = await world.start(world.terminal(faults={fault: 1}), free_port())
    try:
        await ready(bridge)
        bridge.send(world.signal())
        done = await eventually(lambda: bridge.finals(), within_s=15)
        seen = [e.state for _, e in bridge.heard_executions]
    finally:
        await stop(process)
    assert (done[0].state, seen[0], len(broker_deals(world))) == (state, State.UNKNOWN, deals)


async def test_a_terminal_that_hangs_in_order_send_is_replaced_and_the_order_found(world, bridge) -> None:
    terminal = world.terminal(faults={"reply_latency_ms": 60_000.0})
    process = await world.start(terminal, free_port(), send_timeout_s="1.0")
    try:
        await ready(bridge)
        bridge.send(world.signal())
        done = await eventually(lambda: bridge.finals(), within_s=25)
    finally:
        await stop(process)
    assert (done[0].state, done[0].code, len(broker_deals(world))) == (State.FILLED, "found", 1)


async def test_a_position_is_opened_and_closed_and_a_redelivery_changes_nothing(world, bridge) -> None:
    process = await world.start(world.terminal(), free_port())
    try:
        await ready(bridge)
        opening = world.signal()
        for _ in range(3):
            bridge.send(opening)
        opened = await eventually(lambda: bridge.finals())
        bridge.send(world.signal(side=Side.SELL, position=opened[0].position))
        both = await eventually(lambda: len(bridge.finals()) == 2 and bridge.finals())
        await eventually(lambda: len(bridge.heard_executions) >= 4)
        await eventually(lambda: bridge.states[-1].positions == ())
    finally:
        await stop(process)
    assert [e.state for e in both] == [State.FILLED, State.FILLED]
    assert both[1].position == opened[0].position
    assert len(broker_deals(world)) == 2
    assert both[0].decision_to_send_us > 0
    assert both[0].tick_time_msc > 0


@pytest.mark.parametrize(
    ("faults", "state", "code"),
    [
        ({"autotrading": False}, State.REFUSED, "trading_not_allowed"),
        ({"disconnect": True}, State.REFUSED, "terminal_not_ready"),
        ({"market_closed": True}, State.REJECTED, "retcode_10018"),
        ({"retcode": 10019}, State.REJECTED, "retcode_10019"),
        ({"retcode": 10012}, State.NOT_SENT, "not_found"),
    ],
)
async def test_what_stops_an_order_is_told_with_its_code(world, bridge, faults, state, code) -> None:
    process = await world.start(world.terminal(faults=faults), free_port())
    try:
        await eventually(lambda: bridge.live and bridge.states and (bridge.total() or "disconnect" in faults), 20)
        bridge.send(world.signal())
        done = await eventually(lambda: bridge.finals(), within_s=15)
    finally:
        await stop(process)
    assert (done[0].state, done[0].code, broker_deals(world)) == (state, code, [])
    assert done[0].reason


async def test_executions_the_server_did_not_store_come_again_after_a_reconnect(world, bridge) -> None:
    process = await world.start(world.terminal(), free_port())
    try:
        await ready(bridge)
        bridge.forget_executions = True
        bridge.send(world.signal())
        await eventually(lambda: bridge.heard_executions)
        bridge.forget_executions = False
        bridge.cut()
        await eventually(lambda: bridge.finals(), within_s=15)
    finally:
        await stop(process)
    assert [e.number for e in bridge.finals()] == [1]
