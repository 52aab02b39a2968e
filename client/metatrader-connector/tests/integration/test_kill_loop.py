"""kill -9 at every step between a signal and its stored execution: never two orders, never a forgotten one."""

import ast
import asyncio
import signal as signals
import sqlite3
from pathlib import Path

import pytest

import metatrader_connector
from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from kit.free_ports import free_port
from kit.testing import eventually
from metatrader_connector.failpoints import IN_TERMINAL, STEPS

pytestmark = pytest.mark.integration
NEVER_SENT = ("received", "believed", "allowed")
""" killed before the intent was written: the signal is delivered again and, unless its time is over, executed """
ABSENT = ("after_journal", "terminal_before_send")
""" killed with the intent written and before `order_send`: it stays unsent for ever """
FAULTS = {"during_send": {"reply_latency_ms": 400.0}, "after_search": {"lost_reply": 1}}
""" what the terminal must do so that the step is reached at all """


def passed_steps() -> set[str]:
    """Every name that the source passes to a failpoint."""
    return {
        node.args[0].value
        for file in Path(metatrader_connector.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "failpoint"
    }


def test_the_loop_knows_every_step_that_the_source_names_and_no_other() -> None:
    assert passed_steps() == set(STEPS)


def broker_deals(world) -> list[str]:
    """Bodies of the trade deals in the simulated broker's own books; the first deal is the deposit."""
    with sqlite3.connect(world.root / "broker.db") as db:
        return [row[0] for row in db.execute("SELECT body FROM deals ORDER BY ticket")][1:]


async def ready(bridge) -> None:
    """Prices flow, the account was seen, and the second answer says that the first, with the lease, was heard."""
    await eventually(lambda: bridge.live and bridge.states and bridge.total() and bridge.pongs > 1, within_s=30)


async def stop(process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def answer(world, bridge) -> State:
    """What becomes of one more order."""
    signed = world.signal(side=Side.SELL)
    bridge.send(signed)
    mine = await eventually(lambda: [e for e in bridge.finals() if e.signal_id == signed.signal_id], within_s=15)
    return mine[0].state


async def killed_and_started_again(world, bridge, step, terminal):
    """Run into the kill, start again, bring the signal once more as the bus does: (the process that runs, signal)."""
    port = free_port()
    process = await world.start(terminal, port, failpoint=step)
    try:
        await ready(bridge)
        signed = world.signal()
        bridge.send(signed)
        if step in IN_TERMINAL:  # that process dies; the connector lives, starts another and searches
            await eventually(lambda: bridge.heard_executions, within_s=15)
            return process, signed
        assert await asyncio.wait_for(process.wait(), 20) == -signals.SIGKILL
    except BaseException:
        await stop(process)
        raise
    bridge.states.clear()
    bridge.pongs = 0
    process = await world.start(terminal, port)
    try:
        await ready(bridge)
    except BaseException:
        await stop(process)
        raise
    bridge.send(signed)
    return process, signed


@pytest.mark.parametrize("margin_mode", ["hedging", "netting"])
@pytest.mark.parametrize("step", STEPS)
async def test_O05_a_kill_at_any_step_leaves_one_order_or_none_and_a_true_report(
    world, bridge, step, margin_mode
) -> None:
    terminal = world.terminal(account={"margin_mode": margin_mode}, faults=FAULTS.get(step, {}))
    process, signed = await killed_and_started_again(world, bridge, step, terminal)
    try:
        done = await eventually(lambda: bridge.finals(), within_s=25)
        heard = len(bridge.heard_executions)
        bridge.send(signed)  # and once more: the answer is the one that was given
        await eventually(lambda: len(bridge.heard_executions) > heard, within_s=10)
        # nothing is left behind that keeps the next order from being executed (a start has to hear a price first);
        # a terminal's process that dies at this step dies at every order
        async with asyncio.timeout(20):
            while (became := await answer(world, bridge)) is State.REFUSED:
                await asyncio.sleep(0.2)
        assert became is State.FILLED or step in IN_TERMINAL
    finally:
        await stop(process)
    told = [e for e in bridge.finals() if e.signal_id == signed.signal_id]
    deals = [body for body in broker_deals(world) if str(signed.signal_id[:20]) in body]
    assert len({(e.epoch, e.number, e.state) for e in told}) == 1
    if step in NEVER_SENT:  # the bridge of this test brought it again: within its four seconds it was executed
        assert (len(deals), told[0].state) in ((1, State.FILLED), (0, State.REFUSED))
    elif step in ABSENT:
        assert (len(deals), told[0].state) == (0, State.NOT_SENT)
    else:
        assert (len(deals), told[0].state) == (1, State.FILLED)
        assert done[0].deal > 0
        assert done[0].position > 0
        assert done[0].price > 0
