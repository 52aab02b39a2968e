"""Values that nobody may read on the disk: AES-256-GCM, each bound to its name, the key in the vault."""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client_security.adapters.vault_file import Vault
from config_manager.domain.client_config import ConfigRefused

ENTRY = "settings-key"
"""Of the vault."""
KEY_BYTES, NONCE_BYTES = 32, 12
MAX_SECRET = 4_096
_CONTEXT = b"aitrading client setting v1\x00"


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Seals and opens. VaultRefused when the vault can't be opened."""

    vault: Vault

    def seal(self, name: str, value: str) -> str:
        """The value as it may lie on the disk, hex."""
        if not 1 <= len(value.encode()) <= MAX_SECRET:
            raise ConfigRefused(f"a secret has 1 to {MAX_SECRET} bytes")
        key = self.vault.entry(ENTRY)
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
            self.vault.update({ENTRY: key})
        nonce = secrets.token_bytes(NONCE_BYTES)
        return (nonce + AESGCM(key).encrypt(nonce, value.encode(), _CONTEXT + name.encode())).hex()

    def open(self, name: str, sealed: str) -> str | None:
        """The value; None when it was not sealed by this vault under this name, or was changed."""
        key = self.vault.entry(ENTRY)
        try:
            box = bytes.fromhex(sealed)
            if key is None:
                return None
            return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _CONTEXT + name.encode()).decode()
        except (InvalidTag, ValueError):
            return None
