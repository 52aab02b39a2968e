"""Who may ask what: one table of routes, and the judgement of requests against it. What is not listed is refused."""

import hmac
from enum import IntEnum
from urllib.parse import urlsplit

import msgspec

from api_gateway.domain.refusals import (
    CSRF_REFUSED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_FROM_HERE,
    NOT_SIGNED_IN,
    ORIGIN_REFUSED,
    Refusal,
    method_not_allowed,
)


class Needs(IntEnum):
    """What a route asks of its caller; the last three are roles, each includes the ones before it."""

    NOTHING = 0
    LOOPBACK = 1
    """No session, but the connection must come from this machine without a proxy."""
    VIEWER = 2
    TRADER = 3
    ADMIN = 4


ROLES: dict[str, Needs] = {"viewer": Needs.VIEWER, "trader": Needs.TRADER, "admin": Needs.ADMIN}
""" role in a token -> what it satisfies """

SOCKET = "WS"
"""Stands for a WebSocket handshake where a method is expected."""

TABLE: dict[tuple[str, str], Needs] = {
    ("GET", "/health/live"): Needs.LOOPBACK,
    ("GET", "/health/ready"): Needs.LOOPBACK,
    ("GET", "/metrics"): Needs.LOOPBACK,
    ("GET", "/openapi.json"): Needs.NOTHING,
    ("GET", "/docs"): Needs.VIEWER,
    ("POST", "/csp-report"): Needs.NOTHING,
    ("GET", "/api/v1/setup"): Needs.NOTHING,
    ("POST", "/api/v1/setup"): Needs.NOTHING,
    ("POST", "/api/v1/session"): Needs.NOTHING,
    ("GET", "/api/v1/session"): Needs.VIEWER,
    ("DELETE", "/api/v1/session"): Needs.VIEWER,
    ("POST", "/api/v1/session/renew"): Needs.VIEWER,
    ("GET", "/api/v1/symbols"): Needs.VIEWER,
    ("GET", "/api/v1/ticks"): Needs.VIEWER,
    ("GET", "/api/v1/bars"): Needs.VIEWER,
    ("GET", "/api/v1/accounts"): Needs.VIEWER,
    ("GET", "/api/v1/positions"): Needs.VIEWER,
    ("GET", "/api/v1/orders"): Needs.VIEWER,
    ("GET", "/api/v1/executions"): Needs.VIEWER,
    ("GET", "/api/v1/services"): Needs.ADMIN,
    ("POST", "/api/v1/commands"): Needs.TRADER,
    (SOCKET, "/api/v1/stream"): Needs.VIEWER,
}
""" (method, path) -> what it needs; a test holds it against the routes that exist """

METHODS: dict[str, list[str]] = {}
""" path -> its methods """
for _method, _path in TABLE:
    METHODS.setdefault(_path, []).append(_method)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the token says. `tenant` is the only tenant that any answer may be about."""

    name: str
    tenant: str
    role: str
    csrf: str
    expires_ms: int
    token_id: str
    by_cookie: bool


class Knock(msgspec.Struct, frozen=True):
    """A request before anyone has looked at it. Headers are empty strings when they are missing."""

    method: str
    path: str
    from_loopback: bool
    origin: str
    host: str
    csrf: str
    caller: Caller | None


def is_page(method: str, path: str) -> bool:
    """Not the API and not listed: the dashboards' files may have it."""
    return path not in METHODS and method in ("GET", "HEAD") and not _is_api(path)


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def ours(origin: str, host: str, public_origins: frozenset[str]) -> bool:
    """Whether a browser at this Origin shows our own page: a configured address, or the same loopback address that it
    asks (any port: it may be mapped). A foreign name that resolves to this machine is neither."""
    if origin in public_origins:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == host and parts.hostname in LOOPBACK_HOSTS


def judge(knock: Knock, public_origins: frozenset[str]) -> Refusal | None:
    """Why the request may not go on; None when it may. What the API does not have, only signed-in callers are told."""
    needs = TABLE.get((knock.method, knock.path))
    if needs is None:
        return _unlisted(knock)
    if needs is Needs.LOOPBACK:
        return None if knock.from_loopback else NOT_FROM_HERE
    changes = knock.method not in SAFE
    if changes and knock.origin and not ours(knock.origin, knock.host, public_origins):
        return ORIGIN_REFUSED
    if needs is Needs.NOTHING:
        return None
    caller = knock.caller
    if caller is None:
        return NOT_SIGNED_IN
    if changes and caller.by_cookie and (refusal := _forged(knock, caller)):
        return refusal
    return None if ROLES.get(caller.role, Needs.NOTHING) >= needs else NOT_ALLOWED


def _forged(knock: Knock, caller: Caller) -> Refusal | None:
    if knock.method == SOCKET:
        # browsers always name their Origin here and can send no header of ours
        return None if knock.origin else ORIGIN_REFUSED
    fits = bool(caller.csrf) and hmac.compare_digest(knock.csrf.encode(), caller.csrf.encode())
    return None if fits else CSRF_REFUSED


def _unlisted(knock: Knock) -> Refusal:
    if _is_api(knock.path) and knock.caller is None:
        return NOT_SIGNED_IN
    methods = METHODS.get(knock.path)
    return method_not_allowed([m for m in methods if m != SOCKET]) if methods else NOT_FOUND
