"""Sign and verify signals: Ed25519 over the very bytes that travel."""

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.codec import decode
from contracts.errors import ContractError
from contracts.signals import SIGNING_CONTEXT, Signal, SignedSignal, signal_bytes
from kit.errors import SignatureRefused
from kit.keys import key_id


def sign(signal: Signal, key: Ed25519PrivateKey) -> SignedSignal:
    """The signal, sealed. Source of the scheme: RFC 8032, pure Ed25519, with a context prefix."""
    payload = signal_bytes(signal)
    return SignedSignal(
        signal.tenant,
        signal.account,
        signal.id,
        signal.expires_ms,
        key_id(key),
        payload,
        key.sign(SIGNING_CONTEXT + payload),
    )


def verify(signed: SignedSignal, pinned: Mapping[str, Ed25519PublicKey]) -> Signal:
    """The signal inside, when a pinned key signed it and the envelope says the same as the letter.

    `pinned` maps key ids to keys. Raises SignatureRefused with code `unknown_key`, `bad_signature` or `malformed`.
    """
    key = pinned.get(signed.key_id)
    if key is None:
        raise SignatureRefused("unknown_key", f"no pinned key is called {signed.key_id[:16]!r}")
    try:
        key.verify(signed.signature, SIGNING_CONTEXT + signed.payload)
    except InvalidSignature:
        raise SignatureRefused("bad_signature", "the signature does not fit the payload") from None
    try:
        signal = decode(signed.payload, Signal)
    except ContractError as error:
        raise SignatureRefused("malformed", str(error)) from None
    envelope = (signed.tenant, signed.account, signed.signal_id, signed.expires_ms)
    if envelope != (signal.tenant, signal.account, signal.id, signal.expires_ms):
        raise SignatureRefused("malformed", "envelope and signed payload name different things")
    return signal
