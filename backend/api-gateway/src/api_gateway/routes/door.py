"""The door: every request passes here first. It learns who asks, judges, and puts the security headers on answers."""

import time
from dataclasses import dataclass
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api_gateway.domain.access import LOOPBACK_HOSTS, SOCKET, TABLE, Caller, Knock, is_page, judge, listed
from api_gateway.domain.refusals import NOT_JSON, TOO_LARGE, Refusal
from api_gateway.ports import Pages, Tokens
from api_gateway.routes.measures import Measures
from api_gateway.routes.problems import Report, refusal_of, refuse, unexpected
from kit import log
from kit.clock import Clock

COOKIE = "aitrading_session"
MAX_BODY = 64 * 1024
MAX_REPORT = 8 * 1024
API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
NOT_BUILT = Refusal(503, "not_built", "The dashboards are not built: run `make web`.")

Headers = list[tuple[bytes, bytes]]

SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def cookie_of(header: str) -> str:
    """The session token in a Cookie header; empty when there is none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def caller_of(scope: Scope) -> Caller:
    """Who asks, where the door let only signed-in callers through."""
    caller = scope["state"]["caller"]
    assert isinstance(caller, Caller)
    return caller


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
                message["headers"] = self._headers(path, message["headers"])
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
            if method != SOCKET:
                name = listed(path)
                known = (method, name) in TABLE
                self.measures.answered(name if known else "other", status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, method: str, headers: dict[bytes, str]) -> None:
        path = scope["path"]
        if is_page(method, path):
            await self._page(scope, send, method, headers)
            return
        caller = self._caller(headers)
        client = scope.get("client")
        knock = Knock(
            method,
            path,
            client is not None and client[0] in LOOPBACK_HOSTS and not _proxied(headers),
            headers.get(b"origin", ""),
            headers.get(b"host", ""),
            headers.get(b"x-csrf-token", ""),
            caller,
        )
        refusal = judge(knock, self.public_origins, self.clock.now_ms()) or _body_fault(path, headers)
        if refusal is not None:
            await refuse(send, method, refusal)
            return
        scope["state"]["caller"] = caller
        await self.api(scope, receive, send)

    def _caller(self, headers: dict[bytes, str]) -> Caller | None:
        now_ms = self.clock.now_ms()
        authorization = headers.get(b"authorization")
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            return self.tokens.caller(token.strip(), False, now_ms) if kind.lower() == "bearer" else None
        token = cookie_of(headers.get(b"cookie", ""))
        return self.tokens.caller(token, True, now_ms) if token else None

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
        size: Headers = [] if answer.status == 304 else [(b"content-length", str(len(answer.body)).encode())]
        start: Any = {"type": "http.response.start", "status": answer.status, "headers": answer.headers + size}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body, "more_body": False})

    def _headers(self, path: str, own: Any) -> Headers:
        headers: Headers = [*own, *SECURITY]
        names = {name for name, _ in own}
        if b"content-security-policy" not in names:
            headers.append((b"content-security-policy", API_POLICY))
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-store"))
        if self.https:
            headers.append(HSTS)
        return headers


def _proxied(headers: dict[bytes, str]) -> bool:
    return b"x-forwarded-for" in headers or b"forwarded" in headers


def _body_fault(path: str, headers: dict[bytes, str]) -> Refusal | None:
    length = headers.get(b"content-length", "0")
    if not length.isdigit():
        return NOT_JSON
    if length == "0" and b"transfer-encoding" not in headers:
        return None
    if path == "/csp-report":
        return TOO_LARGE if int(length) > MAX_REPORT else None
    if int(length) > MAX_BODY:
        return TOO_LARGE
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    return None if kind == "application/json" else NOT_JSON
