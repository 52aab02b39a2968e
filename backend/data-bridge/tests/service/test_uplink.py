"""Ticks, account states and executions through the real server to the bus, and what comes back."""

import asyncio
import contextlib
from typing import Any

import bridge_rig as rig
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from contracts.accounts import AccountState, MarginMode, PriceSource
from contracts.codec import decode, encode
from contracts.executions import Execution
from contracts.rpc import Stored
from contracts.ticks import TickBatch
from contracts.uplink import (
    MAX_FRAME_BYTES,
    AccountFrame,
    Ack,
    Control,
    Goodbye,
    Hello,
    Refused,
    Rewind,
    StreamPosition,
    Welcome,
)
from kit.testing import FakeBus, eventually


def state_of(equity: int, account: str = rig.ACCOUNT) -> AccountState:
    from decimal import Decimal

    money = Decimal(equity)
    return AccountState(
        rig.TENANT, account, equity, "s", "c", "USD", MarginMode.HEDGING, 100, money, money, money, money, money,
        PriceSource.SIMULATED, True, True, "", (), (),
    )  # fmt: skip


@pytest.fixture
async def terminal(app: Any) -> Any:
    async with app.terminal() as made:
        await eventually(lambda: made.heard(Welcome))
        yield made


async def test_ticks_reach_the_store_in_order_and_are_acknowledged(app: Any, terminal: Any) -> None:
    for first in range(1, 1_001):
        await terminal.send(rig.ticks_of("EURUSD", first, 1))
    await eventually(lambda: terminal.acked("EURUSD") == 1_000)
    assert app.store.kept["EURUSD", rig.EPOCH] == list(range(1, 1_001))
    assert app.metric("bridge_ticks_total") == 1_000


async def test_ticks_that_arrive_together_travel_as_one_stamped_message(app: Any, terminal: Any) -> None:
    frames = [encode(rig.ticks_of("EURUSD", first, 1)) for first in range(1, 101)]
    app.clock.advance(5)
    for frame in frames:
        await terminal.send(frame)
    await eventually(lambda: terminal.acked("EURUSD") == 100)
    batches = [decode(data, TickBatch) for data in app.bus.on("ticks.>")]
    assert len(batches) < 100
    assert {b.bridge_ms for b in batches} == {app.clock.now_ms()}


async def test_a_hole_is_asked_for_and_filled_and_duplicates_are_cut_off(app: Any, terminal: Any) -> None:
    await terminal.send(rig.ticks_of("XAUUSD", 1, 10))
    await terminal.send(rig.ticks_of("XAUUSD", 21, 10))
    (rewind,) = await eventually(lambda: terminal.heard(Rewind))
    assert (rewind.symbol, rewind.from_seq) == ("XAUUSD", 11)
    await terminal.send(rig.ticks_of("XAUUSD", 5, 20))
    await terminal.send(rig.ticks_of("XAUUSD", 25, 6))
    await eventually(lambda: terminal.acked("XAUUSD") == 30)
    assert app.store.kept["XAUUSD", rig.EPOCH] == list(range(1, 31))
    assert app.metric("bridge_holes_total") == 1
    assert app.metric("bridge_duplicates_total") == 6


async def test_a_frame_that_is_cut_short_or_no_msgpack_is_refused_kept_aside_and_the_connection_lives(
    app: Any, terminal: Any
) -> None:
    await terminal.send(encode(rig.ticks_of("EURUSD", 1, 10))[:-7])
    await eventually(lambda: terminal.heard(Refused))
    app.clock.advance(1_000)
    await terminal.send(b"GET / HTTP/1.1")
    refusals = await eventually(lambda: len(terminal.heard(Refused)) == 2 and terminal.heard(Refused))
    assert {r.code for r in refusals} == {"malformed"}
    await terminal.send(rig.ticks_of("EURUSD", 1, 10))
    await eventually(lambda: terminal.acked("EURUSD") == 10)
    kept = [p.read_bytes() for p in (app.folder / "data-bridge" / "refused").iterdir()]
    assert len(kept) == 2
    assert b"GET / HTTP/1.1" in kept
    assert app.metric("bridge_refused_total", reason="malformed") == 2


async def test_a_terminal_that_sends_nonsense_again_and_again_is_sent_away(app: Any, terminal: Any) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(1_000):
            await terminal.send(b"\xc1")
            await asyncio.sleep(0)
    (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
    assert goodbye.code == "malformed"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (rig.ticks_of("EURUSD", 1, 1, account="2000002"), "wrong_account"),
        (AccountFrame(state_of(1, "2000002")), "wrong_account"),
        (msgspec.structs.replace(rig.execution_of(1), account="2000002"), "wrong_account"),
        (msgspec.structs.replace(rig.execution_of(1), number=0), "bad_number"),
        (msgspec.structs.replace(rig.ticks_of("EURUSD", 1, 2), count=3), "bad_columns"),
        (msgspec.structs.replace(rig.ticks_of("EURUSD", 1, 2), count=-1), "bad_columns"),
        (rig.ticks_of("EUR USD\r\n", 1, 1), "bad_symbol"),
        (rig.ticks_of("EURUSD", 1, 1, epoch=5), "old_epoch"),
        (rig.ticks_of("EURUSD", 1, 1, epoch=2**63), "bad_epoch"),
        (Control(Hello(1, rig.TENANT, rig.ACCOUNT, rig.EPOCH, "again", 1)), "unexpected"),
    ],
)
async def test_a_frame_that_can_not_be_this_terminals_is_refused(
    app: Any, terminal: Any, frame: Any, code: str
) -> None:
    await terminal.send(frame)
    (refusal,) = await eventually(lambda: terminal.heard(Refused))
    assert refusal.code == code
    assert app.bus.on("ticks.>") + app.bus.on("executions.>") + app.bus.on("account.>") == []


async def test_text_and_fragments_are_refused(app: Any, terminal: Any) -> None:
    await terminal.socket.send("text")
    await terminal.socket.send(iter([b"a", b"b"]))
    await eventually(lambda: {r.code for r in terminal.heard(Refused)} == {"not_binary"})


async def test_a_frame_that_claims_an_extension_nobody_agreed_to_is_refused(app: Any, terminal: Any) -> None:
    for bit in (0x40, 0x20, 0x10):
        terminal.socket.transport.write(bytes([0x82 | bit, 0x81]) + bytes(4) + b"x")
    await eventually(lambda: [r.code for r in terminal.heard(Refused)] == ["not_binary"] * 3)


async def test_an_oversize_frame_ends_the_connection_and_is_counted(app: Any, terminal: Any) -> None:
    with contextlib.suppress(ConnectionClosed):
        await terminal.send(bytes(MAX_FRAME_BYTES + 1))
    await terminal.socket.wait_closed()
    await eventually(lambda: app.metric("bridge_refused_total", reason="oversize") == 1)


async def test_a_spool_made_anew_begins_a_new_epoch_at_1(app: Any, terminal: Any) -> None:
    await terminal.send(rig.ticks_of("EURUSD", 1, 10))
    await terminal.send(rig.ticks_of("EURUSD", 1, 5, epoch=rig.EPOCH + 1))
    await eventually(lambda: app.store.kept.get(("EURUSD", rig.EPOCH + 1)) == [1, 2, 3, 4, 5])
    assert app.store.kept["EURUSD", rig.EPOCH] == list(range(1, 11))


async def test_the_newest_account_state_is_published(app: Any, terminal: Any) -> None:
    app.bus.down = True
    for equity in (1, 2, 3):
        await terminal.send(AccountFrame(state_of(equity)))
    await eventually(lambda: app.metric("bridge_frames_total") == 6)
    app.bus.down = False
    sent = await eventually(lambda: app.bus.on("account.default.1000001"))
    assert [decode(d, AccountState).taken_ms for d in sent] == [3]


async def test_executions_are_relayed_in_order_and_acknowledged_when_stored(app: Any, terminal: Any) -> None:
    for number in (1, 2, 2, 3):
        await terminal.send(rig.execution_of(number))
    await eventually(lambda: any(a.execution_stored == 3 for a in terminal.heard(Ack)))
    assert [decode(d, Execution).number for d in app.bus.on("executions.default.1000001")] == [1, 2, 3]


async def test_a_gap_in_executions_is_told_and_the_missing_ones_are_taken(app: Any, terminal: Any) -> None:
    await terminal.send(rig.execution_of(1))
    await eventually(lambda: any(a.execution_stored == 1 for a in terminal.heard(Ack)))
    await terminal.send(rig.execution_of(3))
    (refusal,) = await eventually(lambda: terminal.heard(Refused))
    assert refusal.code == "execution_gap"
    assert terminal.heard(Ack)[-1].execution_stored == 1
    for number in (2, 3):
        await terminal.send(rig.execution_of(number))
    await eventually(lambda: any(a.execution_stored == 3 for a in terminal.heard(Ack)))


async def test_after_the_bus_was_away_the_terminal_repeats_and_nothing_is_missing(app: Any, terminal: Any) -> None:
    await terminal.send(rig.ticks_of("EURUSD", 1, 10))
    await eventually(lambda: terminal.acked("EURUSD") == 10)
    app.bus.down = True
    feeding = asyncio.create_task(terminal.feed("EURUSD", 500))
    await terminal.send(rig.execution_of(1))
    await eventually(lambda: app.metric("bridge_publish_failures_total") >= 2)
    assert terminal.acked("EURUSD") == 10
    app.bus.down = False
    await asyncio.wait_for(feeding, 10)
    assert app.store.kept["EURUSD", rig.EPOCH] == list(range(1, 501))
    # the bridge itself kept the execution: a connector repeats executions only after a reconnect
    await eventually(lambda: any(a.execution_stored == 1 for a in terminal.heard(Ack)))
    assert not terminal.heard(Refused)


async def test_a_terminal_that_goes_on_beyond_a_gap_in_executions_must_connect_again(app: Any, terminal: Any) -> None:
    await terminal.send(rig.execution_of(2))
    await eventually(lambda: terminal.heard(Refused))
    await terminal.send(rig.execution_of(3))
    await eventually(lambda: app.metric("bridge_waiting_total") == 1)
    app.clock.advance(7_000)
    (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
    assert (goodbye.code, goodbye.retry) == ("execution_gap", True)


class SlowBus(FakeBus):
    """Takes ticks only when its gate is open."""

    gate: asyncio.Event

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        if subject.startswith("ticks."):
            await self.gate.wait()
        await super().store(subject, data, message_id)


async def test_a_slow_bus_makes_the_terminal_wait_and_memory_stays_bounded(run_app: Any) -> None:
    bus = SlowBus()
    bus.gate = asyncio.Event()
    async with run_app(bus, max_in_flight_messages=4, max_in_flight_bytes=4_000_000) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        total = 100 * 20_000

        async def pour() -> None:
            for first in range(1, total, 20_000):
                await terminal.send(rig.ticks_of("EURUSD", first, 20_000))

        pouring = asyncio.create_task(pour())
        await eventually(lambda: app.metric("bridge_in_flight_messages") == 4)
        await asyncio.sleep(0.5)
        assert not pouring.done()
        # what is in flight, what was read before the pause, and nothing that grows with what the terminal has
        assert app.metric("bridge_bytes_total") < 30 * 740_000
        assert app.metric("bridge_in_flight_bytes") < 5_000_000
        app.clock.advance(60_000)
        app.service.counters.clear()
        await eventually(lambda: app.service.counters)  # the bridge has looked at the clock while it did not read
        bus.gate.set()
        await pouring
        await eventually(lambda: terminal.acked("EURUSD") == total, within_s=20)
        assert not terminal.heard(Goodbye)
        assert app.metric("bridge_in_flight_bytes") == 0


async def test_a_store_that_lost_what_was_published_gets_it_again_with_new_message_ids(app: Any, terminal: Any) -> None:
    app.store.mute = True
    await terminal.send(rig.ticks_of("EURUSD", 1, 10))
    await eventually(lambda: app.store.marks)  # or it would keep them after it has lost everything
    app.store.marks.clear()
    app.store.kept.clear()
    app.store.mute = False
    app.clock.advance(3_000)
    (rewind,) = await eventually(lambda: terminal.heard(Rewind))
    assert rewind.from_seq == 1
    await terminal.send(rig.ticks_of("EURUSD", 1, 10))
    await eventually(lambda: terminal.acked("EURUSD") == 10)
    assert app.store.kept["EURUSD", rig.EPOCH] == list(range(1, 11))


async def test_two_accounts_are_kept_apart_all_the_way(app: Any, terminal: Any) -> None:
    hello = Hello(1, rig.TENANT, "2000002", rig.EPOCH, "other", 1)
    async with rig.Terminal.opened(app.url, app.token(account="2000002"), hello=hello, tls=app.tls) as other:
        await eventually(lambda: other.heard(Welcome))
        await terminal.send(rig.ticks_of("EURUSD", 1, 3))
        await other.send(msgspec.structs.replace(rig.ticks_of("GBPUSD", 1, 5), account="2000002"))
        await eventually(lambda: len(app.bus.on("ticks.default.2000002.GBPUSD")) == 1)
        await eventually(lambda: len(app.bus.on("ticks.default.1000001.EURUSD")) == 1)
        news = Stored(rig.TENANT, "2000002", (StreamPosition("GBPUSD", rig.EPOCH, 5),))
        await app.bus.publish("stored.default.2000002", encode(news))
        await eventually(lambda: other.acked("GBPUSD") == 5)
        await eventually(lambda: terminal.acked("EURUSD") == 3)
        assert other.acked("EURUSD") == 0
        assert not terminal.heard(Goodbye)
