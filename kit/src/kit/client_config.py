"""Sign and verify the settings that a server offers to the PCs of a tenant."""

from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.client_config import CONFIG_CONTEXT, MAX_CONFIG_BYTES, ClientConfigOffer, SignedConfig
from kit.errors import SignatureRefused
from kit.keys import key_id


def sign_config(offer: ClientConfigOffer, key: Ed25519PrivateKey) -> SignedConfig:
    """The offer, sealed by the key that signs signals as well."""
    body = msgspec.json.encode(offer, order="sorted")
    return SignedConfig(body, key_id(key), key.sign(CONFIG_CONTEXT + body))


def verify_config(signed: SignedConfig, keys: Mapping[str, Ed25519PublicKey]) -> ClientConfigOffer:
    """The offer inside. SignatureRefused with code `unknown_key`, `bad_signature`, `too_large` or `malformed`."""
    if len(signed.body) > MAX_CONFIG_BYTES:
        raise SignatureRefused("too_large", f"the settings have more than {MAX_CONFIG_BYTES} bytes")
    key = keys.get(signed.key_id)
    if key is None:
        raise SignatureRefused("unknown_key", f"the settings are signed by {signed.key_id[:16]!r}, a strange key")
    try:
        key.verify(signed.signature, CONFIG_CONTEXT + signed.body)
    except InvalidSignature:
        raise SignatureRefused("bad_signature", "the settings are not signed by the server") from None
    try:
        return msgspec.json.decode(signed.body, type=ClientConfigOffer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SignatureRefused("malformed", f"the settings can't be read: {error}") from None
