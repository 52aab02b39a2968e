"""The hub's service part with a bus in memory."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from central_hub.adapters.datadir import DataDir
from central_hub.app import create_app
from central_hub.cli.asking import get
from central_hub.domain.registry import Managed
from central_hub.domain.runstate import RunState
from central_hub.routes import Routes
from central_hub.settings import Settings
from contracts import rpc
from contracts.audit import ErrorReport, Heartbeat
from contracts.codec import encode
from kit.free_ports import free_ports
from kit.lifespan import opened
from kit.testing import FakeBus, FakeClock, eventually
from kit.testing.pki import TestAuthority


class FakeFleet:
    """Programs as a test wants them."""

    def __init__(self) -> None:
        self.programs: tuple[Managed, ...] = (Managed("nats", "running", 7, 0, False, 1),)

    def managed(self) -> tuple[Managed, ...]:
        return self.programs


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fleet() -> FakeFleet:
    return FakeFleet()


@pytest.fixture
def settings(tmp_path: object) -> Settings:
    from pathlib import Path

    return Settings(port=free_ports(1)[0], data_dir=Path(str(tmp_path)))


@pytest.fixture
def data(settings: Settings) -> DataDir:
    made = DataDir(settings.data_dir)
    made.open()
    made.write_state(RunState({"central-hub": settings.port}))
    return made


@pytest.fixture
async def hub(bus: FakeBus, clock: FakeClock, fleet: FakeFleet, settings: Settings) -> AsyncIterator[Routes]:
    authority = TestAuthority(settings.data_dir / "secrets" / "tls")
    authority.operator()
    async with opened("central-hub", settings, bus=bus, clock=clock, tls=authority.service("central-hub")) as service:
        yield await create_app(service, settings, fleet)


def beat(clock: FakeClock, ready: bool = True) -> bytes:
    return encode(Heartbeat("data-bridge", "1", clock.now_ms(), 1, "0.1.0", ready, 8001, ()))


async def states(bus: FakeBus) -> dict[str, str]:
    return {row.service: row.state for row in (await bus.ask(rpc.SERVICES, rpc.Nothing())).services}


async def test_a_heartbeat_puts_a_service_on_the_list(hub: Routes, bus: FakeBus, clock: FakeClock) -> None:
    await bus.publish("health.data-bridge.1", beat(clock))
    assert (await states(bus))["data-bridge"] == "running"


async def test_a_service_is_lost_ten_seconds_after_its_last_heartbeat(
    hub: Routes, bus: FakeBus, clock: FakeClock
) -> None:
    await bus.publish("health.data-bridge.1", beat(clock))
    clock.advance(10_001)
    assert (await states(bus))["data-bridge"] == "lost"


async def test_bytes_that_are_no_heartbeat_are_counted_and_forgotten(hub: Routes, bus: FakeBus) -> None:
    await bus.publish("health.data-bridge.1", b"\xc1")
    assert hub.counters["heartbeats_refused"] == 1
    assert "data-bridge" not in await states(bus)


async def test_the_engines_are_on_the_list(hub: Routes, bus: FakeBus) -> None:
    assert (await states(bus))["nats"] == "running"


async def test_the_hub_hears_its_own_heartbeat(hub: Routes, bus: FakeBus) -> None:
    async def listed() -> bool:
        return "central-hub" in await states(bus)

    await eventually(listed)


async def test_errors_are_counted_by_fingerprint(hub: Routes, bus: FakeBus) -> None:
    for at_ms in (1, 2, 3):
        await bus.store("errors.data-bridge", encode(ErrorReport("data-bridge", "1", at_ms, "E", "m", "w", "mark")))
    await bus.store("errors.data-bridge", b"\xc1")
    await eventually(lambda: hub.counters.get("errors_received") == 3 and hub.counters.get("errors_refused") == 1)
    (entry,) = hub.errors.newest_first()
    assert (entry.count, entry.last.at_ms) == (3, 3)


async def test_errors_from_before_the_start_are_read_again(
    bus: FakeBus, clock: FakeClock, fleet: FakeFleet, settings: Settings
) -> None:
    await bus.store("errors.data-bridge", encode(ErrorReport("data-bridge", "1", 1, "E", "m", "w", "mark")))
    async with opened("central-hub", settings, bus=bus, clock=clock) as service:
        routes = await create_app(service, settings, fleet)
        await eventually(lambda: routes.errors.total == 1)


async def test_the_list_is_a_page_as_well(hub: Routes, data: DataDir) -> None:
    status, body = await asyncio.to_thread(get, data, "central-hub", "/services")
    assert status == 200
    assert json.loads(body)["services"]["services"][0]["service"] == "nats"
    status, _ = await asyncio.to_thread(get, data, "central-hub", "/nothing")
    assert status == 404


async def test_the_health_page_answers(hub: Routes, data: DataDir) -> None:
    assert (await asyncio.to_thread(get, data, "central-hub", "/health/live"))[0] == 200
