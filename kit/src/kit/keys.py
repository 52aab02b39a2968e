"""Ed25519 keys in files that only their owner may read."""

import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """Make a key at `path` (mode 0600) unless there is one, and return it. The file holds 32 raw bytes as hex."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_private_key(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "w") as file:
        file.write(key.private_bytes_raw().hex())
        file.flush()
        os.fsync(file.fileno())
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The key in the file at `path`."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """The public key as hex, to be written into an enrolment or a settings file."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw().hex()


def read_public(text: str) -> Ed25519PublicKey:
    """The public key behind `public_text`."""
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))


def key_id(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """A short name of the key: the first 16 hex digits of its public part's SHA-256."""
    return hashlib.sha256(bytes.fromhex(public_text(key))).hexdigest()[:16]
