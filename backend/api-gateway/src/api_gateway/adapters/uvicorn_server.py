"""The HTTP server: uvicorn inside the service's own lifespan, with deadlines for peers that are slow on purpose."""

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from api_gateway.adapters.http_connection import MAX_CONNECTIONS, PATIENCE_S, Lobby, PunctualHttp
from api_gateway.adapters.websocket_connection import PunctualWebSocket

KEEP_ALIVE_S = 30
STOP_LIMIT_S = 3
SHUTDOWN_S = 3.0
"""A peer that does not answer our good-bye of TLS."""
BACKLOG = 512
FILES = 4 * MAX_CONNECTIONS
"""Handshakes that are under way are not counted as connections yet."""


def _make_room(files: int) -> None:
    """Each connection is an open file, and systems begin with 1,024 of them."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        most = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class _Server(uvicorn.Server):
    """Leaves signals to the service."""

    context: ssl.SSLContext | None = None
    patience_s = PATIENCE_S

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, with limits for handshakes, which uvicorn leaves at a minute."""
        config, state = self.config, self.server_state
        secured: dict[str, Any] = {"ssl_handshake_timeout": self.patience_s, "ssl_shutdown_timeout": SHUTDOWN_S}

        def connection() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                connection, sock=listener, backlog=BACKLOG, ssl=self.context, **(secured if self.context else {})
            )
            for listener in sockets or ()
        ]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Bind with `listen`, then run `serve` as a task; `stop` ends it."""

    def __init__(
        self, app: Any, patience_s: float = PATIENCE_S, *, https: bool = False, context: ssl.SSLContext | None = None
    ) -> None:
        self._stopped = asyncio.Event()
        manners = {"patience_s": patience_s, "stall_s": patience_s, "https": https}
        self._server = _Server(
            uvicorn.Config(
                app,
                http=type("Http", (PunctualHttp,), manners | {"lobby": Lobby()}),
                ws=type("Ws", (PunctualWebSocket,), manners),
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_LIMIT_S,
                ws_max_size=4_096,
                ws_ping_interval=10,
                ws_ping_timeout=10,
                ws_per_message_deflate=False,
            )
        )
        self._server.context, self._server.patience_s = context, patience_s
        self._socket: socket.socket | None = None

    def listen(self, service: str, host: str, port: int) -> int:
        """Take the port and return it; OSError with a plain sentence when it is taken."""
        _make_room(FILES)
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
