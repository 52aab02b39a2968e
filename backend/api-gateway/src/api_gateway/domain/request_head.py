"""What a request's head must be before anyone acts on it: one meaning for every reader (RFC 9112, sections 3 and 6)."""

import re
from collections.abc import Sequence

from api_gateway.domain.refusals import Refusal, method_not_allowed

MAX_TARGET = 8 * 1024
"""Bytes of path and query together."""
MAX_HEAD = 32 * 1024
"""Bytes of all headers together."""
MAX_HEADERS = 100

MALFORMED_HEAD = Refusal(400, "malformed", "This is not a request that everybody reads in the same way.")
TARGET_TOO_LONG = Refusal(414, "target_too_long", "The address is too long. Ask for less at once.")
HEAD_TOO_LARGE = Refusal(431, "head_too_large", "The headers are too large. Delete this site's cookies and try again.")
LATE = Refusal(408, "late", "The request did not arrive in time. Send it again.")
FULL = Refusal(503, "full", "Too many connections are open. Try again in a few seconds.", 5)

_HOST = re.compile(rb"([A-Za-z0-9._~-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
"""A name or an address, and a port; empty when the address has none (RFC 9112, section 3.2)."""
_NO_LIST = frozenset(
    {
        b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization", b"origin", b"cookie",
        b"x-csrf-token", b"idempotency-key",
    }
)  # fmt: skip
"""Headers that stand once: with two of them, two readers could believe two different things."""


def head_fault(
    method: str, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]], upgrade: bool
) -> Refusal | None:
    """Why the head is refused; None when it is good. Names are lower case. The parser has refused by itself what it can
    tell: both lengths at once, two lengths, folded lines, bare CR or LF, white space before a colon."""
    if method == "CONNECT":
        return method_not_allowed(["GET", "HEAD"])
    if version not in ("1.0", "1.1") or not target.startswith(b"/"):
        # no proxy lives here, so neither https://other/ nor * is an address
        return MALFORMED_HEAD
    seen: set[bytes] = set()
    for name, value in headers:
        if name in seen and name in _NO_LIST:
            return MALFORMED_HEAD
        seen.add(name)
        if name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version == "1.0"):
            return MALFORMED_HEAD
        if name == b"host" and _HOST.fullmatch(value) is None:
            return MALFORMED_HEAD
        if name == b"content-length" and not (value.isdigit() and len(value) < 20):
            return MALFORMED_HEAD
    if version == "1.1" and b"host" not in seen:
        return MALFORMED_HEAD
    if upgrade and (method != "GET" or b"transfer-encoding" in seen or b"content-length" in seen):
        return MALFORMED_HEAD
    return None
