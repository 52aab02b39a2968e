"""Handshakes that fail, and peers that stop in the middle of one."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from kit.testing.pki import TestAuthority
from kit.tls import TlsFiles, client_context

SERVER = """
import asyncio, sys, uvloop
from pathlib import Path
from api_gateway.adapters.uvicorn_server import HttpServer
from kit.tls import TlsFiles, server_context

async def app(scope, receive, send):
    body = b"." * (200_000 if scope["path"] == "/much" else 0) + b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

async def main():
    context = server_context(TlsFiles(Path(sys.argv[1])), client_certificates=False)
    server = HttpServer(app, 1.0, https=True, context=context)
    print(server.listen("api-gateway", "127.0.0.1", 0), flush=True)
    await server.serve()

uvloop.run(main())
"""


@asynccontextmanager
async def serving(files: TlsFiles) -> AsyncIterator[tuple[int, psutil.Process]]:
    """The server that ships, on the loop that ships, in a process of its own whose memory can be read."""
    running = subprocess.Popen([sys.executable, "-c", SERVER, str(files.directory)], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        port = int(await asyncio.to_thread(running.stdout.readline))
        async with asyncio.timeout(10):
            while psutil.Process(running.pid).net_connections() == []:
                await asyncio.sleep(0.02)
        yield port, psutil.Process(running.pid)
    finally:
        running.kill()
        running.wait(10)


def hello(files: TlsFiles) -> bytes:
    """What a good client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = client_context(files.ca).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    return outgoing.read()


async def fail(port: int, words: bytes) -> None:
    """Say it, hear what comes, hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(words)
        async with asyncio.timeout(0.02):
            await reader.read(4096)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()


async def good(port: int, files: TlsFiles) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(files.ca), server_hostname="localhost"
    )
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def failing(folder: Path, count: int) -> None:
    files = TestAuthority(folder).service("api-gateway")
    first = hello(files)
    kinds = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"\0" * 600,
        first[: len(first) // 2],
        first,
        first + b"\x15\x03\x03\x00\x02\x02\x28",
        b"",
    ]
    async with serving(files) as (port, process):
        for n in range(200):
            await fail(port, kinds[n % len(kinds)])
        assert (await good(port, files)).endswith(b"ok")
        before = process.memory_info().rss
        for start in range(0, count, 20):
            await asyncio.gather(*(fail(port, kinds[(start + n) % len(kinds)]) for n in range(20)))
        assert (await good(port, files)).endswith(b"ok")
        grown = process.memory_info().rss - before
        assert grown < 10_000_000, f"{grown:,} bytes more after {count} failed handshakes"
        async with asyncio.timeout(15):
            while len(process.net_connections()) > 1:
                await asyncio.sleep(0.1)


async def test_N12_failed_handshakes_cost_no_memory(tmp_path: Path) -> None:
    await failing(tmp_path, 1_000)


@pytest.mark.long
async def test_N12_ten_thousand_failed_handshakes_cost_no_memory(tmp_path: Path) -> None:
    await failing(tmp_path, 10_000)


async def test_W11_a_handshake_that_stands_still_is_cut(tmp_path: Path) -> None:
    files = TestAuthority(tmp_path).service("api-gateway")
    async with serving(files) as (port, _process):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(hello(files)[:20])
        async with asyncio.timeout(9.9):
            assert await reader.read() == b""
        writer.close()


async def test_W11_a_peer_that_takes_no_answer_is_cut_over_https_too(tmp_path: Path) -> None:
    files = TestAuthority(tmp_path).service("api-gateway")
    async with serving(files) as (port, process):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(files.ca), server_hostname="localhost", limit=1
        )
        await good(port, files)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        try:
            async with asyncio.timeout(9.9):
                while True:
                    writer.write(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4)
                    await writer.drain()
                    await asyncio.sleep(0.02)
        except ConnectionError:
            cut = True
        finally:
            writer.transport.abort()
        assert cut
        assert process.is_running()
        del reader
