"""Which action of the policy each route is, and the judgement of requests by it. What is not listed is refused."""

import hmac
from urllib.parse import urlsplit

import msgspec

from api_gateway.domain.refusals import (
    CSRF_REFUSED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    ORIGIN_REFUSED,
    Refusal,
    method_not_allowed,
    refused,
)
from kit.policy import ANYONE, NOBODY, RULES, Denied, Facts, State, Subject, decide

SOCKET = "WS"
"""Stands for a WebSocket handshake where a method is expected."""

TABLE: dict[tuple[str, str], str] = {
    ("GET", "/health/live"): "health.read",
    ("GET", "/health/ready"): "health.read",
    ("GET", "/metrics"): "health.read",
    ("GET", "/openapi.json"): "api.describe",
    ("GET", "/docs"): "api.read",
    ("POST", "/csp-report"): "policy_report.send",
    ("GET", "/api/v1/setup"): "setup.make",
    ("POST", "/api/v1/setup"): "setup.make",
    ("POST", "/api/v1/session"): "session.open",
    ("POST", "/api/v1/session/second-factor"): "session.open",
    ("POST", "/api/v1/session/passkey"): "session.open",
    ("POST", "/api/v1/session/token"): "session.open",
    ("POST", "/api/v1/session/refresh"): "session.open",
    ("GET", "/api/v1/session"): "session.own",
    ("DELETE", "/api/v1/session"): "session.own",
    ("POST", "/api/v1/session/renew"): "session.own",
    ("POST", "/api/v1/session/challenge"): "session.own",
    ("POST", "/api/v1/session/step-up"): "session.own",
    ("GET", "/api/v1/sessions"): "session.own",
    ("DELETE", "/api/v1/sessions"): "session.own",
    ("DELETE", "/api/v1/sessions/{session_id}"): "session.own",
    ("GET", "/api/v1/me"): "session.own",
    ("POST", "/api/v1/me/password"): "session.own",
    ("POST", "/api/v1/me/totp"): "factors.add",
    ("PUT", "/api/v1/me/totp"): "factors.add",
    ("DELETE", "/api/v1/me/totp"): "factors.remove",
    ("POST", "/api/v1/me/passkeys/challenge"): "factors.add",
    ("POST", "/api/v1/me/passkeys"): "factors.add",
    ("DELETE", "/api/v1/me/passkeys/{passkey_id}"): "factors.remove",
    ("POST", "/api/v1/me/recovery-codes"): "factors.remove",
    ("GET", "/api/v1/api-keys"): "api_keys.own",
    ("POST", "/api/v1/api-keys"): "api_keys.make",
    ("DELETE", "/api/v1/api-keys/{key_id}"): "api_keys.own",
    ("GET", "/api/v1/users"): "users.read",
    ("POST", "/api/v1/users"): "users.manage",
    ("PATCH", "/api/v1/users/{user_id}"): "users.manage",
    ("GET", "/api/v1/users/{user_id}/sessions"): "users.read",
    ("DELETE", "/api/v1/users/{user_id}/sessions"): "users.manage",
    ("GET", "/api/v1/people-rules"): "users.read",
    ("PUT", "/api/v1/people-rules"): "users.manage",
    ("POST", "/api/v1/stream-ticket"): "stream.open",
    ("GET", "/api/v1/symbols"): "market.read",
    ("GET", "/api/v1/ticks"): "market.read",
    ("GET", "/api/v1/bars"): "market.read",
    ("GET", "/api/v1/news"): "news.read",
    ("GET", "/api/v1/calendar"): "news.read",
    ("GET", "/api/v1/accounts"): "accounts.read",
    ("GET", "/api/v1/positions"): "accounts.read",
    ("GET", "/api/v1/orders"): "orders.read",
    ("GET", "/api/v1/orders.csv"): "orders.read",
    ("GET", "/api/v1/executions"): "executions.read",
    ("GET", "/api/v1/executions.csv"): "executions.read",
    ("GET", "/api/v1/audit"): "audit.read",
    ("GET", "/api/v1/services"): "services.read",
    ("POST", "/api/v1/commands"): "commands.give",
    ("GET", "/api/v1/limits"): "limits.read",
    ("POST", "/api/v1/limits"): "limits.propose",
    ("POST", "/api/v1/limits/{proposal_id}/approve"): "limits.approve",
    ("POST", "/api/v1/limits/{proposal_id}/reject"): "limits.reject",
    ("GET", "/api/v1/usage"): "usage.read",
    (SOCKET, "/api/v1/stream"): "stream.open",
}
""" (method, path) -> action of the policy; `{id}` stands for one part of a path. Everything else is refused """

PAGES = "pages.read"
"""The action of loading the dashboards' files."""

METHODS: dict[str, list[str]] = {}
""" path -> its methods """
_PATTERNS: list[tuple[tuple[str, ...], str]] = []
""" paths with `{...}`, split at the slashes """
for _method, _path in TABLE:
    if _path not in METHODS and "{" in _path:
        _PATTERNS.append((tuple(_path.split("/")), _path))
    METHODS.setdefault(_path, []).append(_method)


def listed(path: str) -> str:
    """The path of the table that a request's path is; "" when there is none."""
    if path in METHODS:
        return "" if "{" in path else path
    parts = path.split("/")
    for pattern, name in _PATTERNS:
        if len(pattern) == len(parts) and all(
            part if wanted.startswith("{") else part == wanted for wanted, part in zip(pattern, parts, strict=True)
        ):
            return name
    return ""


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
    auth_ms: int = 0
    """When the person last proved who they are."""
    scopes: frozenset[str] | None = None
    """What an API key was made for, or all that a session without its second factor may; None: what the role may."""
    user_id: str = ""
    session: str = ""
    """Empty for an API key."""
    issued_ms: int = 0
    """When the token was made, or the key was looked up: what was revoked later refuses it."""
    amr: tuple[str, ...] = ()
    """How the person proved who they are: `pwd`, `otp`, `hwk`, `rec`, `mfa`."""
    thumbprint: str = ""
    """Of the only client certificate that the token may come with, base64url; empty: of any, or none."""
    key_id: str = ""
    """Of the key that signed the token."""
    api_key: str = ""
    """Its id, when the caller is a program with one."""
    token: str = ""
    """The access token that proves the person to the services behind the gateway."""

    def subject(self) -> Subject:
        """The caller as the policy sees them."""
        return Subject(self.name, self.tenant, self.role, self.auth_ms, self.scopes)


class Knock(msgspec.Struct, frozen=True):
    """A request before anyone has looked at it. Headers are empty strings when they are missing."""

    method: str
    path: str
    from_loopback: bool
    origin: str
    host: str
    csrf: str
    caller: Caller | None
    fetch_site: str = ""
    """Sec-Fetch-Site: which page makes a browser ask; programs and old browsers send none."""


def is_open(method: str, path: str) -> bool:
    """Whether a listed route asks nobody who they are: whoever signs in there may be somebody else already."""
    return ANYONE in RULES[TABLE[method, listed(path)]].roles


def is_page(method: str, path: str) -> bool:
    """Not the API and not listed: the dashboards' files may have it."""
    return method in ("GET", "HEAD") and not _is_api(path) and not listed(path)


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def ours(origin: str, host: str, public_origins: frozenset[str]) -> bool:
    """Whether a browser at this Origin shows our own page: a configured address, or the same loopback address that it
    asks (any port: it may be mapped). A foreign name that resolves to this machine is neither."""
    if origin in public_origins:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:  # a bracket that is not closed
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host and parts.hostname in LOOPBACK_HOSTS


def judge(
    knock: Knock, public_origins: frozenset[str], now_ms: int = 0, states: frozenset[State] = frozenset()
) -> Refusal | None:
    """Why the request may not go on; None when it may. What the API does not have, only signed-in callers are told."""
    name = listed(knock.path)
    action = TABLE.get((knock.method, name))
    if action is None:
        return _unlisted(knock, name)
    if knock.method not in SAFE and _foreign(knock, public_origins):
        return ORIGIN_REFUSED
    caller = knock.caller
    subject = caller.subject() if caller else NOBODY
    answer = decide(subject, action, subject.tenant, Facts(now_ms, knock.from_loopback, states))
    if isinstance(answer, Denied):
        return refused(answer)
    if caller and caller.by_cookie and knock.method not in SAFE and ANYONE not in RULES[action].roles:
        return _forged(knock, caller)
    return None


def _foreign(knock: Knock, public_origins: frozenset[str]) -> bool:
    if knock.fetch_site in ("cross-site", "same-site"):
        return True
    return bool(knock.origin) and not ours(knock.origin, knock.host, public_origins)


def _forged(knock: Knock, caller: Caller) -> Refusal | None:
    if knock.method == SOCKET:
        # browsers always name their Origin here and can send no header of ours
        return None if knock.origin else ORIGIN_REFUSED
    fits = bool(caller.csrf) and hmac.compare_digest(knock.csrf.encode(), caller.csrf.encode())
    return None if fits else CSRF_REFUSED


def _unlisted(knock: Knock, name: str) -> Refusal:
    if _is_api(knock.path) and knock.caller is None:
        return NOT_SIGNED_IN
    methods = METHODS.get(name)
    if methods is None:
        return NOT_FOUND if _is_api(knock.path) else method_not_allowed(["GET", "HEAD"])
    return method_not_allowed([m for m in methods if m != SOCKET])
