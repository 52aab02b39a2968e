"""Who may call itself a terminal: one-time tokens, the key it joined with, and when it may renew no more."""

import hashlib
from dataclasses import dataclass

import msgspec

from contracts.terminals import PROOF_AGE_MS, RENEW_LATE_MS

JOIN_LIFETIME_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why not."""

    code: str
    reason: str


class Terminal(msgspec.Struct, frozen=True):
    """One terminal as the hub's book has it. Times are UTC milliseconds; 0: not yet."""

    id: str
    tenant: str
    account: str
    join_hash: str
    """SHA-256 of the one-time token; the token itself is nowhere on the server."""
    added_ms: int
    join_until_ms: int
    joined_ms: int = 0
    key: bytes = b""
    """Public key (DER) that it joined with and keeps for life."""
    issued_ms: int = 0
    expires_ms: int = 0
    revoked_ms: int = 0
    revoked_why: str = ""
    told_ms: int = 0
    """When the revocation was told on the bus."""
    address: str = ""
    """From where it joined or renewed last."""


def join_hash(token: str) -> str:
    """How a one-time token is kept."""
    return hashlib.sha256(b"aitrading join\x00" + token.encode()).hexdigest()


def join_fault(found: Terminal | None, key: bytes, now_ms: int) -> Fault | None:
    """Why this join is refused. The same key may ask again: its first answer may have been lost."""
    if found is None:
        return Fault(
            "join_token", "this enrolment's one-time token is not known; `aitrading terminal add` makes a new one"
        )
    if found.revoked_ms:
        return Fault("revoked", f"terminal {found.id} was revoked; ask the server's operator for a new enrolment")
    if found.joined_ms and found.key != key:
        return Fault(
            "join_token_used",
            "this enrolment was used already, by another PC or before this one was set up anew; if that was not you, "
            "tell the server's operator now. `aitrading terminal add` makes a new one",
        )
    if now_ms >= found.join_until_ms:
        return Fault(
            "join_token_expired", "this enrolment is older than 24 hours; `aitrading terminal add` makes a new one"
        )
    return None


def renew_fault(
    found: Terminal | None, key: bytes, shown: str, terminal: str, signed_ms: int, now_ms: int
) -> Fault | None:
    """Why this renewal is refused, apart from its proof."""
    if found is None or not found.joined_ms:
        return Fault("unknown_terminal", "the server does not know this terminal; enrol this PC anew")
    if shown and shown != terminal:
        return Fault("wrong_certificate", "the certificate shown is another terminal's")
    if found.revoked_ms:
        return Fault("revoked", f"terminal {found.id} was revoked; ask the server's operator for a new enrolment")
    if key != found.key:
        return Fault("wrong_key", "the request is for another key than the terminal joined with; enrol this PC anew")
    if abs(now_ms - signed_ms) > PROOF_AGE_MS:
        minutes = PROOF_AGE_MS // 60_000
        return Fault(
            "stale_proof", f"the clocks of PC and server differ by more than {minutes} minutes; set them right"
        )
    if now_ms > found.expires_ms + RENEW_LATE_MS:
        return Fault("too_late", "the certificate expired more than 30 days ago; enrol this PC anew")
    return None
