"""Facts about signatures over signals."""

from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.accounts import Side
from contracts.signals import SIGNING_CONTEXT, Signal
from kit.errors import SignatureRefused
from kit.keys import key_id
from kit.signing import sign, verify

KEY = Ed25519PrivateKey.generate()
PINNED = {key_id(KEY): KEY.public_key()}
SIGNAL = Signal(
    "a" * 32,
    "b" * 32,
    "default",
    "1000001",
    "s",
    1,
    10,
    20,
    "EURUSD",
    Side.SELL,
    Decimal("0.3"),
    0,
    1.1,
    20,
    5,
    "ait-a",
)


def code_of(signed: object) -> str:
    with pytest.raises(SignatureRefused) as refused:
        verify(signed, PINNED)  # type: ignore[arg-type]
    return refused.value.code


def test_what_was_signed_comes_out_unchanged() -> None:
    assert verify(sign(SIGNAL, KEY), PINNED) == SIGNAL


def test_a_key_that_is_not_pinned_is_refused() -> None:
    assert code_of(sign(SIGNAL, Ed25519PrivateKey.generate())) == "unknown_key"


def test_a_changed_payload_is_refused() -> None:
    signed = sign(SIGNAL, KEY)
    assert code_of(msgspec.structs.replace(signed, payload=signed.payload.replace(b"0.3", b"3.0"))) == "bad_signature"


def test_a_signature_without_the_context_is_refused() -> None:
    signed = sign(SIGNAL, KEY)
    assert code_of(msgspec.structs.replace(signed, signature=KEY.sign(signed.payload))) == "bad_signature"


def test_an_envelope_for_another_account_is_refused() -> None:
    assert code_of(msgspec.structs.replace(sign(SIGNAL, KEY), account="2")) == "malformed"


def test_signed_rubbish_is_malformed() -> None:
    signed = sign(SIGNAL, KEY)
    rubbish = msgspec.structs.replace(signed, payload=b"no", signature=KEY.sign(SIGNING_CONTEXT + b"no"))
    assert code_of(rubbish) == "malformed"
