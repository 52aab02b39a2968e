"""What the people key is for: keeping secrets of second factors unreadable, and marking what the gateway has given."""

import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
MARK_BYTES = 16


def read_people_key(path: Path) -> bytes:
    """The key in the file, 64 hex digits. OSError or ValueError when there is none."""
    key = bytes.fromhex(path.read_text().strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"it holds {len(key)} bytes, not {KEY_BYTES}")
    return key


class Vault:
    """One key for each purpose, derived from the people key (HKDF, RFC 5869)."""

    def __init__(self, people_key: bytes) -> None:
        def derived(purpose: str) -> bytes:
            return HKDF(SHA256(), KEY_BYTES, None, f"aitrading {purpose}".encode()).derive(people_key)

        self._seal = AESGCM(derived("totp"))
        self._digest = derived("digest")
        self._device = derived("device")

    def seal(self, secret: bytes, user_id: str) -> bytes:
        """The secret as the store may keep it: AES-256-GCM, bound to its owner, with a random nonce in front."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, secret, user_id.encode())

    def open(self, sealed: bytes, user_id: str) -> bytes | None:
        """The secret; None when it was not sealed here for this person."""
        try:
            return self._seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], user_id.encode())
        except (InvalidTag, ValueError):
            return None

    def digest(self, purpose: str, secret: str) -> bytes:
        """What is kept of a token, key or code that has 80 random bits and more: HMAC-SHA256 needs no slowness."""
        return hmac.new(self._digest, f"{purpose}\0{secret}".encode(), hashlib.sha256).digest()

    def device_mark(self, user_id: str) -> str:
        """A cookie value that says: this person signed in from this browser before. It opens nothing by itself."""
        nonce = secrets.token_urlsafe(MARK_BYTES)
        return f"{nonce}.{self._mark(nonce, user_id)}"

    def device_of(self, mark: str, user_id: str) -> str:
        """The browser's own name when the mark is this person's; "" when it is not."""
        nonce, _, tag = mark.partition(".")
        return nonce if nonce and hmac.compare_digest(tag.encode(), self._mark(nonce, user_id).encode()) else ""

    def _mark(self, nonce: str, user_id: str) -> str:
        return hmac.new(self._device, f"{nonce}\0{user_id}".encode(), hashlib.sha256).hexdigest()
