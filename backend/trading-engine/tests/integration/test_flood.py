"""Under a flood of ticks, people's orders and executions still get their turn."""

import asyncio
import sys
import time
from decimal import Decimal

import pytest
from engine_field import Field, now_ms
from engine_world import ACCOUNT, SYMBOL, TENANT, batch, execution

from contracts import subjects
from contracts.accounts import Side
from contracts.codec import encode
from contracts.commands import Command, PlaceOrder
from contracts.executions import ExecutionState
from contracts.orders import OrderState
from kit.testing import eventually, sealed_by_gateway

pytestmark = pytest.mark.integration

BATCH = 256
RATE = 150_000
SYMBOLS = ("GBPUSD", "USDJPY", "XAUUSD", "AUDUSD")


async def pour(ground: Field, sent: list[int]) -> None:
    """Ticks of other symbols, `RATE` a second as long as the bus keeps up."""
    began, seq = time.monotonic(), 1
    while True:
        now = now_ms()
        for symbol in SYMBOLS:
            made = batch(seq, [1.1] * BATCH, at_ms=now, step_ms=1, received_ms=now, symbol=symbol)
            await ground.bus.publish(subjects.ticks(TENANT, ACCOUNT, symbol), encode(made))
        seq += BATCH
        sent[0] += BATCH * len(SYMBOLS)
        await asyncio.sleep(max(0.0, began + sent[0] / RATE - time.monotonic()))


async def test_an_order_and_its_execution_pass_through_a_flood_of_ticks(ground: Field) -> None:
    sent = [0]
    await ground.account_reports()
    await ground.ticks([1.1])
    flood = asyncio.create_task(pour(ground, sent))
    began = time.monotonic()
    to_signal, to_state = [], []
    for i in range(20):
        await ground.account_reports()
        await ground.ticks([1.1])
        await asyncio.sleep(0.05)
        start = time.monotonic()
        command = Command(f"c{i}", TENANT, "ann", now_ms(), PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")))
        await ground.bus.store(subjects.commands(TENANT), encode(sealed_by_gateway(command)), message_id=command.id)
        await eventually(lambda i=i: len(ground.signals) == i + 1, every_s=0.001)
        to_signal.append((time.monotonic() - start) * 1e3)
        order_id = ground.signals[-1].signal_id
        report = execution(ground.store.orders[order_id], ExecutionState.REJECTED, number=i + 1)
        start = time.monotonic()
        await ground.bus.store(subjects.executions(TENANT, ACCOUNT), encode(report))
        await eventually(
            lambda order_id=order_id: ground.store.orders[order_id].state is OrderState.REJECTED, every_s=0.001
        )
        to_state.append((time.monotonic() - start) * 1e3)
    rate = sent[0] / (time.monotonic() - began)
    flood.cancel()
    to_signal.sort()
    to_state.sort()
    sys.stdout.write(
        f"{rate:,.0f} ticks/s: command -> signal median {to_signal[10]:.1f}, worst {to_signal[-1]:.1f} ms; "
        f"execution -> stored state median {to_state[10]:.1f}, worst {to_state[-1]:.1f} ms\n"
    )
    assert to_signal[10] < 250, to_signal
    assert to_state[10] < 250, to_state
