"""The door for the EA: a WebSocket on the loopback address that opens for whoever has the token, and no web page."""

import hmac
from dataclasses import dataclass, field

import picows
from prometheus_client import CollectorRegistry

from kit.clock import Clock
from kit.edge import Answer, Edge, Peer, answer
from kit.health import HealthBook
from metatrader_connector.domain.ea_frames import MAX_FRAME_BYTES
from metatrader_connector.ea_desk import EaDesk, Talk

PATH = "/ea"
HOST = "127.0.0.1"
SERVICE = "metatrader-connector-ea"
MOST_WAITING = 4
"""Connections that have not said who they are."""
SCHEME = "Bearer "
_HEAD_ROOM = 16


class _Line(picows.WSListener):
    """Implements ports.EaWire."""

    def __init__(self, desk: EaDesk) -> None:
        self._desk = desk
        self._talk: Talk | None = None
        self._transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport
        self._talk = self._desk.opened(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type in (picows.WSMsgType.PING, picows.WSMsgType.PONG):
            if frame.msg_type == picows.WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type != picows.WSMsgType.BINARY or not frame.fin:
            self.close("messages are whole and binary")
        elif self._talk is not None:
            self._desk.heard(self._talk, frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if self._talk is not None:
            self._desk.closed(self._talk)

    def send(self, frame: bytes) -> None:
        """One frame, while the connection lasts."""
        transport = self._transport
        if transport is not None and not transport.is_disconnected and not transport.is_close_frame_sent:
            transport.send(picows.WSMsgType.BINARY, frame)

    def close(self, why: str) -> None:
        """The EA shows the reason in MT5's journal."""
        transport = self._transport
        if transport is not None and not transport.is_disconnected:
            if not transport.is_close_frame_sent:
                transport.send_close(picows.WSCloseCode.POLICY_VIOLATION, why.encode()[:120])
            transport.disconnect()


@dataclass(slots=True)
class EaDoor:
    """`start` listens, `stop` sends the EA away."""

    desk: EaDesk
    clock: Clock
    port: int
    token: str = field(default="", repr=False)
    """Nobody comes in while it is empty."""
    refused: int = 0
    _edge: Edge | None = None

    async def start(self) -> None:
        """Bind the port; OSError with a plain sentence when it is taken."""
        # its own, empty books: what the connector knows about itself is not told on a port without TLS
        health, metrics = HealthBook(self.clock), CollectorRegistry()
        edge = Edge(SERVICE, HOST, self.port, health, metrics, self.accept, MAX_FRAME_BYTES + _HEAD_ROOM)
        await edge.start()
        self._edge, self.port = edge, edge.port

    async def stop(self) -> None:
        """Close the port and the connection."""
        if self.desk.live is not None:
            self.desk.live.wire.close("this client stops")
        if self._edge is not None:
            await self._edge.stop()

    def accept(self, request: picows.WSUpgradeRequest, peer: Peer) -> Answer:
        """Who may come in. A browser names its page as Origin and can't send the token; an EA sends no Origin."""
        if request.path.decode("latin-1") != PATH:
            return None
        if (status := self._fault(request)) != 0:
            self.refused += 1
            return answer(status, b"", "text/plain")
        return _Line(self.desk)

    def _fault(self, request: picows.WSUpgradeRequest) -> int:
        headers = request.headers
        if "Origin" in headers or headers.get("Host", "") != f"{HOST}:{self.port}":
            return 403
        told = headers.get("Authorization", "")
        given = told.removeprefix(SCHEME).encode("utf-8", "replace")
        right = hmac.compare_digest(given, self.token.encode())
        if not (right and self.token and told.startswith(SCHEME)):
            return 401
        return 503 if self.desk.waiting() >= MOST_WAITING else 0
