"""Signals on their way to the terminal, and when the bus may forget them."""

import asyncio
from pathlib import Path
from typing import Any

import bridge_rig as rig
import msgspec

from contracts.audit import AuditRecord
from contracts.codec import decode, encode
from contracts.executions import ExecutionState
from contracts.rotation import SignedKeyList
from contracts.rpc import LeaseWish
from contracts.signals import SignedSignal
from contracts.uplink import LEASE_WAIT_MS, Goodbye, Ping, Pong, Welcome
from data_bridge.adapters.signal_feed import SignalFeed
from data_bridge.adapters.trail import BusTrail
from data_bridge.domain.counts import Counts
from kit.errors import BusUnavailable
from kit.testing import FakeBus, FakeClock, eventually

SUBJECT = "signals.default.1000001"


class WatchedBus(FakeBus):
    """Remembers every delivery, so that tests see how it was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: list[Any] = []

    async def consume(self, stream: str, name: str, subject: str, on_deliveries: Any, **options: Any) -> Any:
        async def watched(deliveries: list[Any]) -> None:
            self.deliveries += deliveries
            await on_deliveries(deliveries)

        self.names = [*getattr(self, "names", []), name]
        return await super().consume(
            stream, name, subject, watched if stream == "SIGNALS" else on_deliveries, **options
        )


def signal(app: Any, name: str = "s1", lives_ms: int = 5_000) -> SignedSignal:
    expires = app.clock.now_ms() + lives_ms
    return SignedSignal(rig.TENANT, rig.ACCOUNT, name, expires, "key", b"payload", b"signature")


async def test_a_signal_reaches_the_terminal_as_it_was_signed(run_app: Any) -> None:
    async with run_app(WatchedBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        assert await eventually(lambda: terminal.heard(SignedSignal)) == [signal(app)]
        assert "bridge-default-1000001" in app.bus.names
        assert [d.answered for d in app.bus.deliveries] == [""]


async def test_a_signal_is_kept_until_a_final_execution_is_on_the_bus(run_app: Any) -> None:
    async with run_app(WatchedBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        await eventually(lambda: terminal.heard(SignedSignal))
        await terminal.send(rig.execution_of(1, "s1", ExecutionState.UNKNOWN))
        await eventually(lambda: app.store.execution_stored == 1)
        assert app.bus.deliveries[0].answered == ""
        await terminal.send(rig.execution_of(2, "s1", ExecutionState.FILLED))
        await eventually(lambda: app.bus.deliveries[0].answered == "ack")


async def test_a_signal_nobody_answered_is_let_go_a_minute_after_it_expired(run_app: Any) -> None:
    async with run_app(WatchedBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        await eventually(lambda: terminal.heard(SignedSignal))
        app.clock.advance(13_000)
        assert app.bus.deliveries[0].answered == ""
        for _ in range(5):
            await terminal.send(rig.ticks_of("EURUSD", 1, 1))  # so that the connection is not silent
            frames = app.metric("bridge_frames_total")
            await eventually(lambda seen=frames: app.metric("bridge_frames_total") >= seen)
            app.clock.advance(10_600)
        await eventually(lambda: app.bus.deliveries[0].answered == "ack")


async def test_a_signal_without_an_answer_comes_again_after_a_reconnect(run_app: Any) -> None:
    async with run_app(WatchedBus()) as app:
        async with app.terminal() as terminal:
            await eventually(lambda: terminal.heard(Welcome))
            await app.bus.store(SUBJECT, encode(signal(app)), "s1")
            await eventually(lambda: terminal.heard(SignedSignal))
            (welcome,) = terminal.heard(Welcome)
        await eventually(lambda: app.bus.deliveries[0].answered == "retry")
        async with app.terminal(hello=rig.hello_of(last_session=welcome.session, claim=False)) as terminal:
            assert await eventually(lambda: terminal.heard(SignedSignal)) == [signal(app)]


async def test_signals_that_waited_while_no_terminal_was_there_are_delivered_and_the_old_ones_not_for_ever(
    run_app: Any,
) -> None:
    async with run_app(WatchedBus()) as app:
        await app.bus.store(SUBJECT, encode(signal(app, "old", lives_ms=-61_000)), "old")
        await app.bus.store(SUBJECT, encode(signal(app, "new")), "new")
        async with app.terminal() as terminal:
            await eventually(lambda: len(terminal.heard(SignedSignal)) == 2)
            await terminal.send(rig.execution_of(1, "old", ExecutionState.REFUSED))  # expired, says the connector
            await eventually(lambda: [d.answered for d in app.bus.deliveries] == ["ack", ""])


async def test_a_signal_for_another_account_is_dropped_and_audited(run_app: Any) -> None:
    async with run_app(WatchedBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        wrong = msgspec.structs.replace(signal(app), account="2000002")
        await app.bus.store(SUBJECT, encode(wrong), "s1")
        await app.bus.store(SUBJECT, b"nonsense", "s2")
        await app.bus.store(SUBJECT, encode(signal(app, "good")), "s3")
        (delivered,) = await eventually(lambda: terminal.heard(SignedSignal))
        assert delivered.signal_id == "good"
        assert [d.answered for d in app.bus.deliveries] == ["drop", "drop", ""]
        records = await eventually(
            lambda: [r for d in app.bus.on("audit.>") if (r := decode(d, AuditRecord)).kind == "signal_dropped"]
        )
        assert "2000002" in records[0].detail["reason"]
        assert app.metric("bridge_refused_total", reason="bad_signal") == 2


class ReluctantBus(FakeBus):
    """Makes no consumer for signals the first two times."""

    tries = 0

    async def consume(self, stream: str, *args: Any, **options: Any) -> Any:
        if stream == "SIGNALS":
            self.tries += 1
            if self.tries < 3:
                raise BusUnavailable("no consumer today")
        return await super().consume(stream, *args, **options)


async def test_signals_come_as_soon_as_the_bus_makes_the_consumer(run_app: Any) -> None:
    async with run_app(ReluctantBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        await eventually(lambda: terminal.heard(SignedSignal))
        assert app.bus.tries == 3


async def test_a_terminal_that_leaves_while_the_consumer_is_made_leaves_no_consumer_behind() -> None:
    bus, counts, gate = WatchedBus(), Counts(), asyncio.Event()
    made, sent = bus.consume, []

    async def slow(*args: Any, **options: Any) -> Any:
        await gate.wait()
        return await made(*args, **options)

    bus.consume = slow  # type: ignore[method-assign]
    clock = FakeClock()
    feed = SignalFeed(
        bus, clock, BusTrail("data-bridge", bus, clock, counts), counts, "default", "1000001", sent.append
    )
    opening = asyncio.create_task(feed.open())
    await asyncio.sleep(0)
    await feed.close()
    gate.set()
    await opening
    await bus.store(SUBJECT, encode(SignedSignal("default", "1000001", "s1", 2**50, "k", b"", b"")), "s1")
    assert (sent, bus.deliveries) == ([], [])


def announce(folder: Path, body: bytes) -> SignedKeyList:
    signed = SignedKeyList(body, b"signature")
    path = folder / "secrets" / "signal-keys.json"
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(signed))
    fresh.replace(path)
    return signed


async def test_a_terminal_hears_of_new_signal_keys_at_once_and_another_before_its_first_signal(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        first = announce(app.folder, b"one")
        assert await eventually(lambda: terminal.heard(SignedKeyList)) == [first]
        second = announce(app.folder, b"two")
        assert await eventually(lambda: terminal.heard(SignedKeyList)[1:]) == [second]
    await app.bus.store(SUBJECT, encode(signal(app)), "s1")
    async with app.terminal(hello=rig.hello_of(last_session=terminal.heard(Welcome)[0].session, claim=False)) as later:
        await eventually(lambda: later.heard(SignedSignal))
        kinds = [type(f) for f in later.frames]
        assert kinds.index(SignedKeyList) < kinds.index(SignedSignal)


async def test_a_list_of_keys_that_can_not_be_read_is_told_to_nobody(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        good = announce(app.folder, b"good")
        await eventually(lambda: terminal.heard(SignedKeyList))
        (app.folder / "secrets" / "signal-keys.json").write_text("{")
        app.clock.advance(5_000)
        await eventually(lambda: len(terminal.heard(Ping)) == 2)
        assert terminal.heard(SignedKeyList) == [good]


async def test_O14_a_second_client_of_the_account_waits_until_the_first_ones_lease_is_over(app: Any) -> None:
    async with app.terminal() as first, app.terminal(hello=rig.hello_of("journal-2")) as second:
        (goodbye,) = await eventually(lambda: first.heard(Goodbye))
        assert (goodbye.code, goodbye.retry) == ("fenced", False)
        await eventually(lambda: second.heard(Pong))
        assert [p.fence for p in second.heard(Pong)] == [0]
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        app.clock.advance(LEASE_WAIT_MS)
        await second.say(Ping(2))
        await eventually(lambda: second.heard(SignedSignal))
        assert [p.fence for p in second.heard(Pong)] == [0, 2]


async def test_O14_a_client_that_was_replaced_while_it_was_away_is_sent_home_and_the_holder_stays(app: Any) -> None:
    app.store.holder, app.store.fence = LeaseWish("", "", "journal-2", "", "s", "pc-2", True, 0), 7
    away = rig.hello_of("journal-1", last_session="old", claim=False)
    async with app.terminal(hello=away) as late:
        (goodbye,) = await eventually(lambda: late.heard(Goodbye))
        assert (goodbye.code, goodbye.retry, late.heard(Welcome)) == ("fenced", False, [])
        assert "pc-2" in goodbye.reason
    assert app.metric("bridge_refused_total", reason="fenced") == 1


async def test_a_stale_client_ends_nobody_while_the_store_is_away(app: Any) -> None:
    async with app.terminal() as holder:
        await eventually(lambda: holder.heard(Welcome))
        app.store.lends = False
        async with app.terminal(hello=rig.hello_of("journal-2", last_session="old", claim=False)) as stale:
            (goodbye,) = await eventually(lambda: stale.heard(Goodbye), within_s=10)
            assert (goodbye.code, goodbye.retry) == ("store_unavailable", True)
        await holder.say(Ping(2))
        await eventually(lambda: len(holder.heard(Pong)) > 1)
        assert not holder.heard(Goodbye)


async def test_a_terminal_whose_clock_is_wrong_streams_ticks_and_gets_no_signals(app: Any) -> None:
    async with app.terminal(clock_ahead_ms=30_000) as terminal:
        await eventually(lambda: terminal.heard(Pong))
        await app.bus.store(SUBJECT, encode(signal(app)), "s1")
        await eventually(lambda: app.metric("bridge_refused_total", reason="withheld") == 1)
        await terminal.send(rig.ticks_of("EURUSD", 1, 5))
        await eventually(lambda: terminal.acked("EURUSD") == 5)
        assert terminal.heard(SignedSignal) == []


async def test_a_client_too_old_for_orders_streams_ticks_and_is_lent_nothing(app: Any) -> None:
    async with app.terminal(hello=rig.hello_of("", version="0.0.9")) as terminal:
        await eventually(lambda: terminal.heard(Pong))
        await terminal.send(rig.ticks_of("EURUSD", 1, 5))
        await eventually(lambda: terminal.acked("EURUSD") == 5)
        assert [p.fence for p in terminal.heard(Pong)] == [0]
        assert app.store.wishes == []
