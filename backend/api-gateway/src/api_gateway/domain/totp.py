"""Codes of authenticator apps: TOTP, RFC 6238 with its defaults (SHA-1, six digits, 30 s)."""

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP_MS = 30_000
DIGITS = 6
ISSUER = "aitrading"


def code_at(secret: bytes, counter: int) -> str:
    """The code of a 30 s step. Source: RFC 4226, section 5.3."""
    digest = hmac.new(secret, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, code: str, last_counter: int, now_ms: int) -> int | None:
    """The step whose code this is: the present one or the one before, and none that was used; None when it is none.

    The next step is refused: a clock that is ahead is put right, and a code that was not due yet was not read from
    the owner's screen.
    """
    now = now_ms // STEP_MS
    typed = code.replace(" ", "")
    found = None
    for counter in (now - 1, now):
        # both are compared whatever the first says
        if hmac.compare_digest(code_at(secret, counter).encode(), typed.encode()) and counter > last_counter:
            found = counter
    return found


def base32(secret: bytes) -> str:
    """The secret as apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, name: str) -> str:
    """What the QR code says. Source: the Key Uri Format of Google Authenticator, which all apps read."""
    return f"otpauth://totp/{ISSUER}:{quote(name, safe='')}?secret={base32(secret)}&issuer={ISSUER}"
