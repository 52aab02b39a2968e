"""Sign and verify the list of keys that may sign signals."""

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.rotation import MOST_KEYS, ROTATION_CONTEXT, KeyList, SignalKey, SignedKeyList
from kit.errors import SignatureRefused
from kit.keys import key_id, read_public


def sign_list(keys: KeyList, rotation_key: Ed25519PrivateKey) -> SignedKeyList:
    """The list, sealed by the offline key."""
    body = msgspec.json.encode(keys)
    return SignedKeyList(body, rotation_key.sign(ROTATION_CONTEXT + body))


def verify_list(signed: SignedKeyList, rotation_key: Ed25519PublicKey) -> KeyList:
    """The list inside. Raises SignatureRefused with code `bad_signature` or `malformed`."""
    try:
        rotation_key.verify(signed.signature, ROTATION_CONTEXT + signed.body)
    except InvalidSignature:
        raise SignatureRefused("bad_signature", "the list of keys is not signed by the rotation key") from None
    try:
        keys = msgspec.json.decode(signed.body, type=KeyList)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SignatureRefused("malformed", f"the list of keys can't be read: {error}") from None
    if fault := _fault(keys):
        raise SignatureRefused("malformed", fault)
    return keys


def _fault(keys: KeyList) -> str:
    names = [key.key_id for key in keys.keys]
    if not 1 <= len(names) <= MOST_KEYS or len(set(names)) != len(names):
        return f"a list has 1 to {MOST_KEYS} different keys"
    for key in keys.keys:
        try:
            fits = key_id(read_public(key.public)) == key.key_id
        except ValueError:
            fits = False
        if not fits:
            return f"key {key.key_id[:16]!r} does not fit its name"
    return "a key is listed and revoked at once" if set(names) & set(keys.revoked) else ""


def is_live(key: SignalKey, now_ms: int) -> bool:
    """Whether it may sign at this moment."""
    return key.from_ms <= now_ms and (not key.until_ms or now_ms < key.until_ms)
