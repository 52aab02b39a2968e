"""The live stream over a real WebSocket."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_world import ACCOUNT, OTHER_ACCOUNT, Platform, World, batch, execution, order, running, state, user
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api_gateway.domain.browser import MAX_WAITING
from api_gateway.domain.heartbeats import LOST_AFTER_MS
from api_gateway.routes.fanout import HEARTBEAT_S, PER_USER
from contracts.audit import Heartbeat
from contracts.codec import encode
from contracts.views import (
    StreamAccount,
    StreamExecution,
    StreamHeartbeat,
    StreamMessage,
    StreamOrder,
    StreamTicks,
)
from kit.testing import eventually


@asynccontextmanager
async def stream(
    world: World, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[ClientConnection]:
    """A browser's connection, as far as it matters."""
    sent = dict(headers if headers is not None else world.cookie(csrf=False))
    origin = sent.pop("origin", None)
    address = f"ws://127.0.0.1:{world.gateway.port}/api/v1/stream"
    async with connect(address, additional_headers=sent, origin=origin, **options) as browser:  # type: ignore[arg-type]
        if "cookie" in sent:
            await browser.send(await ticket(world, sent["cookie"]))
        yield browser


async def ticket(world: World, cookie: str) -> str:
    """What a browser has to say first."""
    who = (await world.http.get("/api/v1/session", headers={"cookie": cookie})).json()
    headers = {"cookie": cookie, "origin": world.origin, "x-csrf-token": who["csrf"]}
    return str((await world.http.post("/api/v1/stream-ticket", headers=headers)).json()["ticket"])


async def hear(browser: ClientConnection, kind: type | None = None) -> Any:
    """The next message, or the next one of a kind."""
    async with asyncio.timeout(5):
        while True:
            message: Any = msgspec.json.decode(await browser.recv(), type=StreamMessage)
            if kind is None or isinstance(message, kind):
                return message


async def close_code(browser: ClientConnection) -> int:
    """Read to the end; why it ended."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await browser.recv()
        await browser.wait_closed()
    return browser.close_code or 0


async def test_the_stream_begins_with_every_account_of_the_tenant_only(tmp_path: Path) -> None:
    states = [state(), state("1000002"), state(OTHER_ACCOUNT, "other")]
    async with running(tmp_path, platform=Platform({"ann": user()}, states)) as world, stream(world) as browser:
        first, second = await hear(browser), await hear(browser)
        assert [m.account.account for m in (first, second)] == [ACCOUNT, "1000002"]
        assert (first.q, second.q) == (1, 2)
        await world.tell(batch(tenant="other", account=OTHER_ACCOUNT))
        await world.tell(order(tenant="other"))
        await world.tell(execution(tenant="other"))
        await world.tell(state(OTHER_ACCOUNT, "other", taken_ms=9))
        assert isinstance(await hear(browser), StreamHeartbeat)


async def test_everything_that_happens_is_told_and_numbered_without_a_gap(world: World) -> None:
    async with stream(world) as browser:
        await hear(browser, StreamAccount)
        await world.tell(state(taken_ms=2, company="New name"))
        await world.tell(order())
        await world.tell(execution())
        await world.tell(batch(1, (1.1, 1.3, 1.2)))
        seen = [await hear(browser) for _ in range(5)]
        assert [m.q for m in seen] == [2, 3, 4, 5, 6]
        by_kind = {type(m): m for m in seen}
        assert by_kind[StreamAccount].account.company == "New name"
        assert by_kind[StreamOrder].order.id == "o1"
        assert by_kind[StreamExecution].execution.number == 1
        ((account, symbol, _, _, bid, _, ticks, highest, lowest),) = by_kind[StreamTicks].d
        assert (account, symbol, bid, ticks, highest, lowest) == (ACCOUNT, "EURUSD", 1.2, 3, 1.3, 1.1)
        assert by_kind[StreamTicks].now == world.clock.now_ms()
        assert by_kind[StreamHeartbeat].bus is True


async def test_many_ticks_in_a_moment_are_few_messages(world: World) -> None:
    async with stream(world) as browser:
        await hear(browser, StreamAccount)
        for seq in range(1, 501):
            await world.tell(batch(seq, (1.0 + seq,)))
        counted = messages = 0
        while counted < 500:
            message = await hear(browser, StreamTicks)
            messages += 1
            counted += message.d[0][6]
        assert (counted, message.d[0][4]) == (500, 501.0)
        assert messages <= 25


async def test_a_pause_is_told_to_the_browsers_of_its_tenant_at_once(world: World) -> None:
    async def engine_says(**counters: int) -> None:
        now_ms = world.clock.now_ms()
        beat = Heartbeat("trading-engine", "1", now_ms, 1, "1", True, 8007, (), counters)
        await world.bus.publish("health.trading-engine.1", encode(beat))

    async with stream(world) as browser:
        assert (await hear(browser, StreamHeartbeat)).paused is None
        for paused in (True, False):
            await engine_says(**{"paused:default": int(paused), "paused:other": int(not paused)})
            async with asyncio.timeout(HEARTBEAT_S * 0.9):  # sooner than the next heartbeat is due
                while (await hear(browser, StreamHeartbeat)).paused is not paused:
                    pass
        world.clock.advance(LOST_AFTER_MS + 1)
        while (await hear(browser, StreamHeartbeat)).paused is not None:
            pass


async def test_a_bus_that_is_away_shows_in_the_heartbeat_and_its_return_makes_browsers_ask_again(world: World) -> None:
    async with stream(world) as browser:
        world.bus.down = True
        while (await hear(browser, StreamHeartbeat)).bus:
            pass
        world.bus.down = False
        assert await close_code(browser) == 1013


async def test_a_browser_that_reads_nothing_is_closed_with_1013_and_others_are_not_held_up(world: World) -> None:
    slow_socket = socket.socket()
    slow_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow_socket.connect(("127.0.0.1", world.gateway.port))
    slow_socket.setblocking(False)
    async with stream(world, sock=slow_socket, max_queue=1) as slow, stream(world) as quick:
        await hear(slow, StreamAccount)
        await eventually(lambda: world.counters.get("browsers", 0) == 2)
        slow.transport.pause_reading()
        position = state().positions[0]
        heavy = tuple(msgspec.structs.replace(position, ticket=n, comment="x" * 30) for n in range(60))
        sent = 0
        while sent < 3 * MAX_WAITING and world.counters.get("browsers", 0) == 2:
            sent += 1
            await world.tell(state(taken_ms=10 + sent, positions=heavy))
            message = await hear(quick, StreamAccount)
            while message.account.taken_ms < 10 + sent:
                message = await hear(quick, StreamAccount)
            if any(seat.close_code for seat in world.gateway.fanout.room("default").seats):
                break
        assert any(seat.close_code == 1013 for seat in world.gateway.fanout.room("default").seats)
        slow.transport.resume_reading()
        assert await close_code(slow) == 1013
        await eventually(lambda: world.counters["browsers"] == 1)
        await world.tell(order())
        assert await hear(quick, StreamOrder)
    assert world.counters["browsers_cut"] == 1


async def test_a_slow_browser_gets_newer_prices_instead_of_a_queue(world: World) -> None:
    async with stream(world) as browser:
        await hear(browser, StreamAccount)
        (seat,) = world.gateway.fanout.room("default").seats
        for seq in range(1, 2_001):
            rows = [(ACCOUNT, f"S{seq % 10}", seq, seq, float(seq), seq + 0.1, 1, float(seq), float(seq))]
            seat.browser.offer_rows(rows, b"")  # as if it had not taken anything for 40 seconds
        assert len(seat.browser.rows) == 10
        seat.wake.set()
        message = await hear(browser, StreamTicks)
        assert sorted(row[4] for row in message.d) == [float(n) for n in range(1991, 2001)]
        assert sum(row[6] for row in message.d) == 2_000


async def test_an_expired_or_ended_session_closes_its_streams_with_4401(world: World) -> None:
    headers = world.cookie()
    async with stream(world, headers) as browser:
        await world.http.delete("/api/v1/session", headers=headers)
        assert await close_code(browser) == 4401
    async with stream(world, world.cookie("trader")) as browser:
        world.clock.advance(900_000)
        assert await close_code(browser) == 4401


async def test_strangers_and_foreign_pages_get_no_stream(world: World) -> None:
    cookie = world.cookie(csrf=False)
    for headers, status in (
        ({}, 401),
        ({"cookie": cookie["cookie"]}, 403),
        (cookie | {"origin": "http://evil.example"}, 403),
        (world.bearer(age_s=900), 401),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with stream(world, headers):
                pass
        assert refused.value.response.status_code == status
        assert b'"code"' in (refused.value.response.body or b"")
    async with stream(world, world.bearer()) as program:
        assert await hear(program)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{world.gateway.port}/api/v1/elsewhere", additional_headers=world.bearer()):
            pass
    assert refused.value.response.status_code == 404


async def test_a_user_has_at_most_64_streams(world: World) -> None:
    async with AsyncExitStack() as browsers:
        for _ in range(PER_USER):
            await browsers.enter_async_context(stream(world))
        with pytest.raises(InvalidStatus) as refused:
            async with stream(world):
                pass
        assert refused.value.response.status_code == 429
        async with stream(world, world.cookie(name="bob", csrf=False)) as other:
            assert await hear(other)
    await eventually(lambda: world.gateway.fanout.browsers == 0)


async def test_a_browser_that_talks_too_much_is_closed(world: World) -> None:
    async with stream(world) as browser:
        for _ in range(300):
            try:
                await browser.send("hello")
            except ConnectionClosed:
                break
        assert await close_code(browser) == 4429


async def test_what_is_no_message_is_counted_and_kept_out(world: World) -> None:
    await world.bus.publish("ticks.default.1.X", b"garbage")
    await world.bus.publish("orders.default", b"\x80")
    await world.tell(msgspec.structs.replace(batch(1, (1.0, 2.0)), count=3))
    assert world.counters["messages_refused"] == 3
    assert world.gateway.fanout.picture("default").board.quotes == {}
