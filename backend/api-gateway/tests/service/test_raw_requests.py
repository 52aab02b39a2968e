"""Requests that no browser sends: two meanings, no end, no pause, no such address."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from gateway_world import HOST, World, running, talk

from api_gateway.adapters.http_connection import Lobby
from api_gateway.domain.request_head import MAX_HEADERS

POST = b"POST /api/v1/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
GET = b"GET /health/live HTTP/1.1\r\n" + HOST


def rss() -> int:
    return int(psutil.Process(os.getpid()).memory_info().rss)


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n",
        POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + b"Content-Length: 2, 2\r\n\r\n{}",
        POST + b"Content-Length: +2\r\n\r\n{}",
        POST + b"Content-Length : 2\r\n\r\n{}",
        POST + b"Transfer-Encoding: identity\r\n\r\n{}",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET + b"X-A: 1\r\n b\r\n\r\n",
        GET + b"X-A: 1\rX-B: 2\r\n\r\n",
        GET + b"X-A: a\x00b\r\n\r\n",
        GET + b"X A: a\r\n\r\n",
        GET + b"Host: evil\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\nX: 1\r\n\r\n",
        b"GET /health/live\r\n\r\n",
        b"GET http://evil/health/live HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_W12_a_request_with_two_meanings_is_refused_and_hung_up_on(world: World, request_: bytes) -> None:
    answer = await talk(world, request_ + GET + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1, "what was smuggled behind it is not answered"


async def test_W12_what_follows_a_body_is_no_header(world: World) -> None:
    trailers = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\nOrigin: http://evil\r\n\r\n"
    assert b"origin_refused" not in await talk(world, POST + trailers)
    assert b"origin_refused" in await talk(world, POST + b"Origin: http://evil\r\n" + trailers)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"X: a\r\n" * (MAX_HEADERS + 1) + b"\r\n", b"431"),
        (GET + b"X: a\r\n" * 100_000 + b"\r\n", b"431"),
        (GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", b"431"),
        (GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"414"),
        (b"GET /?" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"414"),
        (b"GET /" + b"a" * 3_000_000, b"414"),
    ],
)
async def test_W13_heads_and_addresses_have_a_size(world: World, request_: bytes, status: bytes) -> None:
    answer = await talk(world, request_)
    assert answer[9:12] == status
    assert (await world.http.get("/health/live")).status_code == 200


@pytest.mark.parametrize("path", [b"/api/v1/stream", b"/" + b"a" * 8_180])
async def test_W13_an_upgrade_with_a_line_that_the_socket_cannot_read_is_answered(world: World, path: bytes) -> None:
    head = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    head += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    assert (await talk(world, head + b"Authorization: Bearer " + b"x" * 10_000 + b"\r\n\r\n"))[9:12] == b"400"
    assert (await world.http.get("/health/live")).status_code == 200


async def test_W10_a_body_that_says_it_is_huge_is_refused_before_it_comes(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.5) as world:
        answer = await talk(world, POST + b"Content-Length: 10000000000\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_W10_an_endless_body_is_refused_at_the_cap_and_costs_no_memory(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=1.0) as world:
        before = rss()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        block = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        sent = 0
        try:
            async with asyncio.timeout(8):
                while not writer.is_closing():
                    writer.write(block)
                    await writer.drain()
                    sent += len(block)
        except (ConnectionError, TimeoutError):
            pass
        # the pipe may break before the answer was read; that nothing grew is what counts
        writer.transport.abort()
        assert sent > 5_000_000, "the peer was slower than the test needs"
        assert rss() - before < 20_000_000
        assert "unexpected_errors" not in world.counters
        del reader


async def test_W10_an_endless_body_is_answered_with_413(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=1.0) as world:
        block = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        answer = await talk(world, POST + b"Transfer-Encoding: chunked\r\n\r\n", block, block)
        assert answer.startswith(b"HTTP/1.1 413 ")


async def test_W10_a_compressed_body_is_never_unpacked(world: World) -> None:
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = await world.http.post("/api/v1/session", content=b"\x1f\x8b" + b"\0" * 100, headers=packed)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "drip",
    [
        lambda n: b"X-%d: a\r\n" % n,
        lambda n: b"\r\n" if n == 0 else b"x",
    ],
    ids=["headers", "body"],
)
async def test_W11_slow_peers_are_cut_and_others_are_served(tmp_path: Path, drip: Callable[[int], bytes]) -> None:
    async with running(tmp_path, patience_s=1.0) as world:
        loop = asyncio.get_running_loop()
        ended: list[float] = []

        async def slow() -> None:
            began = loop.time()
            await talk(
                world,
                POST + b"Content-Length: 60000\r\n",
                *[drip(n) for n in range(100)],
                every_s=0.1,
                patience_s=15,
            )
            ended.append(loop.time() - began)

        crowd = [asyncio.create_task(slow()) for _ in range(60)]
        took = []
        while not all(one.done() for one in crowd):
            began = loop.time()
            assert (await world.http.get("/health/live")).status_code == 200
            took.append(loop.time() - began)
            await asyncio.sleep(0.02)
        await asyncio.gather(*crowd)
        assert max(ended) < 8.0, "they were cut: the whole drip takes ten seconds"
        assert sorted(took)[len(took) // 2] < 1.0, "whoever waits for a slow one waits for all of its patience"


async def test_W11_a_peer_that_takes_no_answer_is_cut(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.5) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port, limit=1)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        whole = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
        try:
            async with asyncio.timeout(8):
                while True:
                    writer.write(whole * 4)
                    await writer.drain()
                    await asyncio.sleep(0.005)
        except ConnectionError:
            cut = True
        finally:
            writer.transport.abort()
        assert cut
        del reader


def test_W11_who_waits_longest_makes_room_for_a_newcomer() -> None:
    class Seat:
        def __init__(self) -> None:
            self.transport, self.gone = self, False

        def abort(self) -> None:
            self.gone = True

    first, second = Seat(), Seat()
    lobby = Lobby(2)
    lobby.waiting = {first: None, second: None}  # type: ignore[dict-item]
    assert lobby.make_room(2)
    assert not first.gone
    assert lobby.make_room(3)
    assert first.gone
    assert not second.gone
    lobby.waiting.clear()
    assert not lobby.make_room(3)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "POST"])
async def test_W14_other_methods_are_told_which_ones_exist(world: World, method: str) -> None:
    for path, allowed in (("/", "GET, HEAD"), ("/api/v1/symbols", "GET"), ("/openapi.json", "GET")):
        answer = await world.http.request(method, path, headers=world.bearer("admin"))
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_W14_nobody_is_a_proxy_and_no_header_changes_the_method(world: World) -> None:
    assert (await talk(world, b"CONNECT evil:443 HTTP/1.1\r\n" + HOST + b"\r\n")).startswith(b"HTTP/1.1 405 ")
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        answer = await world.http.get("/api/v1/session", headers=world.bearer() | {name: "DELETE"})
        assert answer.status_code == 200
    assert (await world.http.post("/api/v1/symbols?_method=GET", headers=world.bearer())).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/orders", "/api//v1/orders", "/api/v1/orders/", "/api/v1/orders;x", "/api/v1;x/orders",
        "/./api/v1/orders",
        "/api/./v1/orders", "/x/../api/v1/orders", "/api/v1/x/../orders", "/api/v1/orders%00", "/api/v1/orders%2f",
        "/%2e%2e/api/v1/orders", "/api/v1/%6frders", "/api%2fv1%2forders", "/api%2f..%2fapi/v1/orders",
        "/API/v1/orders",
        "/api/V1/orders", "/api/v1/Orders", "/api/v1/orders%20", "/api/v1/orders.json", "/api\\v1\\orders",
    ],
)  # fmt: skip
async def test_W15_every_address_has_one_spelling(world: World, path: str) -> None:
    raw = await talk(world, b"GET " + path.encode() + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    assert raw[9:12] in (b"401", b"404", b"400", b"503"), "the dashboards are not built here: 503 is their 404"
    signed = b"Authorization: " + world.bearer("admin")["authorization"].encode() + b"\r\n"
    raw = await talk(world, b"GET " + path.encode() + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + signed + b"\r\n")
    assert raw[9:12] in (b"404", b"400", b"503")
    assert not world.platform.asked


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://evil127.0.0.1"]
)
async def test_W16_no_foreign_page_may_read_an_answer(world: World, origin: str) -> None:
    for headers in ({"origin": origin}, {"origin": origin, "access-control-request-method": "GET"}):
        for method, path in (("GET", "/api/v1/symbols"), ("OPTIONS", "/api/v1/symbols"), ("GET", "/openapi.json")):
            answer = await world.http.request(method, path, headers=world.bearer() | headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_W33_a_scanner_gets_its_404_and_then_has_to_wait(world: World) -> None:
    statuses = [(await world.http.get(f"/api/v1/secret-{n}", headers=world.bearer())).status_code for n in range(400)]
    assert statuses[:300] == [404] * 300
    assert set(statuses[300:]) == {429}
    assert (await world.http.get("/api/v1/symbols", headers=world.bearer())).status_code == 200
    world.clock.advance(61_000)
    assert (await world.http.get("/api/v1/secret", headers=world.bearer())).status_code == 404
