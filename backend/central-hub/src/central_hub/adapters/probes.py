"""Ask a program on this machine how it is: HTTP health pages, NATS' greeting, PostgreSQL's answer to a knock."""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from central_hub.domain.watch import Probe
from contracts.ports import LISTENERS, Wire
from kit.errors import CertificateRefused
from kit.listening import Wire as GatewayWire
from kit.listening import wire_told

if TYPE_CHECKING:
    import ssl

    from kit.tls import Reloading

TIMEOUT_S = 2.0
MAX_ANSWER = 64 * 1024

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Probe]]
Connecting = Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


@dataclass(slots=True)
class Credentials:
    """The certificate with which the hub asks; it follows its files."""

    folder: Path
    _context: "ssl.SSLContext | None" = None
    _files: "Reloading | None" = None

    def context(self) -> "ssl.SSLContext":
        """For a connection that begins now."""
        # imported when the children are already starting
        from kit.tls import Reloading, TlsFiles, client_context

        if self._context is None or self._files is None:
            files = TlsFiles(self.folder)
            self._context = client_context(files)
            self._files = Reloading(files, [self._context])
        self._files.look()
        return self._context


async def _connect(
    port: int, program: str, who: Credentials | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if who is None:
        return await asyncio.open_connection("127.0.0.1", port)
    from kit.tls import host_of

    return await asyncio.open_connection("127.0.0.1", port, ssl=who.context(), server_hostname=host_of(program))


async def _talk(talk: Talk, connecting: Connecting) -> Probe:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await connecting
            try:
                return await talk(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return Probe(False, False, f"no answer within {TIMEOUT_S:.0f} s")
    except (OSError, EOFError) as error:
        return Probe(False, False, str(error) or type(error).__name__)
    except CertificateRefused as error:
        return Probe(False, False, str(error))


def speaks_tls(program: str, environ: Mapping[str, str]) -> bool:
    """What the table of ports says of a program's port; `environ` may ask the gateway for TLS."""
    listener = LISTENERS.get(program)
    if listener is None or listener.wire is not Wire.HTTP_LOOPBACK:
        return listener is not None
    return wire_told(environ) is GatewayWire.HTTPS


async def http_ready(port: int, program: str, who: Credentials, environ: Mapping[str, str]) -> Probe:
    """GET /health/ready: 200 is ready, any other answer is live."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Probe:
        writer.write(f"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(MAX_ANSWER)
        words = answer.split(b"\r\n", 1)[0].split(b" ")
        if len(words) < 2 or not words[0].startswith(b"HTTP/"):
            return Probe(False, False, "something that does not speak HTTP answers on its port")
        return Probe(True, words[1] == b"200", f"HTTP {words[1].decode(errors='replace')}")

    return await _talk(talk, _connect(port, program, who if speaks_tls(program, environ) else None))


async def nats_ready(port: int, who: Credentials) -> Probe:
    """nats-server greets whoever connects with INFO, once TLS stands."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Probe:
        greeting = await reader.readuntil(b"\r\n")
        is_nats = greeting.startswith(b"INFO ") and b'"jetstream":true' in greeting.replace(b" ", b"")
        return Probe(is_nats, is_nats, "JetStream is on" if is_nats else "what answers is not NATS with JetStream")

    return await _talk(talk, _connect(port, "nats", who))


async def postgres_ready(socket_file: Path, user: str, database: str) -> Probe:
    """Knock on its unix socket as pg_isready does: a start-up message without a password. An authentication request
    means it takes connections, an error that it starts, stops or recovers. Protocol: PostgreSQL documentation, 54.7."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Probe:
        body = struct.pack(">i", 196_608) + f"user\0{user}\0database\0{database}\0\0".encode()
        writer.write(struct.pack(">i", len(body) + 4) + body)
        kind = await reader.readexactly(1)
        if kind == b"R":
            return Probe(True, True, "takes connections")
        if kind != b"E":
            return Probe(False, False, "what answers is not PostgreSQL")
        length = struct.unpack(">i", await reader.readexactly(4))[0]
        fields = (await reader.readexactly(min(length - 4, MAX_ANSWER))).split(b"\0")
        said = next((f[1:].decode(errors="replace") for f in fields if f.startswith(b"M")), "an error")
        return Probe(True, False, said)

    return await _talk(talk, asyncio.open_unix_connection(socket_file))
