"""Facts about tokens: what is accepted, and the ways of cheating that are not."""

import base64
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from kit.errors import TokenRefused
from kit.keys import key_id
from kit.tokens import mint, verify

KEY = Ed25519PrivateKey.generate()
KEYS: dict[str, Ed25519PublicKey] = {key_id(KEY): KEY.public_key()}
NOW = 1_700_000_000


def good(**changes: object) -> str:
    token = mint(KEY, "access+jwt", "api-gateway", "ann", NOW, 900, tenant="default", role="viewer")
    if not changes:
        return token
    header, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims.update(changes)
    head = json.loads(base64.urlsafe_b64decode(header + "=="))
    return jws.serialize_compact(head, json.dumps(claims).encode(), OKPKey.import_key(KEY), algorithms=["Ed25519"])


def code_of(token: str, now: int = NOW, kind: str = "access+jwt", audience: str = "api-gateway") -> str:
    with pytest.raises(TokenRefused) as refused:
        verify(token, KEYS, kind, audience, now, 900)
    return refused.value.code


def test_a_good_token_gives_its_claims() -> None:
    claims = verify(good(), KEYS, "access+jwt", "api-gateway", NOW + 899, 900)
    assert (claims.sub, claims.tenant, claims.role) == ("ann", "default", "viewer")


def test_it_expires_to_the_second() -> None:
    assert code_of(good(), NOW + 900) == "expired"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": NOW + 901}, "lives_too_long"),
        ({"exp": str(NOW + 900)}, "malformed"),
        ({"exp": 1e400}, "malformed"),
        ({"exp": None}, "malformed"),
        ({"iat": NOW + 61, "exp": NOW + 900}, "not_yet_valid"),
        ({"aud": "data-bridge"}, "wrong_audience"),
        ({"aud": ["api-gateway"]}, "malformed"),
        ({"iss": "somebody"}, "wrong_issuer"),
    ],
)
def test_claims_that_lie_are_refused(changes: dict[str, object], code: str) -> None:
    assert code_of(good(**changes)) == code


def test_a_token_of_another_kind_is_refused() -> None:
    assert code_of(good(), kind="terminal+jwt") == "wrong_kind"


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", "HS256"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    header = {"alg": algorithm, "typ": "access+jwt", "kid": key_id(KEY)}
    payload = good().split(".")[1]
    unsigned = f"{encoded(header)}.{payload}."
    assert code_of(unsigned) in {"bad_signature", "malformed"}


def test_our_public_key_is_no_hmac_secret() -> None:
    header = {"alg": "HS256", "typ": "access+jwt", "kid": key_id(KEY)}
    secret = OctKey.import_key(KEY.public_key().public_bytes_raw())
    forged = jws.serialize_compact(header, base64.urlsafe_b64decode(good().split(".")[1] + "=="), secret)
    assert code_of(forged) == "bad_signature"


def test_a_key_brought_along_is_ignored() -> None:
    other = Ed25519PrivateKey.generate()
    header = {
        "alg": "Ed25519",
        "typ": "access+jwt",
        "kid": "mine",
        "jwk": OKPKey.import_key(other).as_dict(private=False),
    }
    forged = jws.serialize_compact(header, b"{}", OKPKey.import_key(other), algorithms=["Ed25519"])
    assert code_of(forged) == "unknown_key"


def test_a_claim_that_stands_twice_is_refused() -> None:
    header = {"alg": "Ed25519", "typ": "access+jwt", "kid": key_id(KEY)}
    payload = base64.urlsafe_b64decode(good().split(".")[1] + "==").replace(b'{"iss"', b'{"sub":"eve","iss"', 1)
    forged = jws.serialize_compact(header, payload, OKPKey.import_key(KEY), algorithms=["Ed25519"])
    assert code_of(forged) == "malformed"


def test_every_flipped_bit_of_a_token_is_noticed() -> None:
    token = good().encode()
    for position in range(len(token)):
        flipped = token[:position] + bytes([token[position] ^ 1]) + token[position + 1 :]
        with pytest.raises(TokenRefused):
            verify(flipped.decode("latin-1"), KEYS, "access+jwt", "api-gateway", NOW, 900)


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d.e", "." * 5, "x" * 5_000, "é.é.é"])
def test_rubbish_is_malformed(token: str) -> None:
    assert code_of(token) == "malformed"
