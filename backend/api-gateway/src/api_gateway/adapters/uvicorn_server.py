"""The HTTP server: uvicorn inside the service's own lifespan, with deadlines for peers that are slow on purpose."""

import asyncio
import contextlib
import socket
from asyncio import TimerHandle
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

PATIENCE_S = 8.0
"""A request's headers and body have to arrive within this time."""
STALL_S = 20.0
"""A peer that takes nothing for this long while something is to be sent is gone."""
KEEP_ALIVE_S = 30
MAX_HEAD = 32 * 1024
MAX_CONNECTIONS = 1_000
SEND_BUFFER = 128 * 1024
"""What the kernel may hold for one browser: prices that wait there can't be replaced by newer ones."""
STOP_LIMIT_S = 3

_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PunctualHttp(HttpToolsProtocol):
    """Cuts peers whose request does not arrive in time or does not fit, and those who do not take their answer."""

    patience_s = PATIENCE_S
    _deadline: TimerHandle | None = None
    _stall: TimerHandle | None = None
    _head_size = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request is due."""
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        """A request begins, the rest of it is due."""
        super().on_message_begin()
        self._in_head, self._head_size = True, 0
        if self._deadline is None:
            self._expect()

    def on_headers_complete(self) -> None:
        """What follows is the body."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here."""
        self._relax()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read, unless the head grows without end."""
        super().data_received(data)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """The request was complete; from here on the WebSocket protocol keeps its own time."""
        self._relax()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._relax()
        self._unstall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer does not keep up; it may not stand still for ever."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        self._unstall()
        super().resume_writing()

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(self.patience_s, self._late)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unstall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TIMED_OUT)
        self.transport.close()


class PunctualWebSocket(WebSocketsSansIOProtocol):
    """Keeps little in the kernel for each browser and drops one that has stopped taking anything."""

    _stall: TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel holds."""
        super().connection_made(transport)
        if (peer := transport.get_extra_info("socket")) is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._unstall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The browser does not keep up."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        self._unstall()
        super().resume_writing()

    def _unstall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class _Server(uvicorn.Server):
    """Leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Bind with `listen`, then run `serve` as a task; `stop` ends it."""

    def __init__(self, app: Any, patience_s: float = PATIENCE_S) -> None:
        self._stopped = asyncio.Event()
        self._server = _Server(
            uvicorn.Config(
                app,
                http=type("Http", (PunctualHttp,), {"patience_s": patience_s}),
                ws=PunctualWebSocket,
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_LIMIT_S,
                ws_max_size=4_096,
                ws_ping_interval=10,
                ws_ping_timeout=10,
                ws_per_message_deflate=False,
            )
        )
        self._socket: socket.socket | None = None

    def listen(self, service: str, host: str, port: int) -> int:
        """Take the port and return it; OSError with a plain sentence when it is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # the protocol is named because asyncio sets TCP_NODELAY only then: without it small answers wait 40 ms
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise OSError(
                f"{service} cannot listen on {host}:{port} ({error.strerror}). Stop what uses the port, or choose "
                f"another with AITRADING_{service.upper().replace('-', '_')}_PORT."
            ) from None
        self._socket = listener
        return int(listener.getsockname()[1])

    async def serve(self) -> None:
        """Answer until `stop`."""
        assert self._socket is not None, "listen comes first"
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """No new requests; those under way get a few seconds."""
        self._server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), STOP_LIMIT_S + 2)
