"""Refusals: expected answers that say no, with a word for programs and a sentence for people."""

import msgspec

from contracts.views import Problem
from kit.policy import QUOTA_EXCEEDED, Denied


class Refusal(msgspec.Struct, frozen=True):
    """Why not. `reason` says what to do; `retry_after_s` above 0 and `allow` become the headers of their names."""

    status: int
    code: str
    reason: str
    retry_after_s: int = 0
    allow: str = ""


class RefusedError(Exception):
    """Carries a refusal from wherever it was found to the one place that renders it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.code}")
        self.refusal = refusal


NOT_SIGNED_IN = Refusal(401, "not_signed_in", "You are not signed in. Sign in and try again.")
WRONG_NAME_OR_PASSWORD = Refusal(401, "wrong_name_or_password", "The name or the password is not right. Try again.")
WRONG_FACTOR = Refusal(401, "wrong_second_factor", "This is not right, or it was used before. Try again.")
CHALLENGE_OVER = Refusal(401, "challenge_over", "This took too long, or was tried too often. Begin again.")
NO_PASSKEYS_HERE = Refusal(
    409,
    "no_passkeys_here",
    "Browsers keep passkeys for names, not for IP addresses, and want https or localhost. Open the dashboard as "
    "http://localhost:PORT or at its https address.",
)
LAST_FACTOR = Refusal(
    409, "last_factor", "Your organisation requires a second factor and this is your last one. Add another first."
)
NOT_ONESELF = Refusal(409, "not_oneself", "You can't take your own rights. Ask another administrator.")
LAST_ADMIN = Refusal(
    409, "last_admin", "Your organisation would have no administrator left. Make somebody else an administrator first."
)
NOT_ALLOWED = Refusal(403, "not_allowed", "Your role does not allow this. Ask an administrator.")
NOT_FROM_HERE = Refusal(403, "not_from_here", "This page answers only programs on the same machine.")
CSRF_REFUSED = Refusal(
    403, "csrf_refused", "The header X-CSRF-Token is missing or is not this session's. Reload the page and try again."
)
ORIGIN_REFUSED = Refusal(
    403,
    "origin_refused",
    "The request comes from a foreign page. Open the dashboard at its own address, or put that address into "
    "AITRADING_API_GATEWAY_PUBLIC_URL.",
)
NOT_FOUND = Refusal(404, "not_found", "There is nothing here with this name.")
NOT_JSON = Refusal(415, "not_json", "Send the body as JSON with the header Content-Type: application/json.")
TOO_LARGE = Refusal(413, "too_large", "The body is larger than this page takes. Send less.")
BUSY = Refusal(503, "busy", "Too many questions are being answered at the moment. Try again in a second.", 1)
UNAVAILABLE = Refusal(
    503, "unavailable", "A part of the platform does not answer at the moment. Try again in a few seconds.", 2
)

STEP_UP_NEEDED = Refusal(403, "step_up_needed", "Confirm that it is you: this needs a fresh proof. Then try again.")
TENANT_SUSPENDED = Refusal(403, "tenant_suspended", "This organisation is suspended. Ask whoever runs the platform.")
TRADING_PAUSED = Refusal(409, "trading_paused", "Trading is paused. Resume it first.")
NOT_IN_KEY = Refusal(403, "not_in_key", "This API key was not made for this. Make one that is.")
_DENIED = {
    "unlisted": NOT_ALLOWED,
    "not_local": NOT_FROM_HERE,
    "not_signed_in": NOT_SIGNED_IN,
    "user_disabled": NOT_SIGNED_IN,
    "tenant_suspended": TENANT_SUSPENDED,
    "role": NOT_ALLOWED,
    "scope": NOT_IN_KEY,
    "tenant": NOT_FOUND,
    "trading_paused": TRADING_PAUSED,
    "step_up_needed": STEP_UP_NEEDED,
}
""" code of the policy's denial -> what a person is told """


def refused(denied: Denied) -> Refusal:
    """A denial of the policy as an answer; one that nobody foresaw is a 403 too."""
    return _DENIED.get(denied.code, NOT_ALLOWED)


def method_not_allowed(allowed: list[str]) -> Refusal:
    """The path exists, the method does not; without any method it is a WebSocket's."""
    methods = ", ".join(sorted(allowed))
    return Refusal(405, "method_not_allowed", f"This path takes {methods or 'a WebSocket'} only.", allow=methods)


def too_many(what: str, retry_after_s: int) -> Refusal:
    """A rate limit was reached."""
    return Refusal(429, "too_many", f"Too many {what}. Wait {retry_after_s} seconds and try again.", retry_after_s)


def quota_exceeded(reason: str, retry_after_s: int = 0) -> Refusal:
    """The tenant's plan allows no more: 429 where waiting helps, 403 where it does not."""
    return Refusal(429 if retry_after_s else 403, QUOTA_EXCEEDED, reason, retry_after_s)


def invalid(reason: str) -> Refusal:
    """The question was understood as JSON but not as a question."""
    return Refusal(422, "invalid", reason)


def rendered(refusal: Refusal, error_id: str = "") -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a refusal: Problem JSON."""
    body = msgspec.json.encode(Problem(refusal.code, refusal.reason, error_id))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.retry_after_s:
        headers.append((b"retry-after", str(refusal.retry_after_s).encode()))
    if refusal.status == 405:
        headers.append((b"allow", refusal.allow.encode()))
    return refusal.status, headers, body
