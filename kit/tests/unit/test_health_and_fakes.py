"""Facts about health, the edge and the fakes."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from contracts import rpc, subjects
from contracts.audit import Health, Heartbeat
from contracts.codec import decode, encode
from kit import settings
from kit.bus import Delivery, Message
from kit.errors import AnswerFault, BusUnavailable
from kit.health import HealthBook
from kit.lifespan import HEARTBEAT_EVERY_S, opened, start_edge
from kit.testing import FakeBus, FakeClock, eventually
from kit.testing.bus import matches


async def test_nothing_is_ready_before_it_was_asked_and_nothing_stays_ready_unasked() -> None:
    clock = FakeClock()
    book = HealthBook(clock)

    async def fine() -> str:
        return "ok"

    book.register("db", fine)
    assert not book.ready()
    await book.probe_all()
    assert book.ready()
    clock.advance(5_001)
    assert not book.ready()


async def test_a_failing_probe_says_why() -> None:
    book = HealthBook(FakeClock())

    async def broken() -> str:
        raise OSError("connection refused")

    book.register("db", broken)
    await book.probe_all()
    assert (book.dependencies()[0].health, book.dependencies()[0].detail) == (Health.FAILED, "connection refused")


class Config(settings.ServiceSettings, frozen=True, kw_only=True):
    pass


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


async def test_a_service_tells_live_ready_and_metrics_and_beats() -> None:
    bus = FakeBus()
    config = Config(port=0, data_dir=Path("unused"))
    async with opened("data-bridge", config, bus=bus) as service:
        base = f"http://127.0.0.1:{await start_edge(service)}"
        assert (await asyncio.to_thread(fetch, base + "/health/live"))[0] == 200
        await eventually(service.health.ready)
        status, body = await asyncio.to_thread(fetch, base + "/health/ready")
        assert (status, json.loads(body)["dependencies"][0]["name"]) == (200, "bus")
        bus.down = True
        await service.health.probe_all()
        status, body = await asyncio.to_thread(fetch, base + "/health/ready")
        assert status == 503
        assert b"the bus is down" in body
        status, body = await asyncio.to_thread(fetch, base + "/metrics")
        assert status == 200
        assert (await asyncio.to_thread(fetch, base + "/elsewhere"))[0] == 404
        assert bus.on("health.data-bridge.>")


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [("a.*", "a.b", True), ("a.*", "a.b.c", False), ("a.>", "a.b.c", True), ("a.>", "a", False), ("a", "a", True)],
)
def test_the_fake_bus_matches_as_nats_does(pattern: str, subject: str, fits: bool) -> None:
    assert matches(pattern, subject) is fits


async def test_the_fake_bus_brings_again_what_was_not_acknowledged() -> None:
    bus, seen = FakeBus(), []

    async def work(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            seen.append(delivery.attempt)
            await (delivery.ack() if delivery.attempt == 2 else delivery.retry(0))

    await bus.store(subjects.ticks("t", "a", "s"), b"x", "id")
    await bus.store(subjects.ticks("t", "a", "s"), b"x", "id")
    ending = await bus.consume("TICKS", "n", "ticks.>", work)
    await eventually(lambda: seen == [1, 2])
    await ending.stop()


async def test_the_fake_bus_answers_refuses_and_is_down() -> None:
    bus, heard = FakeBus(), []

    async def count(_question: rpc.Nothing) -> rpc.UserCount:
        return rpc.UserCount(2)

    async def refuse(_question: rpc.UserQuestion) -> rpc.UserFound:
        raise AnswerFault("not_found", "nobody")

    async def hear(message: Message) -> None:
        heard.append(message.data)

    await bus.answer(rpc.USER_COUNT, count)
    await bus.answer(rpc.USER_FIND, refuse)
    await bus.subscribe("orders.>", hear)
    assert (await bus.ask(rpc.USER_COUNT, rpc.Nothing())).count == 2
    with pytest.raises(AnswerFault, match="nobody"):
        await bus.ask(rpc.USER_FIND, rpc.UserQuestion("x"))
    await bus.publish("orders.default", encode(1))
    assert heard == [encode(1)]
    bus.down = True
    with pytest.raises(BusUnavailable):
        await bus.publish("orders.default", b"")


async def test_a_heartbeat_that_cannot_wait_is_sent_at_once(tmp_path: Path) -> None:
    bus = FakeBus()
    async with opened("data-bridge", Config(port=0, data_dir=tmp_path), bus=bus) as service:
        await start_edge(service)
        await eventually(service.health.ready)
        await eventually(lambda: decode(bus.on("health.>")[-1], Heartbeat).ready)
        before = len(bus.on("health.>"))
        service.counters["paused:default"] = 1
        service.beat_now()
        await eventually(lambda: len(bus.on("health.>")) > before, within_s=HEARTBEAT_EVERY_S / 2)
        assert decode(bus.on("health.>")[-1], Heartbeat).counters == {"paused:default": 1}
