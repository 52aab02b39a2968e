"""The bridge's process on a real NATS server: crashes of either lose nothing and double nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bench_bridge
import bridge_rig as rig
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from contracts.codec import encode
from contracts.signals import SignedSignal
from contracts.uplink import Goodbye, Welcome
from kit.testing import eventually
from kit.testing.engines import NatsServer
from kit.tls import Identity

pytestmark = pytest.mark.integration


class Stage:
    """A NATS server, a bridge process, and a store on a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.nats = NatsServer(folder / "nats")
        self.bridge = rig.BridgeProcess(folder / "bridge", self.nats, self.key)

    async def open(self) -> None:
        self.nats.start()
        self.bus = await self.nats.connect("database-service")
        self.store = rig.FakeStore(self.bus)
        await self.store.open()
        await self.bridge.start()

    async def close(self) -> None:
        await self.bus.close()
        self.bridge.stop()
        self.nats.stop()

    async def feed(self, symbol: str, until: int) -> None:
        """A connector: it connects again and goes on until the store has all."""
        while self.store.marks.get((symbol, rig.EPOCH), 0) < until:
            with contextlib.suppress(ConnectionClosed, OSError, InvalidHandshake, AssertionError):
                async with rig.Terminal.opened(self.bridge.url, self.bridge.token(), tls=self.bridge.tls) as terminal:
                    await eventually(lambda t=terminal: t.heard(Welcome) or t.heard(Goodbye))
                    await terminal.feed(symbol, until)
            await asyncio.sleep(0.05)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


def numbers(stage: Stage, symbol: str) -> Any:
    return stage.store.kept[symbol, rig.EPOCH]


async def test_the_store_has_each_number_once_after_the_bridge_was_killed_mid_stream(stage: Stage) -> None:
    feeding = asyncio.create_task(stage.feed("EURUSD", 100_000))
    for at in (8_000, 20_000):
        await eventually(lambda at=at: stage.store.marks.get(("EURUSD", rig.EPOCH), 0) >= at, within_s=30)
        stage.bridge.stop(kill=True)
        assert stage.store.marks["EURUSD", rig.EPOCH] < 100_000, "the stream was over before the crash"
        await stage.bridge.start()
    await asyncio.wait_for(feeding, 60)
    assert numbers(stage, "EURUSD") == list(range(1, 100_001))


async def test_the_store_has_each_number_once_after_the_bus_was_restarted_and_killed_mid_stream(stage: Stage) -> None:
    feeding = asyncio.create_task(stage.feed("XAUUSD", 100_000))
    for at, kill in ((8_000, False), (20_000, True)):
        await eventually(lambda at=at: stage.store.marks.get(("XAUUSD", rig.EPOCH), 0) >= at, within_s=30)
        stage.nats.kill() if kill else stage.nats.stop()
        assert stage.store.marks["XAUUSD", rig.EPOCH] < 100_000, "the stream was over before the crash"
        stage.nats.start()
    await asyncio.wait_for(feeding, 90)
    assert numbers(stage, "XAUUSD") == list(range(1, 100_001))


async def test_the_store_has_each_number_once_after_the_bus_was_away_until_publishing_failed(stage: Stage) -> None:
    feeding = asyncio.create_task(stage.feed("GBPUSD", 30_000))
    await eventually(lambda: stage.store.marks.get(("GBPUSD", rig.EPOCH), 0) >= 8_000, within_s=30)
    stage.nats.kill()

    async def failed() -> bool:
        page = await asyncio.to_thread(stage.bridge.page, "metrics")
        return "bridge_publish_failures_total 0.0" not in page

    await eventually(failed, within_s=20)
    stage.nats.start()
    await asyncio.wait_for(feeding, 60)
    assert numbers(stage, "GBPUSD") == list(range(1, 30_001))


async def test_a_signal_is_redelivered_at_once_to_the_next_connection_until_it_is_executed(stage: Stage) -> None:
    token = stage.bridge.token()
    signal = SignedSignal(rig.TENANT, rig.ACCOUNT, "s1", 2**50, "key", b"p", b"s")
    async with rig.Terminal.opened(stage.bridge.url, token, tls=stage.bridge.tls) as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await stage.bus.store("signals.default.1000001", encode(signal), "s1")
        assert await eventually(lambda: terminal.heard(SignedSignal)) == [signal]
    again = rig.hello_of(last_session=terminal.heard(Welcome)[0].session, claim=False)
    async with rig.Terminal.opened(stage.bridge.url, token, tls=stage.bridge.tls, hello=again) as terminal:
        assert await eventually(lambda: terminal.heard(SignedSignal)) == [signal]
        await terminal.send(rig.execution_of(1, "s1"))
        await eventually(lambda: stage.store.execution_stored == 1)
    again = rig.hello_of(last_session=terminal.heard(Welcome)[0].session, claim=False)
    async with rig.Terminal.opened(stage.bridge.url, token, tls=stage.bridge.tls, hello=again) as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        later = SignedSignal(rig.TENANT, rig.ACCOUNT, "s2", 2**50, "key", b"p", b"s")
        await stage.bus.store("signals.default.1000001", encode(later), "s2")
        assert [s.signal_id for s in await eventually(lambda: terminal.heard(SignedSignal))] == ["s2"]


async def test_a_bridge_asked_to_stop_says_goodbye_and_exits_with_0(stage: Stage) -> None:
    async with rig.Terminal.opened(stage.bridge.url, stage.bridge.token(), tls=stage.bridge.tls) as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        assert await asyncio.to_thread(stage.bridge.stop) == 0
        assert [g.code for g in await eventually(lambda: terminal.heard(Goodbye))] == ["restarting"]


async def test_the_measurement_counts_every_message_it_sent() -> None:
    assert await bench_bridge.measure(5_000) > 0


async def test_a_bridge_whose_certificate_expired_while_the_hub_was_away_says_so_and_ends(stage: Stage) -> None:
    stage.bridge.stop()
    hour_ms = 3_600_000
    authority = stage.nats.authority
    authority.issue(Identity.service("data-bridge"), lifetime_s=-1, from_ms=authority.now_ms - hour_ms)
    with pytest.raises(AssertionError, match="aitrading up"):
        await stage.bridge.start()


async def test_a_bridge_starts_without_any_hub(stage: Stage) -> None:
    stage.bridge.stop()
    await stage.bridge.start()
    assert await asyncio.to_thread(stage.bridge.ready)
