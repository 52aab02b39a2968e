"""HTTP as bytes: what no well-behaved client library would send, and what comes back."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

LIMIT_S = 15.0
PER_PEER = 20
"""Connections from one address of ours: the gateway counts what a peer asks, and would answer 429 to all lies alike."""
PER_CONNECTION = 20
_numbers = itertools.count()


@dataclass
class Answer:
    """What came back; status 0 means that the connection was closed without a word."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Wire:
    """One address; connections are opened as they are needed and kept while the other side keeps them."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_hostname: str | None = None
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _asked: int = 0
    """ how often this connection was used """

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection of one's own."""
        name = self.server_hostname if self.tls else None
        place = next(_numbers) // PER_PEER % 60_000
        return await asyncio.wait_for(
            asyncio.open_connection(
                self.host,
                self.port,
                ssl=self.tls,
                server_hostname=name,
                limit=2**22,
                local_addr=(f"127.66.{place // 250}.{place % 250 + 1}", 0),
            ),
            LIMIT_S,
        )

    async def connect(self) -> None:
        """Be ready to ask: what comes after is the other side's time alone."""
        if self._writer is None:
            self._reader, self._writer = await self.open()

    async def ask(self, raw: bytes) -> Answer:
        """Send bytes and read one answer."""
        fresh = self._asked == 0
        await self.connect()
        self._asked += 1
        assert self._reader is not None
        assert self._writer is not None
        answer = Answer()
        try:
            self._writer.write(raw)
            await asyncio.wait_for(self._writer.drain(), LIMIT_S)
            answer = await asyncio.wait_for(read_answer(self._reader), LIMIT_S)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            # what was said before the line was cut is still an answer
            with contextlib.suppress(Exception):
                answer = await asyncio.wait_for(read_answer(self._reader), 1)
        if (
            answer.status in (0, 101)
            or b"Upgrade: websocket" in raw[:2_000]
            or answer.headers.get("connection", "").lower() == "close"
        ):
            await self.close()
        if answer.status == 0 and not fresh:
            return await self.ask(raw)  # the kept connection had ended before
        return answer

    async def close(self) -> None:
        """Hang up."""
        writer, self._reader, self._writer = self._writer, None, None
        self._asked = 0
        if writer is not None:
            writer.close()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(writer.wait_closed(), 2)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One HTTP answer from the stream."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    status = int(first.split(" ")[1])
    body = b""
    if length := int(headers.get("content-length", "0")):
        body = await reader.readexactly(length)
    return Answer(status, headers, body)


@contextlib.asynccontextmanager
async def listener() -> AsyncIterator[tuple[str, list[str]]]:
    """(a URL, who has connected to it): nobody may."""
    callers: list[str] = []

    async def called(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", callers
    finally:
        server.close()
