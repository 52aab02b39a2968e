"""One WebSocket connection: uvicorn's, for browsers that listen and have next to nothing to say."""

import socket
from asyncio import BaseTransport

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from api_gateway.adapters.http_connection import LINGER_S, bare_answer
from api_gateway.adapters.stalls import CutsStalls
from api_gateway.domain.request_head import MALFORMED_HEAD

SEND_BUFFER = 128 * 1024
"""What the kernel may hold for one browser: prices that wait there can't be replaced by newer ones."""
HEARD_BURST = 32 * 1024
HEARD_PER_S = 2 * 1024
"""Bytes that a browser may send: it answers pings and says good-bye. Floods of pings or of fragments end here."""
TALKATIVE, ABNORMAL = 1008, 1006


class PunctualWebSocket(CutsStalls, WebSocketsSansIOProtocol):
    """Keeps little in memory for each browser, hears little from it, and drops one that has stopped taking anything."""

    https = False
    """Whether browsers come by https, here or at a proxy in front."""
    heard_burst, linger_s = HEARD_BURST, LINGER_S
    _failed = False
    _may_say = 0.0
    _heard_at = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what the kernel holds."""
        super().connection_made(transport)
        self._heard_at, self._may_say = self.loop.time(), float(self.heard_burst)
        if (peer := transport.get_extra_info("socket")) is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Request) -> None:
        """A handshake that is none is answered like any other malformed request."""
        if self.conn.accept(event).status_code == 101:
            super().handle_connect(event)
        else:
            self._turn_away()

    def _turn_away(self) -> None:
        self.handshake_complete = self.close_sent = True
        self.transport.write(bare_answer(MALFORMED_HEAD, self.https))
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Read no more than a browser has to say."""
        if self._failed or self.transport.is_closing():
            return
        if not self.handshake_initiated:
            super().data_received(data)
            # its parser takes shorter lines than ours and says nothing: the connection would stay open for ever
            if self.conn.handshake_exc is not None and not self.transport.is_closing():
                self._turn_away()
            return
        now = self.loop.time()
        self._may_say = min(self.heard_burst, self._may_say + (now - self._heard_at) * HEARD_PER_S)
        self._heard_at = now
        allowed = data[: int(self._may_say)]
        self._may_say -= len(allowed)
        super().data_received(allowed)
        if len(allowed) < len(data) and not self._failed and not self.transport.is_closing():
            self.conn.fail(TALKATIVE)
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Say why, then throw away what still arrives for a moment: a reset would take our last word with it."""
        if self._failed:
            return
        self._failed = self.close_sent = True
        reason = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": reason.code if reason else ABNORMAL})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.linger_s, self.transport.close)

    def pause_writing(self) -> None:
        """Whoever takes nothing is not listened to either: each of its pings would cost us an answer."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It goes on."""
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
