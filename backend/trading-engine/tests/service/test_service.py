"""The whole engine on a bus in memory: ticks in, signed signals out, executions move orders."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine_world import ACCOUNT, SYMBOL, T0, TENANT, account, batch, execution, order
from memory_store import MemoryStore

from contracts import rpc, subjects
from contracts.accounts import PriceSource, Side
from contracts.audit import Heartbeat
from contracts.codec import decode, encode
from contracts.commands import Command, LimitsChanged, PauseTrading, PlaceOrder, ResumeTrading
from contracts.executions import ExecutionState
from contracts.limits import RiskLimits
from contracts.orders import Order, OrderState
from contracts.revocations import Revocation, RevocationKind
from contracts.signals import Signal, SignedSignal
from contracts.ticks import Mark, TickBatch
from kit.errors import SettingsError
from kit.keys import key_id, make_private_key
from kit.lifespan import HEARTBEAT_EVERY_S, Service, opened
from kit.revocations import revoke
from kit.signing import verify
from kit.testing import FakeBus, FakeClock, eventually, sealed_by_gateway
from trading_engine.app import create_app
from trading_engine.settings import Settings

CROSS = "ma_cross:default/*:EURUSD:volume=0.1,fast=1,slow=3,sample_ms=100"
FALLS_THEN_RISES = [1.15, 1.14, 1.13, 1.12, 1.11, 1.10, 1.20]


@dataclass
class House:
    """An engine with its bus, store and clock."""

    directory: Path
    bus: FakeBus = field(default_factory=FakeBus)
    clock: FakeClock = field(default_factory=lambda: FakeClock(T0))
    store: MemoryStore = field(default_factory=MemoryStore)
    settings: dict[str, Any] = field(default_factory=dict)
    service: Service | None = None
    seq: int = 0

    @contextlib.asynccontextmanager
    async def engine(self) -> AsyncIterator["House"]:
        config = Settings(port=0, data_dir=self.directory, strategies=CROSS, **self.settings)
        make_private_key(config.key_path())
        await self.store.serve(self.bus)
        async with opened("trading-engine", config, bus=self.bus, clock=self.clock) as self.service:
            await create_app(self.service, config)
            await eventually(lambda: self.service and self.service.health.ready())
            yield self

    async def account_reports(self, **changes: Any) -> None:
        state = account(self.clock.ms, **changes)
        await self.bus.store(subjects.account(TENANT, ACCOUNT), encode(state))

    async def ticks(self, bids: list[float] = FALLS_THEN_RISES, **more: Any) -> TickBatch:
        made = batch(self.seq + 1, bids, at_ms=self.clock.ms, step_ms=100, received_ms=self.clock.ms, **more)
        self.seq += len(bids)
        await self.bus.store(subjects.ticks(TENANT, ACCOUNT, SYMBOL), encode(made))
        return made

    async def command(self, body: Any, command_id: str = "c1") -> None:
        command = Command(command_id, TENANT, "ann", self.clock.ms, body)
        await self.bus.store(subjects.commands(TENANT), encode(sealed_by_gateway(command)), message_id=command_id)

    async def executes(self, sent: Order, state: ExecutionState = ExecutionState.FILLED, number: int = 1) -> None:
        report = execution(sent, state, number)
        await self.bus.store(subjects.executions(TENANT, ACCOUNT), encode(report))

    def signals(self) -> list[SignedSignal]:
        return [decode(data, SignedSignal) for data in self.bus.on("signals.>")]

    def told(self) -> list[Order]:
        return [decode(data, Order) for data in self.bus.on("orders.>")]

    async def first_order(self) -> Order:
        await self.account_reports()
        await self.ticks()
        await eventually(self.told)
        return self.told()[0]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path).engine() as running:
        yield running


async def test_ticks_become_a_committed_order_and_a_signal_that_verifies(house: House) -> None:
    sent = await house.first_order()
    (signed,) = house.signals()
    key = make_private_key(house.directory / "secrets" / "signal.key")
    signal = verify(signed, {key_id(key): key.public_key()})
    assert (signal.order_id, signal.side, signal.volume) == (sent.id, Side.BUY, Decimal("0.1"))
    assert house.store.orders[sent.id].state is OrderState.SUBMITTED
    assert house.store.outbox[sent.id] == signed


async def test_nothing_is_on_the_wire_before_it_is_committed(house: House) -> None:
    seen: list[int] = []

    async def before(commit: rpc.Commit) -> None:
        seen.append(len(house.signals()))

    house.store.before = before
    await house.first_order()
    assert seen == [0]


async def test_an_execution_moves_the_order_and_the_browser_hears_of_it(house: House) -> None:
    sent = await house.first_order()
    await house.executes(sent)
    await eventually(lambda: house.told()[-1].state is OrderState.FILLED)
    assert house.store.orders[sent.id].state is OrderState.FILLED


async def test_a_persons_order_goes_through_the_same_risk(house: House) -> None:
    await house.account_reports()
    await house.ticks([1.1])
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.SELL, Decimal("0.2")), "good")
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.SELL, Decimal("7")), "bad")
    await eventually(lambda: len(house.told()) == 2)
    assert [o.state for o in house.told()] == [OrderState.SUBMITTED, OrderState.DENIED]
    assert "7 lots are above the limit of 1" in house.told()[1].reason
    assert "order_denied" in house.store.kinds()


async def test_limits_are_read_at_the_start_and_again_as_soon_as_they_have_changed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.store.limits = [RiskLimits(TENANT, ACCOUNT, Decimal("0.5"), version=1)]
    async with house.engine():
        await house.account_reports()
        await house.ticks([1.1])
        await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.SELL, Decimal("0.6")), "first")
        await eventually(lambda: len(house.told()) == 1)
        assert "0.6 lots are above the limit of 0.5" in house.told()[0].reason
        house.store.limits = [RiskLimits(TENANT, ACCOUNT, Decimal("0.1"), version=2)]
        await house.command(LimitsChanged(ACCOUNT), "changed")
        await eventually(lambda: house.store.asked_limits == 2)
        await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.SELL, Decimal("0.2")), "second")
        await eventually(lambda: len(house.told()) == 2)
        assert "0.2 lots are above the limit of 0.1" in house.told()[1].reason


async def test_within_a_second_of_a_suspension_nothing_is_sent_for_the_tenant(house: House) -> None:
    await house.account_reports()
    await house.ticks([1.1])
    held = Revocation(TENANT, RevocationKind.TENANT, TENANT, 5, "unpaid", "operator", holds=True)
    await revoke(house.bus, held)
    await eventually(lambda: house.service and house.service.revocations.suspended(TENANT))
    await house.ticks()
    await eventually(house.told)
    assert {order.state for order in house.told()} == {OrderState.DENIED}
    assert house.signals() == []


async def test_a_pause_outlives_a_restart_and_a_resume_ends_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.engine():
        await house.command(PauseTrading("news"), "p")
        await eventually(lambda: house.store.kinds() == ["trading_paused"])
    house.bus = FakeBus()
    async with house.engine():
        await house.account_reports()
        await house.ticks([1.1])
        await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "o1")
        await eventually(lambda: len(house.told()) == 1)
        assert "paused (news)" in house.told()[0].reason
        await house.command(ResumeTrading("over"), "r")
        await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "o2")
        await eventually(lambda: len(house.signals()) == 1)


async def test_a_commit_without_answer_is_repeated_and_sent_once(house: House) -> None:
    house.store.fault = "unavailable"
    await house.account_reports()
    await house.ticks()
    await eventually(lambda: house.service and not house.store.commits)
    house.store.fault = ""
    await eventually(house.signals)
    assert [len(c.signals) for c in house.store.commits] == [1]
    assert len(house.signals()) == 1


async def test_a_signal_that_expires_before_its_commit_is_never_sent(house: House) -> None:
    asked: list[rpc.Commit] = []

    async def before(commit: rpc.Commit) -> None:
        asked.append(commit)

    house.store.before, house.store.fault = before, "unavailable"
    await house.account_reports()
    await house.ticks()
    await eventually(lambda: any(c.signals for c in asked))
    house.clock.advance(5_001)
    await eventually(lambda: not asked[-1].signals)
    house.store.fault = ""
    await eventually(lambda: [o.state for o in house.told()] == [OrderState.EXPIRED])
    assert house.signals() == []
    assert "never sent" in house.told()[0].reason


async def test_one_row_the_store_refuses_does_not_take_the_others_with_it(house: House) -> None:
    held = True

    async def before(commit: rpc.Commit) -> None:
        await eventually(lambda: not held)

    house.store.before = before
    house.store.refuses = lambda commit: bool(commit.signals)
    await house.account_reports()
    await house.ticks([1.1])
    for number, volume in enumerate(("9.1", "0.3", "9.2")):
        await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal(volume)), f"c{number}")
    held = False
    await eventually(lambda: len(house.told()) == 3)
    states = {str(o.volume): o.state for o in house.told()}
    assert states == {"9.1": OrderState.DENIED, "9.2": OrderState.DENIED, "0.3": OrderState.EXPIRED}
    assert house.signals() == []


async def test_the_outbox_is_sent_again_at_start(tmp_path: Path) -> None:
    first = House(tmp_path)
    async with first.engine():
        sent = await first.first_order()
    second = House(tmp_path, store=first.store)
    async with second.engine():
        await eventually(second.signals)
    assert [s.signal_id for s in second.signals()] == [sent.id]


async def test_a_redelivered_tick_after_a_restart_gives_the_same_order_id_and_no_second_signal(tmp_path: Path) -> None:
    first = House(tmp_path)
    async with first.engine():
        sent = await first.first_order()
    second = House(tmp_path, store=first.store)
    async with second.engine():
        await second.account_reports()
        await second.ticks()
        await eventually(lambda: second.service and second.service.counters["ticks"] == len(FALLS_THEN_RISES))
    assert list(first.store.orders) == [sent.id]
    assert [s.signal_id for s in second.signals()] == [sent.id]


async def test_a_signal_the_bus_did_not_take_follows_from_the_outbox(house: House) -> None:
    async def after(commit: rpc.Commit) -> None:
        house.bus.down = bool(commit.signals)

    house.store.after = after
    await house.account_reports()
    await house.ticks()
    await eventually(lambda: house.store.outbox and house.bus.down)
    assert house.signals() == []
    house.store.after = MemoryStore().after
    house.bus.down = False
    await eventually(house.signals)
    assert len(house.signals()) == 1


async def test_a_pause_is_on_disk_even_while_the_store_is_away(house: House) -> None:
    house.store.fault = "unavailable"
    await house.account_reports()
    await house.ticks()
    await house.command(PauseTrading("now"), "p")
    kept = house.directory / "trading-engine" / "pauses.json"
    await eventually(kept.exists)
    assert kept.read_text() == '{"default":"now"}'
    house.store.fault = ""
    await eventually(lambda: "trading_paused" in house.store.kinds())


async def test_while_the_store_refuses_everything_decisions_are_refused_and_resume_after(house: House) -> None:
    house.store.fault = "internal"
    await house.account_reports()
    await house.ticks([1.1])
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "o1")
    await eventually(lambda: house.service and house.service.counters["orders"] == 1)
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "o2")
    await eventually(lambda: house.service and house.service.counters["refused"] == 1)
    house.store.fault = ""
    await eventually(lambda: len(house.told()) == 2)
    assert house.told()[1].reason.startswith("store_unavailable")


async def test_many_ticks_at_once_let_others_have_their_turn(house: House) -> None:
    await house.account_reports()
    for _ in range(6):
        await house.ticks([1.1] * 700)
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "o1")
    await eventually(house.signals)
    await eventually(lambda: house.service and house.service.counters["ticks"] == 4_200)


async def test_without_its_key_the_engine_says_where_to_get_it(tmp_path: Path) -> None:
    config = Settings(port=0, data_dir=tmp_path)
    async with opened("trading-engine", config, bus=FakeBus(), clock=FakeClock(T0)) as service:
        with pytest.raises(SettingsError, match="Start central-hub"):
            await create_app(service, config)


async def test_messages_that_make_no_sense_are_kept_aside_and_not_brought_again(house: House) -> None:
    await house.bus.store(subjects.ticks(TENANT, ACCOUNT, SYMBOL), b"\x93nonsense")
    short = msgspec.structs.replace(batch(1, [1.1, 1.2]), count=3)
    await house.bus.store(subjects.ticks(TENANT, ACCOUNT, SYMBOL), encode(short))
    aside = house.directory / "trading-engine" / "kept-aside.jsonl"
    await eventually(lambda: aside.exists() and len(aside.read_text().splitlines()) == 2)
    assert "3 ticks need 24" in aside.read_text()


async def test_a_restored_order_without_an_answer_blocks_its_line_and_becomes_unknown(tmp_path: Path) -> None:
    house = House(tmp_path)
    old = order(strategy="ma_cross", created_ms=T0 - 120_000, updated_ms=T0 - 120_000)
    house.store.orders[old.id] = old
    async with house.engine():
        await eventually(lambda: house.store.orders[old.id].state is OrderState.UNKNOWN)
        await house.account_reports()
        await house.ticks()
        await eventually(lambda: house.service and house.service.counters["ticks"] == len(FALLS_THEN_RISES))
    assert house.signals() == []


async def test_the_engine_is_not_ready_until_the_stores_have_answered(tmp_path: Path) -> None:
    config = Settings(port=0, data_dir=tmp_path, strategies=CROSS)
    make_private_key(config.key_path())
    bus, store = FakeBus(), MemoryStore()
    async with opened("trading-engine", config, bus=bus, clock=FakeClock(T0)) as service:
        await create_app(service, config)
        await eventually(lambda: service.health.last["recovery"].detail.startswith("orders and accounts have not"))
        assert not service.health.ready()
        await store.serve(bus)
        await eventually(service.health.ready)


async def test_the_metrics_tell_what_was_decided(house: House) -> None:
    from prometheus_client import generate_latest

    await house.first_order()
    assert house.service is not None
    page = generate_latest(house.service.metrics).decode()
    assert "engine_ticks_total 7.0" in page
    assert 'engine_orders_total{state="SUBMITTED"} 1.0' in page
    assert "engine_commit_seconds_count 1.0" in page


async def test_heartbeats_say_at_once_that_trading_is_paused_and_that_it_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path)

    def said() -> dict[str, int]:
        beats = [decode(data, Heartbeat) for data in house.bus.on("health.>")]
        return {name: n for name, n in beats[-1].counters.items() if name.startswith("paused:")} if beats else {}

    async with house.engine():
        await eventually(lambda: said() == {"paused:default": 0})
        await house.command(PauseTrading("news"), "p")
        await eventually(lambda: said() == {"paused:default": 1}, within_s=HEARTBEAT_EVERY_S * 0.9)
    house.bus = FakeBus()
    async with house.engine():
        await eventually(lambda: said() == {"paused:default": 1})
        await house.command(ResumeTrading("over"), "r")
        await eventually(lambda: said() == {"paused:default": 0}, within_s=HEARTBEAT_EVERY_S * 0.9)
        stranger = Command("q", "elsewhere", "bob", house.clock.ms, PauseTrading("news"))
        await house.bus.store(subjects.commands("elsewhere"), encode(sealed_by_gateway(stranger)), message_id="q")
        await eventually(lambda: said() == {"paused:default": 0, "paused:elsewhere": 1})
        stranger = Command("s", "elsewhere", "bob", house.clock.ms, ResumeTrading("over"))
        await house.bus.store(subjects.commands("elsewhere"), encode(sealed_by_gateway(stranger)), message_id="s")
        await eventually(lambda: said() == {"paused:default": 0, "paused:elsewhere": 0})


async def test_what_strategies_want_on_history_is_counted_and_stored_nowhere(house: House) -> None:
    await house.account_reports()
    await house.ticks(marks=int(Mark.BACKFILLED))
    service = house.service
    assert service is not None
    await eventually(lambda: service.counters["proposals_on_old_ticks"] == 1)
    assert (house.told(), house.signals(), house.store.orders) == ([], [], {})


async def test_numbers_of_signals_go_on_after_the_newest_one_even_when_the_clock_went_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.engine():
        sent = await house.first_order()
        (signed,) = house.signals()
        await house.executes(sent)
        await eventually(lambda: house.store.orders[sent.id].state is OrderState.FILLED)
        house.store.answered.add(sent.id)
    first = decode(signed.payload, Signal).seq
    house.store.orders.clear()  # what is left of the order does not tell the number
    house.clock, house.bus, house.seq = FakeClock(T0 - 3_600_000), FakeBus(), 100
    async with house.engine():
        await house.first_order()
        assert decode(house.signals()[0].payload, Signal).seq == first + 1


async def test_T03_a_command_without_a_good_seal_trades_nothing_and_is_audited(house: House) -> None:
    await house.account_reports()
    wish = Command("c1", TENANT, "ann", house.clock.ms, PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")))
    by_viewer = sealed_by_gateway(msgspec.structs.replace(wish, id="c2"), "viewer")
    raised = msgspec.structs.replace(sealed_by_gateway(wish), id="c3")
    for forged in (wish, by_viewer, raised):
        await house.bus.store(subjects.commands(TENANT), encode(forged), message_id=forged.id)
    service = house.service
    assert service is not None
    await eventually(lambda: sum(d.count for d in service.denials.open.values()) == 3)
    assert {d.code for d in service.denials.open.values()} == {"no_seal", "role", "bad_seal"}
    assert house.told() == []


async def test_W01_a_command_on_another_tenants_subject_is_refused(house: House) -> None:
    strange = sealed_by_gateway(Command("c1", "other", "ann", house.clock.ms, PauseTrading("news")))
    await house.bus.store(subjects.commands(TENANT), encode(strange), message_id="c1")
    service = house.service
    assert service is not None
    await eventually(lambda: service.denials.open)
    ((event, tenant, who, what, code),) = service.denials.open
    assert (event, tenant, who, what, code) == (
        "malicious_direct_reference", "other", "ann", "killswitch.press", "tenant",
    )  # fmt: skip


async def test_an_order_with_real_money_on_an_old_proof_is_refused_here_as_well(house: House) -> None:
    await house.account_reports(source=PriceSource.LIVE)
    wish = Command("c1", TENANT, "ann", house.clock.ms, PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")))
    old = sealed_by_gateway(wish, auth_ms=house.clock.ms - 3_600_001)
    service = house.service
    assert service is not None
    await house.bus.store(subjects.commands(TENANT), encode(old), message_id="c1")
    await eventually(lambda: service.denials.open)
    assert {key[4] for key in service.denials.open} == {"step_up_needed"}


@pytest.mark.parametrize(("kind", "name"), [(RevocationKind.USER, "ann"), (RevocationKind.TENANT, "")])
async def test_T12_what_a_disabled_person_or_a_suspended_tenant_asked_for_and_waits_is_taken_back(
    tmp_path: Path, kind: RevocationKind, name: str
) -> None:
    house = House(tmp_path)
    # as after a crash: both wait in the stream while nobody works on them
    await house.command(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), "order")
    await house.command(PauseTrading("news"), "pause")
    subject = "u1" if name else TENANT
    gone = Revocation(TENANT, kind, subject, house.clock.ms + 1, "disabled", "root", name, bool(name))
    await house.bus.store(subjects.revocations(TENANT), encode(gone))
    async with house.engine():
        service = house.service
        assert service is not None
        await eventually(lambda: service.denials.open)
        assert {(key[2], key[4]) for key in service.denials.open} == {("ann", "revoked")}
        # stopping is safe whoever asked for it
        await eventually(lambda: "trading_paused" in house.store.kinds())
    assert house.told() == []
