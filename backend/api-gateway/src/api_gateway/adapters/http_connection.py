"""One HTTP connection: uvicorn's, with deadlines, limits, and no patience with what can be read in two ways."""

from asyncio import BaseTransport, TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api_gateway.adapters.stalls import CutsStalls
from api_gateway.domain.headers import secured
from api_gateway.domain.refusals import Refusal, rendered
from api_gateway.domain.request_head import (
    FULL,
    HEAD_TOO_LARGE,
    LATE,
    MALFORMED_HEAD,
    MAX_HEAD,
    MAX_HEADERS,
    MAX_TARGET,
    TARGET_TOO_LONG,
    head_fault,
)

PATIENCE_S = 8.0
"""A request's headers and body have to arrive within this time."""
MAX_CONNECTIONS = 1_000
LINGER_S = 1.0
"""What still arrives after our last word is thrown away for so long: a reset would take that word with it."""
MAX_PIPELINED = 16
"""Requests that may wait on one connection for the answer to an earlier one."""

_PHRASES = {
    400: "Bad Request",
    405: "Method Not Allowed",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def bare_answer(refusal: Refusal, https: bool) -> bytes:
    """A whole answer for a connection that ends here, before any application has seen the request."""
    status, headers, body = rendered(refusal)
    lines = [b"HTTP/1.1 %d %b" % (status, _PHRASES.get(status, "Refused").encode())]
    lines += [name + b": " + value for name, value in secured([*headers, (b"connection", b"close")], https)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class RequestRefused(Exception):
    """Leaves the parser's callback; the parser reports it as its own error."""


class Lobby:
    """Connections that wait for a request: when too many are open, whoever waited longest has to go."""

    def __init__(self, most: int = MAX_CONNECTIONS) -> None:
        self.most = most
        self.waiting: dict[PunctualHttp, None] = {}
        """ connection -> nothing, the one that waits longest first """

    def make_room(self, open_now: int) -> bool:
        """Whether one more may stay."""
        if open_now <= self.most:
            return True
        oldest = next(iter(self.waiting), None)
        if oldest is None:
            return False
        self.waiting.pop(oldest)
        oldest.transport.abort()
        return True


class PunctualHttp(CutsStalls, HttpToolsProtocol):
    """Cuts peers whose request does not arrive in time, does not fit, or has two meanings."""

    patience_s = PATIENCE_S
    lobby: Lobby
    https = False
    """Whether browsers come by https, here or at a proxy in front."""
    _deadline: TimerHandle | None = None
    _head_size = 0
    _in_head = True
    _refusal: Refusal | None = None
    _ended = False

    def connection_made(self, transport: BaseTransport) -> None:
        """The first request is due."""
        super().connection_made(transport)
        end = transport.get_extra_info("ssl_object")
        if end is not None and (certificate := end.getpeercert(binary_form=True)):
            self.app_state = {**self.app_state, "peer_certificate": certificate}
        if not self.lobby.make_room(len(self.connections)):
            self.end_with(FULL)
            return
        self.lobby.waiting[self] = None
        self._expect()

    def on_message_begin(self) -> None:
        """A request begins, the rest of it is due."""
        super().on_message_begin()
        self._in_head, self._head_size = True, 0
        if self._deadline is None:
            self._expect()

    def on_url(self, url: bytes) -> None:
        """Part of the address."""
        super().on_url(url)
        if len(self.url) > MAX_TARGET:
            self._refuse(TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. After the body they are trailers, which nobody here asked for: they must not pass for headers."""
        if not self._in_head:
            return
        if len(self.headers) >= MAX_HEADERS:
            self._refuse(HEAD_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """What follows is the body."""
        self._in_head = False
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            self._refuse(HEAD_TOO_LARGE)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(FULL)
        method, version = self.parser.get_method().decode("ascii"), self.parser.get_http_version()
        upgrade = self.parser.should_upgrade() and self._should_upgrade()
        if refusal := head_fault(method, self.url, version, self.headers, upgrade):
            self._refuse(refusal)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here."""
        self._relax()
        self.lobby.waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It waits for the next one."""
        super().on_response_complete()
        if not self.pipeline and not self._ended and not self.transport.is_closing():
            self.lobby.waiting[self] = None

    def data_received(self, data: bytes) -> None:
        """Read, unless the head grows without end."""
        if self._ended:
            return
        super().data_received(data)
        if self._in_head and not self._ended:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD + MAX_TARGET:
                # a single line may be this long, and the parser says nothing before its end
                self.end_with(TARGET_TOO_LONG if len(self.url or b"") > MAX_TARGET else HEAD_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        """The request was complete; from here on the WebSocket protocol keeps its own time."""
        self._relax()
        self.lobby.waiting.pop(self, None)
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._relax()
        self.lobby.waiting.pop(self, None)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """The parser stopped: by itself, or because we told it to."""
        self.end_with(self._refusal or MALFORMED_HEAD)

    def end_with(self, refusal: Refusal) -> None:
        """Say why, unless an answer to an earlier request is on its way, and hang up."""
        if self._ended or self.transport.is_closing():
            return
        self._ended = True
        self._relax()
        self.lobby.waiting.pop(self, None)
        started = self.cycle is not None and not self.cycle.response_complete and self.cycle.response_started
        if self.pipeline or started:
            self.transport.close()
            return
        if self.cycle is not None:
            # whoever works on the request must not answer it as well
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(bare_answer(refusal, self.https))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _refuse(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RequestRefused(refusal.code)

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(self.patience_s, self._late)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self._in_head and self.cycle is not None and self.cycle.response_complete:
            # it was answered without its body, and the body still does not end
            self.transport.close()
        else:
            self.end_with(LATE)
