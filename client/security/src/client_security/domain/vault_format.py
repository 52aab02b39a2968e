"""The vault's bytes: AES-256-GCM over the entries, all before them authenticated, one data key per 65,536 writes.

    magic (8) | length of the header (4, big endian) | header (msgpack) | ciphertext and tag

The header is additional authenticated data, byte for byte: whatever is flipped anywhere is noticed. The data key is
sealed by the vault key, and that one is kept by a keeper (`ports.Keeper`). Nonces are 96 random bits; NIST SP 800-38D
allows 2^32 of them under one key, a data key is replaced after 2^16.
"""

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.errors import KitError

MAGIC = b"AITVLT\x00\x02"
"""Ends with the format's version; version 1 was the sealed but readable vault.json."""
KEY_BYTES, NONCE_BYTES, ID_BYTES = 32, 12, 16
ROTATE_AFTER = 1 << 16
"""Writes under one data key."""
MOST_BYTES = 1 << 20


class VaultRefused(KitError):
    """The secrets can't be used; the text says what to do."""

    exit_code = 3


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What must be known before the vault can be opened. Nothing in it is secret."""

    vault_id: bytes
    version: int
    """Rises by one with every write."""
    keeper: str
    """Who keeps the vault key: `dpapi`, `keyring`, `passphrase` or `file`."""
    kept: bytes
    """What the keeper gives the vault key back for."""
    data_key: bytes
    """Nonce and data key, sealed by the vault key."""
    writes: int
    """Messages under this data key, this one included."""
    nonce: bytes


class Contents(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is inside."""

    note_key: bytes
    """Authenticates the version counters that lie outside of the file."""
    entries: dict[str, bytes]

    def __repr__(self) -> str:
        """Names only."""
        return f"Contents({sorted(self.entries)})"


def sealed_key(data_key: bytes, vault_key: bytes, vault_id: bytes, nonce: bytes) -> bytes:
    """The data key as it stands in the header."""
    return nonce + AESGCM(vault_key).encrypt(nonce, data_key, b"aitrading data key" + vault_id)


def seal(header: Header, contents: Contents, vault_key: bytes) -> bytes:
    """The whole file."""
    data_key = _opened_key(header, vault_key)
    front = _front(header)
    return front + AESGCM(data_key).encrypt(header.nonce, msgspec.msgpack.encode(contents), front)


def header_of(document: bytes) -> Header:
    """The header, not yet proved: `opened` proves it. VaultRefused when this is no vault."""
    if not document.startswith(MAGIC) or len(document) > MOST_BYTES:
        raise VaultRefused("the vault is damaged or of a version that this program does not know; enrol again")
    start = len(MAGIC) + 4
    end = start + int.from_bytes(document[len(MAGIC) : start])
    try:
        header = msgspec.msgpack.decode(document[start:end], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VaultRefused("the vault's header is damaged; restore a copy, or enrol again") from None
    sizes = (len(header.vault_id), len(header.nonce), len(header.data_key))
    if sizes != (ID_BYTES, NONCE_BYTES, NONCE_BYTES + KEY_BYTES + 16):
        raise VaultRefused("the vault's header is damaged; restore a copy, or enrol again")
    return header


def opened(document: bytes, vault_key: bytes) -> Contents:
    """The contents; VaultRefused when a byte was changed or the key is another's."""
    header = header_of(document)
    end = len(MAGIC) + 4 + int.from_bytes(document[len(MAGIC) : len(MAGIC) + 4])
    try:
        data_key = _opened_key(header, vault_key)
        plain = AESGCM(data_key).decrypt(header.nonce, document[end:], document[:end])
    except InvalidTag:
        raise VaultRefused(
            "the vault was changed since it was written, or its key is another's: restore a copy, or enrol again"
        ) from None
    return msgspec.msgpack.decode(plain, type=Contents)


def _opened_key(header: Header, vault_key: bytes) -> bytes:
    nonce, box = header.data_key[:NONCE_BYTES], header.data_key[NONCE_BYTES:]
    return AESGCM(vault_key).decrypt(nonce, box, b"aitrading data key" + header.vault_id)


def _front(header: Header) -> bytes:
    encoded = msgspec.msgpack.encode(header)
    return MAGIC + len(encoded).to_bytes(4) + encoded
