"""Answers the bus has lost are asked of the store."""

import asyncio
import itertools

from engine_world import T0, execution, order
from memory_store import MemoryStore

from contracts.executions import ExecutionState
from contracts.orders import OrderState
from kit.seals import CommandJudge
from kit.testing import FakeBus, FakeClock, eventually, guard_of
from trading_engine.adapters.nats import BusStore
from trading_engine.domain.effects import Effect
from trading_engine.domain.engine import Engine
from trading_engine.domain.events import Restored
from trading_engine.domain.recovery import telling
from trading_engine.ports import Unavailable
from trading_engine.routes import ASK_BACK_AFTER_MS, Routes


class Carries:
    def __init__(self) -> None:
        self.effects: list[Effect] = []

    def submit(self, effects: list[Effect], delivery: object = None) -> None:
        self.effects += effects


class Aside:
    def keep(self, subject: str, data: bytes, reason: str) -> None:
        raise AssertionError(reason)


async def routes(*orders: object) -> tuple[Routes, MemoryStore, BusStore, FakeClock]:
    bus, clock, store = FakeBus(), FakeClock(T0), MemoryStore()
    await store.serve(bus)
    engine = Engine(())
    engine.process(Restored(T0, tuple(orders)))  # type: ignore[arg-type]
    return (
        Routes(engine, Carries(), clock, Aside(), CommandJudge(guard_of("trading-engine", clock.now_ms))),
        store,
        BusStore(bus),
        clock,
    )


async def test_an_order_without_an_end_gets_the_one_the_store_has() -> None:
    made, store, asked, clock = await routes(order())
    store.executions = [
        execution(order(), ExecutionState.UNKNOWN, 1),
        execution(order(), ExecutionState.FILLED, 2),
    ]
    clock.advance(ASK_BACK_AFTER_MS + 1)
    await made.read_back(asked)
    assert made.engine.book.orders[order().id].state is OrderState.FILLED
    assert len(made.carrier.effects) == 1  # type: ignore[attr-defined]


async def test_orders_that_are_young_or_over_are_not_asked_about() -> None:
    young, over = order(), order(OrderState.FILLED, "cd" * 16)
    made, store, asked, clock = await routes(young, over)
    store.executions = [execution(young), execution(over)]
    clock.advance(ASK_BACK_AFTER_MS)
    await made.read_back(asked)
    assert made.carrier.effects == []  # type: ignore[attr-defined]


def test_of_many_answers_a_fill_decides_and_else_the_last_one() -> None:
    one, two = order(), order(order_id="cd" * 16)
    said = (
        execution(one, ExecutionState.FILLED, 1),
        execution(one, ExecutionState.REFUSED, 2, epoch=9),
        execution(two, ExecutionState.REJECTED, 2),
        execution(two, ExecutionState.UNKNOWN, 1),
    )
    assert {e.signal_id: e.state for e in telling(said)} == {
        one.id: ExecutionState.FILLED,
        two.id: ExecutionState.REJECTED,
    }


async def test_a_store_that_is_away_is_asked_again() -> None:
    made, store, asked, clock = await routes(order())
    store.executions = [execution(order())]
    clock.advance(ASK_BACK_AFTER_MS + 1)
    calls = itertools.count()

    class Moody:
        async def executions(self, signal_ids: tuple[str, ...]) -> object:
            if next(calls) == 0:
                raise Unavailable("away")
            return await asked.executions(signal_ids)

    task = asyncio.create_task(made.keep_reading_back(Moody(), lambda: asyncio.sleep(0)))  # type: ignore[arg-type]
    try:
        await eventually(lambda: made.engine.book.orders[order().id].state is OrderState.FILLED)
    finally:
        task.cancel()
