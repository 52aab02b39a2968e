"""The small HTTP edge of a service on picows: health, metrics, and WebSockets where the service takes them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import picows
from prometheus_client import CollectorRegistry, generate_latest

from contracts.audit import DependencyHealth
from kit.health import HealthBook

Accept = Callable[[picows.WSUpgradeRequest], "picows.WSListener | picows.WSUpgradeResponseWithListener | None"]
"""Decides about a WebSocket upgrade: a listener to accept, a response to refuse, None for 404."""


class _Live(msgspec.Struct, frozen=True):
    service: str
    live: bool


class _Ready(msgspec.Struct, frozen=True):
    service: str
    ready: bool
    dependencies: tuple[DependencyHealth, ...]


def answer(status: int, body: bytes, content_type: str) -> picows.WSUpgradeResponseWithListener:
    """A plain HTTP answer; the connection is closed after it."""
    headers = {"Content-Type": content_type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    response = picows.WSUpgradeResponse
    made = (
        response.create_ok_response(body, headers)
        if status == 200
        else response.create_error_response(status, body, headers)
    )
    return picows.WSUpgradeResponseWithListener(made, None)


@dataclass(slots=True)
class Edge:
    """Listens for health and metrics questions, and hands WebSocket upgrades to `accept`."""

    service: str
    host: str
    port: int
    health: HealthBook
    metrics: CollectorRegistry
    accept: Accept | None = None
    max_frame_bytes: int = 64 * 1024
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Bind the port; OSError with a plain sentence when it is taken."""
        try:
            self._server = await picows.ws_create_server(
                self._route,
                self.host,
                self.port,
                websocket_handshake_timeout=5,
                max_frame_size=self.max_frame_bytes,
                enable_auto_ping=True,
                auto_ping_idle_timeout=10,
                auto_ping_reply_timeout=10,
            )
        except OSError as error:
            raise OSError(
                f"{self.service} cannot listen on {self.host}:{self.port} ({error.strerror}). "
                f"Stop what uses the port, or choose another with AITRADING_"
                f"{self.service.upper().replace('-', '_')}_PORT."
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening. Open WebSockets are closed by whoever accepted them."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _route(
        self, request: picows.WSUpgradeRequest
    ) -> "picows.WSListener | picows.WSUpgradeResponseWithListener | None":
        path = request.path.split(b"?", 1)[0]
        if path == b"/health/live":
            return answer(200, msgspec.json.encode(_Live(self.service, True)), "application/json")
        if path == b"/health/ready":
            ready = self.health.ready()
            body = msgspec.json.encode(_Ready(self.service, ready, self.health.dependencies()))
            return answer(200 if ready else 503, body, "application/json")
        if path == b"/metrics":
            return answer(200, generate_latest(self.metrics), "text/plain; version=0.0.4; charset=utf-8")
        return self.accept(request) if self.accept else None
