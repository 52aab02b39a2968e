"""Checkpoints of an audit trail: its length and Merkle root, signed, in a text that other programs can check too.

The form is that of transparency logs, https://c2sp.org/tlog-checkpoint, inside a note, https://c2sp.org/signed-note.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kit.errors import SignatureRefused

SIGNER = "aitrading.internal/audit"
"""The signer's name in a note; a trail's own name is this and its tenant."""
_ED25519 = b"\1"
_TIME = "at_ms "


class Checkpoint(msgspec.Struct, frozen=True):
    """The first `size` records of a tenant's trail had this Merkle root."""

    tenant: str
    size: int
    root: bytes
    at_ms: int


def _key_hash(key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(SIGNER.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def _text(checkpoint: Checkpoint) -> str:
    root = base64.b64encode(checkpoint.root).decode()
    return f"{SIGNER}/{checkpoint.tenant}\n{checkpoint.size}\n{root}\n{_TIME}{checkpoint.at_ms}\n"


def seal(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note."""
    text = _text(checkpoint)
    signed = base64.b64encode(_key_hash(key.public_key()) + key.sign(text.encode())).decode()
    return f"{text}\n— {SIGNER} {signed}\n"


def open_note(note: str, keys: Iterable[Ed25519PublicKey]) -> Checkpoint:
    """What a note says, when one of the keys signed it. SignatureRefused: `malformed`, `unknown_key`,
    `bad_signature`."""
    text, blank, lines = note.partition("\n\n")
    text += "\n"
    if not blank:
        raise SignatureRefused("malformed", "this is not a signed note")
    known = {_key_hash(key): key for key in keys}
    signatures = [line.removeprefix(f"— {SIGNER} ") for line in lines.splitlines() if line.startswith(f"— {SIGNER} ")]
    for line in signatures:
        try:
            signed = base64.b64decode(line, validate=True)
        except binascii.Error:
            raise SignatureRefused("malformed", "the signature is not base64") from None
        if (key := known.get(signed[:4])) is not None:
            try:
                key.verify(signed[4:], text.encode())
            except InvalidSignature:
                raise SignatureRefused("bad_signature", "the signature does not fit the checkpoint") from None
            return _read(text)
    raise SignatureRefused("unknown_key", "none of the known keys signed this checkpoint")


def _read(text: str) -> Checkpoint:
    try:
        origin, size, root, at_ms = text.splitlines()
        name, slash, tenant = origin.rpartition("/")
        made = Checkpoint(tenant, int(size), base64.b64decode(root, validate=True), int(at_ms.removeprefix(_TIME)))
    except ValueError:
        raise SignatureRefused("malformed", "the signed text is not a checkpoint") from None
    if name != SIGNER or not slash or _text(made) != text:
        raise SignatureRefused("malformed", "the signed text is not a checkpoint")
    return made
