"""The engine as a process on a real bus, killed at the worst moments: exactly one signal per order."""

import asyncio
import contextlib
import sys
import time

import pytest
from engine_field import FALLS_THEN_RISES, Field, engine_listens
from engine_world import ACCOUNT, TENANT, execution
from memory_store import nothing_happens

from contracts import rpc, subjects
from contracts.codec import decode, encode
from contracts.executions import ExecutionState
from contracts.orders import OrderState
from contracts.signals import Signal
from kit.errors import BusUnavailable
from kit.testing import eventually

pytestmark = pytest.mark.integration


def one_signal_per_order(ground: Field) -> bool:
    seen = [s.signal_id for s in ground.signals]
    orders = [decode(s.payload, Signal).order_id for s in ground.signals]
    return len(seen) == len(set(seen)) == len(set(orders))


async def test_killed_after_the_commit_and_before_the_publish_it_sends_exactly_once(ground: Field) -> None:
    killed = asyncio.Event()

    async def kill_it(commit: rpc.Commit) -> None:
        if commit.signals and not killed.is_set():
            killed.set()
            ground.kill()

    ground.store.after = kill_it
    await ground.cross()
    await asyncio.wait_for(killed.wait(), 10)
    assert ground.signals == []
    assert len(ground.store.outbox) == 1
    ground.start()
    await eventually(lambda: ground.signals, within_s=10)
    await ground.cross()  # and the order it knows of blocks the strategy, whatever it sees again
    await eventually(lambda: engine_listens(ground.bus), within_s=10)
    await asyncio.sleep(6)  # the outbox is sent again every five seconds, unanswered ticks come back after five
    assert one_signal_per_order(ground)
    assert [s.signal_id for s in ground.signals] == list(ground.store.outbox)


async def test_killed_before_the_commit_nothing_was_promised_and_trading_goes_on(ground: Field) -> None:
    killed = asyncio.Event()

    async def kill_it(commit: rpc.Commit) -> None:
        if commit.signals and not killed.is_set():
            killed.set()
            ground.kill()
            raise ConnectionError("the process that asked is gone; its transaction with it")

    ground.store.before = kill_it
    await ground.cross()
    await asyncio.wait_for(killed.wait(), 10)
    assert ground.store.outbox == {}
    ground.store.before = nothing_happens
    ground.start()
    await eventually(lambda: engine_listens(ground.bus), within_s=10)
    # the same ticks come again by themselves; should they be too old by then, new ones make a new decision
    for _ in range(3):
        if not ground.signals:
            await ground.cross()
            await asyncio.sleep(2)
    await eventually(lambda: ground.signals, within_s=10)
    assert one_signal_per_order(ground)
    assert sorted(s.signal_id for s in ground.signals) == sorted(ground.store.outbox)


async def test_killed_after_an_execution_was_applied_but_not_stored_the_order_still_moves(ground: Field) -> None:
    await ground.cross()
    await eventually(lambda: ground.told, within_s=10)
    sent = ground.told[0]
    killed = asyncio.Event()

    async def kill_it(commit: rpc.Commit) -> None:
        if not killed.is_set():
            killed.set()
            ground.kill()
            raise ConnectionError("gone")

    ground.store.before = kill_it
    report = execution(sent, ExecutionState.FILLED)
    await ground.bus.store(subjects.executions(TENANT, ACCOUNT), encode(report))
    await asyncio.wait_for(killed.wait(), 10)
    assert ground.store.orders[sent.id].state is OrderState.SUBMITTED
    ground.store.before = nothing_happens
    ground.start()
    # the unanswered execution is brought again after its ten seconds; nothing else may move the order before
    await eventually(lambda: ground.store.orders[sent.id].state is OrderState.FILLED, within_s=25, every_s=0.1)
    assert one_signal_per_order(ground)


async def test_a_decision_leaves_within_milliseconds_when_idle(ground: Field) -> None:
    """From the tick's publication to the signal in a bridge's hands, with a store that answers at once."""
    took_ms: list[float] = []
    for _ in range(30):
        before = set(ground.first_at)
        ground.epoch, ground.seq = ground.epoch + 1, 0
        await ground.account_reports()
        await ground.ticks(FALLS_THEN_RISES[:-1])
        await asyncio.sleep(0.03)
        began = time.monotonic_ns()
        await ground.ticks(FALLS_THEN_RISES[-1:])
        await eventually(lambda before=before: set(ground.first_at) - before, within_s=5, every_s=0.0005)
        (new,) = set(ground.first_at) - before
        took_ms.append((ground.first_at[new] - began) / 1e6)
        sent = ground.store.orders[new]
        # refused at the terminal: the line is free again, and no position is left
        report = execution(sent, ExecutionState.REFUSED, number=len(took_ms))
        await ground.bus.store(subjects.executions(TENANT, ACCOUNT), encode(report))
        await eventually(lambda new=new: ground.store.orders[new].state is OrderState.REJECTED)
    took_ms.sort()
    sys.stdout.write(f"tick published -> signal received: median {took_ms[15]:.1f} ms, worst {took_ms[-1]:.1f} ms\n")
    # the best of them: a busy machine delays some, a timer in the way would delay every one
    assert took_ms[0] < 50, took_ms


async def test_asked_to_stop_it_stops_and_says_all_is_well(ground: Field) -> None:
    assert ground.process is not None
    ground.process.terminate()
    assert await asyncio.to_thread(ground.process.wait, 30) == 0


async def test_after_the_bus_was_killed_and_came_back_trading_goes_on(ground: Field) -> None:
    ground.server.kill()
    await asyncio.to_thread(ground.server.start)
    await eventually(lambda: engine_listens(ground.bus), within_s=20, every_s=0.1)
    for _ in range(5):
        if not ground.signals:
            with contextlib.suppress(BusUnavailable):
                await ground.cross()
            await asyncio.sleep(2)
    await eventually(lambda: ground.signals, within_s=10)
    assert one_signal_per_order(ground)
    assert [s.signal_id for s in ground.signals] == list(ground.store.outbox)
