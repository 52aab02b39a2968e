"""Stand-ins for what an operating system keeps, held to the real ones by a contract test; and enrolments for tests."""

import time
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit import pki
from kit.keys import key_id, public_text
from kit.testing.pki import TestAuthority
from kit.tls import spki_pin

DAY_MS = 86_400_000


def enrolment_of(authority: TestAuthority, server: str, signs: Ed25519PrivateKey, **changes: Any) -> dict[str, Any]:
    """An enrolment file's contents for account 1000001, as the server's `terminal add` writes it."""
    now = time.time_ns() // 1_000_000
    return {
        "server": server,
        "tenant": "default",
        "account": "1000001",
        "token": "",
        "signal_keys": {key_id(signs): public_text(signs)},
        "issued_ms": now,
        "terminal": "1000001-abcd",
        "join_token": "one-time-secret",
        "ca": pki.pem(authority.root.certificate).decode(),
        "pins": [spki_pin(pki.der(authority.root.certificate))],
        "pins_expire_ms": now + 400 * DAY_MS,
        "rotation_key": public_text(signs),
        **changes,
    }


class FakeDpapi:
    """As Windows: only the same user and the same entropy get it back, and changed blobs are refused."""

    def __init__(self, user: str = "trader") -> None:
        self.user = user

    def protect(self, plain: bytes, entropy: bytes) -> bytes:
        """A blob that names its user."""
        return msgspec.msgpack.encode([self.user, plain[::-1], entropy])

    def unprotect(self, blob: bytes, entropy: bytes) -> bytes:
        """OSError as Windows."""
        try:
            user, plain, bound = msgspec.msgpack.decode(blob, type=tuple[str, bytes, bytes])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise OSError("the data is invalid") from None
        if (user, bound) != (self.user, entropy):
            raise OSError("key not valid for use in specified state")
        return plain[::-1]


class FakeKeyring:
    """A dictionary, locked or not."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.locked = False

    def get(self, name: str) -> str | None:
        """The text."""
        if self.locked:
            raise OSError("locked")
        return self.texts.get(name)

    def put(self, name: str, text: str) -> None:
        """Keep it."""
        self.get(name)
        self.texts[name] = text

    def remove(self, name: str) -> None:
        """Forget it."""
        self.texts.pop(name, None)
