"""The small HTTP edge of a service on picows: health, metrics, and WebSockets where the service takes them.

Over TLS it knows who calls before anything is answered. Plain HTTP is for programs of the same PC only.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import aiofastnet
import msgspec
import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # what `picows.ws_create_server` builds upon
from prometheus_client import CollectorRegistry, generate_latest

from contracts.audit import DependencyHealth
from kit.errors import CertificateRefused
from kit.health import HealthBook
from kit.tls import Identity, Kind, identity_of

HANDSHAKE_S = 5.0
READ_BUFFER = 16 * 1024
STAFF = frozenset({Kind.SERVICE, Kind.OPERATOR})
"""Who may read health and metrics."""

_picows_log = logging.getLogger("picows.server")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection."""

    address: str = ""
    """Its IP address."""
    identity: Identity | None = None
    """From its certificate, verified in the handshake; None when it showed none, or over plain HTTP."""
    certificate: bytes = b""
    """That certificate, DER."""


Answer = picows.WSListener | picows.WSUpgradeResponseWithListener | None
Accept = Callable[[picows.WSUpgradeRequest, Peer], Answer]
"""Decides about a WebSocket upgrade: a listener to accept, a response to refuse, None for 404."""


class _Live(msgspec.Struct, frozen=True):
    service: str
    live: bool


class _Ready(msgspec.Struct, frozen=True):
    service: str
    ready: bool
    dependencies: tuple[DependencyHealth, ...]


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    reason: str


def answer(
    status: int, body: bytes, content_type: str, more: Mapping[str, str] = MappingProxyType({})
) -> picows.WSUpgradeResponseWithListener:
    """A plain HTTP answer, with `more` headers; the connection is closed after it."""
    headers = {"Content-Type": content_type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **more}
    response = picows.WSUpgradeResponse
    made = (
        response.create_ok_response(body, headers)
        if status == 200
        else response.create_error_response(status, body, headers)
    )
    return picows.WSUpgradeResponseWithListener(made, None)


def _refused(reason: str) -> picows.WSUpgradeResponseWithListener:
    return answer(403, msgspec.json.encode(_Refusal("certificate", reason)), "application/json")


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
    tls: ssl.SSLContext | None = None
    """None: plain HTTP, for a program of the same PC."""
    admits: frozenset[Kind] = STAFF
    """Whose certificates reach `accept`."""
    strangers: bool = False
    """Callers without a certificate reach `accept` too, which then decides by path; health stays closed to them."""
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Bind the port; OSError with a plain sentence when it is taken."""
        more: dict[str, Any] = {"ssl_handshake_timeout": HANDSHAKE_S} if self.tls is not None else {}
        try:
            self._server = await aiofastnet.create_server(
                asyncio.get_running_loop(), self._protocol, self.host, self.port, ssl=self.tls, **more
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

    def _protocol(self) -> Any:
        """As `picows.ws_create_server` makes them; one route per connection, so that it can see whose it is."""
        protocol: Any = None

        def route(request: picows.WSUpgradeRequest) -> Answer:
            nonlocal protocol
            transport, protocol = protocol.transport.underlying_transport, None  # each refers to the other
            return self._route(request, transport)

        protocol = WSProtocol(
            None,
            None,
            False,
            route,
            _picows_log,
            True,
            HANDSHAKE_S,
            True,
            10.0,
            10.0,
            picows.WSAutoPingStrategy.PING_WHEN_IDLE,
            True,
            self.max_frame_bytes,
            None,
            READ_BUFFER,
        )
        return protocol

    def _route(self, request: picows.WSUpgradeRequest, transport: asyncio.Transport) -> Answer:
        try:
            peer = self._peer(transport)
        except CertificateRefused as refusal:
            return _refused(str(refusal))
        staff = self.tls is None or (peer.identity is not None and peer.identity.kind in STAFF)
        path = request.path.split(b"?", 1)[0]
        if path in (b"/health/live", b"/health/ready", b"/metrics"):
            return self._page(path) if staff else _refused("health and metrics are for the platform's own programs")
        if self.accept is None:
            return None
        if self.tls is not None and not self._admitted(peer):
            return _refused(f"{peer.identity or 'a caller without certificate'} has no business here")
        return self.accept(request, peer)

    def _admitted(self, peer: Peer) -> bool:
        return self.strangers if peer.identity is None else peer.identity.kind in self.admits

    def _peer(self, transport: asyncio.Transport) -> Peer:
        name = transport.get_extra_info("peername")
        address = str(name[0]) if name else ""
        if self.tls is None:
            return Peer(address)
        # verified by OpenSSL in the handshake; here it is only read
        certificate = transport.get_extra_info("ssl_object").getpeercert(True)
        if not certificate:
            return Peer(address)
        return Peer(address, identity_of(certificate), certificate)

    def _page(self, path: bytes) -> Answer:
        if path == b"/health/live":
            return answer(200, msgspec.json.encode(_Live(self.service, True)), "application/json")
        if path == b"/health/ready":
            ready = self.health.ready()
            body = msgspec.json.encode(_Ready(self.service, ready, self.health.dependencies()))
            return answer(200 if ready else 503, body, "application/json")
        return answer(200, generate_latest(self.metrics), "text/plain; version=0.0.4; charset=utf-8")
