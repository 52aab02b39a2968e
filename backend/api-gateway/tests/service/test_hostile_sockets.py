"""WebSockets that say too much, say nonsense, or never listen."""

import asyncio
import contextlib
import os
import re
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest
from gateway_world import Platform, World, batch, order, running, state, talk

from api_gateway.routes.fanout import PER_USER
from kit.testing import eventually

UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
TEXT, CONT, PING = 1, 0, 9
TRY_AGAIN = b"\x88\x02\x03\xf5"
"""A close frame with code 1013."""


def knock(world: World) -> bytes:
    """The beginning of a handshake; more headers may follow."""
    return f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{world.gateway.port}\r\n".encode() + UPGRADE


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A client's frame; the mask is zero, so that the payload stays readable."""
    size = len(payload)
    length, extra = (size, b"") if size < 126 else (126, struct.pack("!H", size)) if size < 65_536 else (127, b"")
    extra = struct.pack("!Q", size) if length == 127 else extra
    mask = b"\0\0\0\0" if masked else b""
    return bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | length]) + extra + mask + payload


async def opened(world: World, receive_buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A raw connection after a good handshake whose ticket was shown: the gateway writes from now on."""
    shown = await world.http.post("/api/v1/stream-ticket", headers=world.cookie())
    peer = socket.socket()
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", world.gateway.port))
    reader, writer = await asyncio.open_connection(sock=peer, limit=1024)
    # a token in a header needs no ticket: with a cookie alone nothing would be told
    token = f"Authorization: {world.bearer()['authorization']}\r\n".encode()
    writer.write(knock(world) + token + b"\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in answer.lower()
    # without it the gateway waits in silence, and then ends the socket for that reason alone
    writer.write(frame(TEXT, shown.json()["ticket"].encode()))
    return reader, writer


async def closed_with(world: World, parts: Iterable[bytes]) -> int:
    """Send; the code of the close frame that came back."""
    reader, writer = await opened(world)
    try:
        async with asyncio.timeout(10):
            try:
                for part in parts:
                    writer.write(part)
                    await writer.drain()
            except ConnectionError:
                pass
            while True:
                opcode, size = await reader.readexactly(2)
                if size == 126:
                    (size,) = struct.unpack("!H", await reader.readexactly(2))
                payload = await reader.readexactly(size)
                if opcode & 15 == 8:
                    return int.from_bytes(payload[:2], "big")
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        pytest.param([struct.pack("!BBQ", 0x81, 0xFF, 16 * 2**20 + 1) + b"\0" * 70_000], 1009, id="16 MB + 1"),
        pytest.param([frame(TEXT, b"x" * 5_000)], 1009, id="5 kB"),
        pytest.param(
            [frame(TEXT, b"x" * 3_000, fin=False), *[frame(CONT, b"x" * 1_000, fin=False)] * 3], 1009, id="fragments"
        ),
        pytest.param(
            [frame(TEXT, b"x", fin=False), frame(CONT, fin=False) * 1_000_000], 1008, id="1 M empty fragments"
        ),
        pytest.param([frame(TEXT, b"x", fin=False), frame(CONT, b"x", fin=False) * 5_000], 1009, id="1-byte fragments"),
        pytest.param([frame(TEXT, b"\xff\xfe")], 1007, id="no UTF-8"),
        pytest.param([frame(TEXT, b"x", rsv=4)], 1002, id="RSV1: compressed, which nobody agreed to"),
        pytest.param([frame(TEXT, b"x", rsv=1)], 1002, id="RSV3"),
        pytest.param([frame(TEXT, b"x", masked=False)], 1002, id="unmasked"),
        pytest.param([frame(3, b"x")], 1002, id="unknown opcode"),
        pytest.param([frame(PING, b"x" * 126)], 1002, id="long ping"),
        pytest.param([frame(PING, fin=False)], 1002, id="broken ping"),
        pytest.param([frame(CONT, b"x")], 1002, id="continues nothing"),
        pytest.param([frame(PING) * 100_000], 1008, id="ping flood"),
    ],
)
async def test_W20_a_socket_that_talks_nonsense_or_too_much_is_closed(
    world: World, parts: list[bytes], code: int
) -> None:
    assert await closed_with(world, parts) == code
    await eventually(lambda: world.gateway.fanout.browsers == 0)


async def test_W20_a_flood_costs_no_memory(world: World) -> None:
    await closed_with(world, [frame(PING) * 100_000])
    before = psutil.Process(os.getpid()).memory_info().rss
    flood = frame(PING, b"x" * 100) * 20_000
    for _ in range(10):
        assert await closed_with(world, [flood]) == 1008
    assert psutil.Process(os.getpid()).memory_info().rss - before < 20_000_000


async def test_W21_compression_is_never_agreed_to(world: World) -> None:
    cookie = f"Cookie: {world.cookie()['cookie']}\r\nOrigin: {world.origin}\r\n".encode()
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    writer.write(knock(world) + cookie + offer + b"\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-extensions" not in answer.lower()


@pytest.mark.parametrize(
    "origin", ["", "https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost:1"]
)
async def test_W18_a_socket_from_a_foreign_or_unnamed_page_is_refused_before_it_opens(
    world: World, origin: str
) -> None:
    headers = f"Cookie: {world.cookie()['cookie']}\r\n" + (f"Origin: {origin}\r\n" if origin else "")
    answer = await talk(world, knock(world) + headers.encode() + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert world.gateway.fanout.browsers == 0


async def test_W22_a_browser_that_never_reads_is_cut_and_costs_little(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()]), patience_s=1.0) as world:
        reader, writer = await opened(world, 4_096)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        (seat,) = world.gateway.fanout.room("default").seats
        before = psutil.Process(os.getpid()).memory_info().rss
        waiting = 0
        for round_ in range(1, 100_000):
            await world.tell(batch(round_ * 50, (1.1,) * 50, symbol=f"S{round_ % 40}"))
            if round_ % 3 == 0:
                await world.tell(order(f"o{round_}"))
            waiting = max(waiting, len(seat.browser.rows) + len(seat.browser.events))
            if not world.gateway.fanout.browsers:
                break
            await asyncio.sleep(0.001)
        assert world.gateway.fanout.browsers == 0
        assert waiting <= 40 + seat.browser.max_waiting
        # not one order was left out silently: it was sent, or the browser was made to ask for everything again
        assert seat.browser.overflowed is (seat.close_code == 1013)
        assert psutil.Process(os.getpid()).memory_info().rss - before < 20_000_000
        writer.transport.abort()
        del reader


async def test_W22_a_browser_that_reads_a_kilobyte_a_second_misses_nothing_unnoticed(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()]), patience_s=1.5) as world:
        reader, writer = await opened(world, 4_096)
        heard = bytearray()
        thirsty = False

        async def sip() -> None:
            while TRY_AGAIN not in heard and (part := await reader.read(65_536 if thirsty else 100)):
                heard.extend(part)
                await asyncio.sleep(0 if thirsty else 0.1)

        sipping = asyncio.create_task(sip())
        (seat,) = world.gateway.fanout.room("default").seats
        for number in range(1, 100_000):
            await world.tell(order(f"o{number}"))
            await world.tell(batch(number, symbol=f"S{number % 40}"))
            if seat.close_code or not world.gateway.fanout.browsers:
                break
            await asyncio.sleep(0.001)
        thirsty = True
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(10):
                await sipping
        writer.transport.abort()
        # what arrived is without a gap, and whatever did not was not kept: the browser was cut and asks for everything
        numbers = [int(found) for found in re.findall(rb'"q":(\d+)', bytes(heard))]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(seat.browser.events) <= seat.browser.max_waiting
        assert seat.close_code in (0, 1013)
        if seat.close_code:
            assert TRY_AGAIN in heard, "it was told why: try again"
        await eventually(lambda: world.gateway.fanout.browsers == 0)


async def test_W23_one_user_has_so_many_sockets_and_idle_ones_keep_nobody_out(world: World) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", world.gateway.port) for _ in range(200)]
    mine = [await opened(world) for _ in range(PER_USER)]
    cookie = f"Cookie: {world.cookie()['cookie']}\r\nOrigin: {world.origin}\r\n".encode()
    answer = await talk(world, knock(world) + cookie + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert (await world.http.get("/api/v1/symbols", headers=world.bearer())).status_code == 200
    for _, writer in [*idle, *mine]:
        writer.transport.abort()
    await eventually(lambda: world.gateway.fanout.browsers == 0)
