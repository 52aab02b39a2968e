"""The door: every request passes here first. It learns who asks, judges, and puts the security headers on answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api_gateway.domain.access import LOOPBACK_HOSTS, SOCKET, TABLE, Caller, Knock, is_open, is_page, judge, listed
from api_gateway.domain.addresses import is_plain, question_fault
from api_gateway.domain.denied import event_of
from api_gateway.domain.headers import Headers, cookie_of, secured
from api_gateway.domain.pace import InFlight, Pace
from api_gateway.domain.peers import Network, address_of, peer_of
from api_gateway.domain.quotas import Quotas
from api_gateway.domain.refusals import BUSY, NOT_FOUND, NOT_JSON, TOO_LARGE, Refusal, too_many
from api_gateway.domain.scopes import PREFIX
from api_gateway.domain.strict_json import body_fault
from api_gateway.ports import ApiKeys, Pages, Tokens
from api_gateway.routes.measures import Measures
from api_gateway.routes.problems import Report, refusal_of, refuse, unexpected
from kit import log
from kit.clock import Clock
from kit.denials import DenialBook
from kit.limits import Limiter
from kit.policy import State
from kit.service_tokens import on_behalf_of
from kit.tls import TRUST_DOMAIN, thumbprint

MAX_BODY = 64 * 1024
MAX_REPORT = 8 * 1024
REPORTS = "/csp-report"
NO_STATES: frozenset[State] = frozenset()
MISSES_PER_MINUTE = 300
"""Addresses that do not exist, for each peer: a page asks for none, a scanner for thousands."""
NOT_BUILT = Refusal(503, "not_built", "The dashboards are not built: run `make web`.")


def caller_of(scope: Scope) -> Caller:
    """Who asks, where the door let only signed-in callers through."""
    caller = scope["state"]["caller"]
    assert isinstance(caller, Caller)
    return caller


def thumbprint_of(scope: Any) -> str:
    """Of the client certificate that the connection came with (`x5t#S256`); "" when it came without."""
    certificate = scope["state"].get("peer_certificate", b"")
    return thumbprint(certificate) if certificate else ""


@dataclass(slots=True)
class Door:
    """An ASGI application around the API and the pages."""

    api: ASGIApp
    pages: Pages
    tokens: Tokens
    clock: Clock
    measures: Measures
    report: Report
    public_origins: frozenset[str]
    https: bool
    keys: ApiKeys
    states: Callable[[str], frozenset[State]] = lambda _tenant: frozenset()
    """What the policy has to know about a tenant now."""
    quotas: Quotas = field(default_factory=Quotas)
    count: Callable[[str, int], None] = lambda _tenant, _now_ms: None
    """Hears of each request of a tenant."""
    trusted: tuple[Network, ...] = ()
    """Proxies whose X-Forwarded-For counts."""
    pace: Pace = field(default_factory=Pace)
    denials: DenialBook = field(default_factory=DenialBook)
    """What was denied, for the audit trail."""
    flight: InFlight = field(default_factory=InFlight)
    misses: Limiter = field(default_factory=lambda: Limiter(MISSES_PER_MINUTE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one WebSocket."""
        started = time.perf_counter()
        log.correlation.set(log.new_correlation_id())
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        method = SOCKET if scope["type"] == ScopeType.WEBSOCKET else scope["method"]
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                message["headers"] = secured(list(message["headers"]), self.https)
            await send(message)

        try:
            await self._answer(scope, receive, send_on, method, headers)
        except Exception as error:  # noqa: BLE001 nothing may get past the door unrendered
            refusal, error_id = refusal_of(error), ""
            if refusal is None:
                refusal, error_id = unexpected(error, self.report)
            if status == 0:
                await refuse(send_on, method, refusal, error_id)
        finally:
            name = listed(path)
            self._note(scope, method, name, headers, status)
            if method != SOCKET:
                known = (method, name) in TABLE
                self.measures.answered(name if known else "other", status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, method: str, headers: dict[bytes, str]) -> None:
        path = scope["path"]
        if is_page(method, path):
            await self._page(scope, send, method, headers)
            return
        caller = await self._caller(scope, headers)
        client = scope.get("client")
        knock = Knock(
            method,
            path,
            client is not None and client[0] in LOOPBACK_HOSTS and _direct(headers),
            headers.get(b"origin", ""),
            headers.get(b"host", ""),
            headers.get(b"x-csrf-token", ""),
            caller,
            headers.get(b"sec-fetch-site", ""),
        )
        scope["state"]["caller"] = caller
        scope["state"]["peer"] = peer = self._peer(scope, headers)
        refusal = (
            self._too_fast(method, caller, peer)
            or judge(
                knock, self.public_origins, self.clock.now_ms(), self.states(caller.tenant) if caller else NO_STATES
            )
            or self._over_quota(caller, method, path)
            or (None if is_plain(scope.get("raw_path") or path.encode()) else NOT_FOUND)
            or question_fault(scope["query_string"])
            or _body_fault(path, headers)
        )
        if refusal is NOT_FOUND:
            refusal = self._missed(scope, headers) or refusal
        body = b""
        if refusal is None and method != SOCKET and _has_body(headers):
            read = await _read(receive, MAX_REPORT if path == REPORTS else MAX_BODY)
            if read is None:
                return
            body = read if isinstance(read, bytes) else b""
            refusal = read if isinstance(read, Refusal) else None if path == REPORTS else body_fault(body)
        if refusal is not None:
            await refuse(send, method, refusal)
            return
        # the services behind answer the person, not the gateway
        on_behalf_of.set(caller.token if caller and not is_open(method, path) else "")
        if method == SOCKET:
            await self.api(scope, receive, send)
        elif not self.flight.enter(peer):
            await refuse(send, method, BUSY)
        else:
            try:
                await self.api(scope, _again(body, receive) if body else receive, send)
            finally:
                self.flight.leave(peer)

    def _peer(self, scope: Scope, headers: dict[bytes, str]) -> str:
        client = scope.get("client")
        return peer_of(client[0] if client else "", headers.get(b"x-forwarded-for", ""), self.trusted)

    def _address(self, scope: Scope, headers: dict[bytes, str]) -> str:
        client = scope.get("client")
        return address_of(client[0] if client else "", headers.get(b"x-forwarded-for", ""), self.trusted)

    def _too_fast(self, method: str, caller: Caller | None, peer: str) -> Refusal | None:
        wait_ms, kind = self.pace.wait_ms(method, caller, peer, self.clock.now_ms())
        return too_many(kind.value, -(-wait_ms // 1000)) if wait_ms else None

    def _over_quota(self, caller: Caller | None, method: str, path: str) -> Refusal | None:
        if caller is None or is_open(method, path):
            return None
        now_ms = self.clock.now_ms()
        self.count(caller.tenant, now_ms)
        return self.quotas.request(caller.tenant, now_ms)

    def _note(self, scope: Scope, method: str, name: str, headers: dict[bytes, str], status: int) -> None:
        """Whatever said no, and wherever it was said: it goes into the audit trail, many of a sort as one record."""
        caller = scope["state"].get("caller")
        presented = b"authorization" in headers or b"cookie" in headers
        if event := event_of(method, name, status, caller, presented):
            who = caller.name if caller else self._peer(scope, headers)
            what = f"{method} {name}" if name else "unknown addresses"
            tenant = caller.tenant if caller else ""
            self.denials.add(event, tenant, who, what, str(status), self.clock.now_ms())

    def _missed(self, scope: Scope, headers: dict[bytes, str]) -> Refusal | None:
        wait_ms = self.misses.wait_ms(self._peer(scope, headers), self.clock.now_ms())
        return too_many("addresses that do not exist", -(-wait_ms // 1000)) if wait_ms else None

    async def _caller(self, scope: Scope, headers: dict[bytes, str]) -> Caller | None:
        now_ms = self.clock.now_ms()
        authorization = headers.get(b"authorization")
        if authorization is None:
            token = cookie_of(headers.get(b"cookie", ""), self.https)
            caller = self.tokens.caller(token, True, now_ms) if token else None
        else:
            kind, _, token = authorization.partition(" ")
            token = token.strip()
            if kind.lower() != "bearer":
                return None
            if token.startswith(PREFIX):
                return await self.keys.caller(token, self._address(scope, headers), self._peer(scope, headers))
            caller = self.tokens.caller(token, False, now_ms)
        # a token that was made for one certificate proves nothing over a connection with another, or with none
        bound = caller is not None and caller.thumbprint
        return None if bound and bound != thumbprint_of(scope) else caller

    async def _page(self, scope: Scope, send: Send, method: str, headers: dict[bytes, str]) -> None:
        answer = self.pages.answer(
            scope["path"],
            scope["query_string"],
            headers.get(b"accept-encoding", ""),
            headers.get(b"if-none-match", ""),
        )
        if answer is None:
            await refuse(send, method, NOT_BUILT)
            return
        if answer.status == 404 and (refusal := self._missed(scope, headers)):
            await refuse(send, method, refusal)
            return
        size: Headers = [] if answer.status == 304 else [(b"content-length", str(len(answer.body)).encode())]
        start: Any = {"type": "http.response.start", "status": answer.status, "headers": answer.headers + size}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body, "more_body": False})


def _direct(headers: dict[bytes, str]) -> bool:
    """Neither a proxy in between, nor a page whose foreign name was made to resolve to this machine."""
    name = urlsplit("//" + headers.get(b"host", "")).hostname or ""
    proxied = b"x-forwarded-for" in headers or b"forwarded" in headers
    return not proxied and (name in LOOPBACK_HOSTS or name.endswith(f".{TRUST_DOMAIN}"))


def _has_body(headers: dict[bytes, str]) -> bool:
    return headers.get(b"content-length", "0") != "0" or b"transfer-encoding" in headers


def _body_fault(path: str, headers: dict[bytes, str]) -> Refusal | None:
    length = headers.get(b"content-length", "0")
    if not length.isdigit():
        return NOT_JSON
    if not _has_body(headers):
        return None
    if path == REPORTS:
        return TOO_LARGE if int(length) > MAX_REPORT else None
    if int(length) > MAX_BODY:
        return TOO_LARGE
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    return None if kind == "application/json" else NOT_JSON


async def _read(receive: Receive, most: int) -> bytes | Refusal | None:
    """The whole body; a refusal as soon as it is too large, whatever it said of its length; None when the peer left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message["body"]
        if len(body) > most:
            return TOO_LARGE
        if not message["more_body"]:
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, then whatever comes."""
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
