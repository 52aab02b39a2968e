"""The WebSocket stacks of our two doors with nothing behind them but an echo: signing in stands in a fuzzer's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import picows
from prometheus_client import CollectorRegistry

from api_gateway.adapters.uvicorn_server import HttpServer
from kit.edge import Answer, Edge, Peer
from kit.health import HealthBook
from kit.testing import FakeClock

WIDE = 32 * 2**20
LINGER_S = 0.01
"""The gateway throws away what arrives after its last word for a second; a hundred cases would wait for that."""
PROTOCOL, NOT_TEXT = picows.WSCloseCode.PROTOCOL_ERROR, picows.WSCloseCode.INVALID_TEXT
_TEXT, _BINARY, _MORE = picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION


async def _echo(_scope: Any, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (said := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": said.get("text"), "bytes": said.get("bytes")})


@asynccontextmanager
async def gateway(*, wide: bool) -> AsyncIterator[int]:
    """The gateway's own server and protocols; `wide` lifts its limits on sizes, so that nothing else is seen."""
    server = HttpServer(_echo)
    config = server._server.config
    config.ws = type("Ws", (config.ws,), {"linger_s": LINGER_S} | ({"heard_burst": 2**30} if wide else {}))  # type: ignore[arg-type, misc]
    if wide:
        config.ws_max_size = WIDE
    port = server.listen("api-gateway", "127.0.0.1", 0)
    async with _running(server):
        yield port


@asynccontextmanager
async def _running(server: HttpServer) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        await server.stop()
        await serving


class _Echo(picows.WSListener):
    """What picows leaves to whoever listens: extension bits, two codes, the order of fragments, whether text is text.

    The bridge takes neither text nor fragments and echoes no code: here it is done so that the rest is seen.
    """

    def __init__(self) -> None:
        self._kind: picows.WSMsgType | None = None
        self._parts = bytearray()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Send a message back once it is whole."""
        if transport.is_close_frame_sent:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            _end(transport, PROTOCOL)
        elif frame.msg_type is picows.WSMsgType.CLOSE:
            code, given = frame.get_close_code(), frame.payload_size > 0
            # picows lets 0 and 1006 pass, which nobody may send; without any code it says 0 as well
            _end(transport, (PROTOCOL if code in (0, 1006) else code) if given else picows.WSCloseCode.OK)
        elif frame.msg_type in (_TEXT, _BINARY, _MORE):
            if (frame.msg_type is _MORE) is (self._kind is None):
                _end(transport, PROTOCOL)
                return
            self._kind = self._kind or frame.msg_type
            self._parts += frame.get_payload_as_bytes()
            if frame.fin:
                self._whole(transport, self._kind, bytes(self._parts))
                self._kind, self._parts = None, bytearray()

    def _whole(self, transport: picows.WSTransport, kind: picows.WSMsgType, message: bytes) -> None:
        if kind is _TEXT:
            try:
                message.decode("utf-8")
            except UnicodeDecodeError:
                _end(transport, NOT_TEXT)
                return
        transport.send(kind, message)


def _end(transport: picows.WSTransport, code: Any) -> None:
    transport.send_close(code)
    # at once would reset the connection over what still arrives, and take our last word with it
    asyncio.get_running_loop().call_later(LINGER_S, transport.disconnect)


@asynccontextmanager
async def bridge() -> AsyncIterator[int]:
    """The edge of the kit as the bridge opens it, for larger frames."""

    def accept(_request: picows.WSUpgradeRequest, _peer: Peer) -> Answer:
        return _Echo()

    health = HealthBook(FakeClock())
    edge = Edge("data-bridge", "127.0.0.1", 0, health, CollectorRegistry(), accept=accept, max_frame_bytes=WIDE)
    await edge.start()
    try:
        yield edge.port
    finally:
        await edge.stop()
