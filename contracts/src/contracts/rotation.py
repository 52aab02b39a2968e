"""Which keys may sign signals: a key that lies offline says so, and whoever steals a signal key can't name the next."""

import msgspec

ROTATION_CONTEXT = b"aitrading signal keys v1\x00"
"""Signed in front of the body, so that a signature over anything else can never pass for this one."""

MOST_KEYS = 2
"""The one that signs and the one before it, or the one to come."""


class SignalKey(msgspec.Struct, frozen=True):
    """A key that may sign signals between two moments, UTC ms; `until_ms` 0: until a newer document says otherwise."""

    key_id: str
    public: str
    """Ed25519, hex."""
    from_ms: int
    until_ms: int = 0


class KeyList(msgspec.Struct, frozen=True):
    """All keys that count. A higher `version` replaces a lower one whole; no client ever goes back."""

    version: int
    issued_ms: int
    expires_ms: int
    """A client that has not heard of it until then does not take it any more; what was taken stays."""
    keys: tuple[SignalKey, ...]
    revoked: tuple[str, ...] = ()
    """Ids of keys that must not be believed, whatever an enrolment says."""


class SignedKeyList(msgspec.Struct, frozen=True, tag="keys"):
    """`body` is a KeyList as JSON; `signature` is Ed25519 over ROTATION_CONTEXT + body by the rotation key."""

    body: bytes
    signature: bytes
