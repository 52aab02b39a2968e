"""Carrying effects out: order, patience and what is given up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from engine_world import T0, binding, engine, ticks

from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.orders import Order
from contracts.signals import Signal, SignedSignal, signal_bytes
from kit.testing import FakeClock, eventually
from trading_engine.adapters.carrier import ANSWERS_WANTED_MS, MOST_WAITING, RESEND_EVERY_S, Carrier
from trading_engine.domain.effects import Effect, RecordAudit, SavePauses
from trading_engine.domain.events import SignalDropped, StoreChanged
from trading_engine.domain.identity import audit
from trading_engine.ports import NotAccepted, Unavailable


@dataclass
class World:
    """Store, wire, pause book and domain in one; `log` tells what happened in order."""

    log: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    """ raised by the next commits, first one first """
    kept: list[SignedSignal] = field(default_factory=list)
    """ what the outbox holds unanswered """
    outbox_fails: bool = False
    wire_fails: bool = False

    async def commit(
        self, orders: tuple[Order, ...], signals: tuple[SignedSignal, ...], audits: tuple[AuditRecord, ...]
    ) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.log.append(f"commit {len(orders)} {len(signals)} {len(audits)}")

    async def orders(self) -> tuple[Order, ...]:
        return ()

    async def accounts(self) -> tuple[AccountState, ...]:
        return ()

    async def outbox(self, now_ms: int) -> tuple[SignedSignal, ...]:
        self.log.append("outbox")
        if self.outbox_fails:
            raise Unavailable("away")
        return tuple(signed for signed in self.kept if signed.expires_ms > now_ms)

    async def probe(self) -> str:
        return ""

    async def signal(self, signed: SignedSignal) -> None:
        if self.wire_fails:
            raise Unavailable("no bus")
        self.log.append("signal")

    async def order(self, order: Order) -> None:
        self.log.append(f"told {order.state}")

    def load(self) -> dict[str, str]:
        return {}

    def save(self, paused: dict[str, str]) -> None:
        self.log.append(f"paused {sorted(paused)}")

    def tell(self, event: SignalDropped | StoreChanged) -> None:
        self.log.append(type(event).__name__ + (f" {event.available}" if isinstance(event, StoreChanged) else ""))


@dataclass
class Waiting:
    """A delivery that may refuse its acknowledgement."""

    world: World
    fails: bool = False

    async def ack(self) -> None:
        if self.fails:
            raise ConnectionError("the connection is gone")
        self.world.log.append("ack")


def seal(signal: Signal) -> SignedSignal:
    return SignedSignal(signal.tenant, signal.account, signal.id, signal.expires_ms, "k", signal_bytes(signal), b"")


@contextlib.asynccontextmanager
async def carrying(world: World, clock: FakeClock) -> AsyncIterator[Carrier]:
    carrier = Carrier(world, world, world, seal, clock, world.tell, lambda seconds: None)
    task = asyncio.create_task(carrier.run())
    try:
        yield carrier
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def an_order() -> list[Effect]:
    return ticks(engine(binding()), 1, [1.1])


def a_record(subject: str = "x") -> RecordAudit:
    return RecordAudit(audit("default", T0, "tested", subject, {}, ""))


async def test_commit_comes_before_signal_before_telling_before_acknowledging() -> None:
    world = World()
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit(an_order(), Waiting(world))
        await eventually(lambda: "ack" in world.log)
    assert world.log == ["commit 1 1 1", "signal", "told SUBMITTED", "ack"]


async def test_a_delivery_waits_for_everything_before_it() -> None:
    world = World(fails=[Unavailable("away")])
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit([a_record()])
        carrier.submit([], Waiting(world))
        await eventually(lambda: "ack" in world.log)
    assert world.log == ["StoreChanged False", "commit 0 0 1", "StoreChanged True", "ack"]


async def test_while_the_store_is_away_deliveries_that_come_again_and_again_do_not_pile_up() -> None:
    world = World(fails=[Unavailable("away")])
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit([a_record()])
        for _ in range(MOST_WAITING + 500):
            carrier.submit([], Waiting(world))
        assert len(carrier._queue) == MOST_WAITING + 1
        await eventually(lambda: world.log.count("ack") == MOST_WAITING)


async def test_what_waits_is_committed_together() -> None:
    world = World()
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit([a_record(str(i)) for i in range(100)], Waiting(world))
        await eventually(lambda: "ack" in world.log)
    assert world.log == ["commit 0 0 64", "commit 0 0 36", "ack"]


async def test_a_pause_does_not_queue() -> None:
    world = World()
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit([a_record()])
        carrier.submit([SavePauses({"default": "x"})])
        assert world.log == ["paused ['default']"]


async def test_a_refused_acknowledgement_is_no_catastrophe() -> None:
    world = World()
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit([], Waiting(world, fails=True))
        carrier.submit([], Waiting(world))
        await eventually(lambda: world.log == ["ack"])


async def test_an_expired_signal_is_given_up_and_the_rest_of_its_group_is_not() -> None:
    world, clock = World(), FakeClock(T0 + 5_000)
    async with carrying(world, clock) as carrier:
        carrier.submit([*an_order(), a_record()], Waiting(world))
        await eventually(lambda: "ack" in world.log)
        assert carrier.dropped == 1
    assert world.log == ["SignalDropped", "commit 0 0 1", "ack"]


async def test_a_clear_no_is_not_repeated() -> None:
    world = World(fails=[NotAccepted("bad row")])
    async with carrying(world, FakeClock(T0)) as carrier:
        carrier.submit(an_order(), Waiting(world))
        await eventually(lambda: "ack" in world.log)
        assert carrier.dropped == 1
    assert world.log == ["SignalDropped", "ack"]


async def test_the_outbox_is_asked_again_soon_after_a_signal_found_no_way_or_the_store_did_not_answer() -> None:
    world = World(wire_fails=True, outbox_fails=True)
    async with carrying(world, FakeClock(T0)) as carrier:
        sending = asyncio.create_task(carrier.resend())
        await eventually(lambda: world.log.count("outbox") == 2)
        world.outbox_fails = False
        await eventually(lambda: world.log.count("outbox") == 3)
        carrier.submit(an_order())
        await eventually(lambda: world.log.count("outbox") == 4, within_s=RESEND_EVERY_S * 0.9)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_signal_that_expired_before_it_found_a_way_is_brought_all_the_same_for_its_answer() -> None:
    expired = SignedSignal("default", "1", "a", T0 - 60_000, "k", b"", b"")
    world = World(kept=[expired, SignedSignal("default", "1", "b", T0 - ANSWERS_WANTED_MS, "k", b"", b"")])
    async with carrying(world, FakeClock(T0)) as carrier:
        sending = asyncio.create_task(carrier.resend())
        await eventually(lambda: "signal" in world.log)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert world.log == ["outbox", "signal"]


async def test_a_store_whose_failed_commit_was_given_up_is_found_again_through_the_outbox() -> None:
    world, clock = World(), FakeClock(T0)
    world.fails = [Unavailable("away")] * 1_000
    async with carrying(world, clock) as carrier:
        carrier.submit(an_order())
        await eventually(lambda: "StoreChanged False" in world.log)
        clock.advance(5_000)
        await eventually(lambda: "SignalDropped" in world.log)
        assert "StoreChanged True" not in world.log
        sending = asyncio.create_task(carrier.resend())
        await eventually(lambda: "StoreChanged True" in world.log)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
