"""Wycheproof's vectors (C2SP/wycheproof) on every primitive and every token path that the platform uses.

The vectors are data that nobody here wrote. They stand beside the clone; without them the suite skips and says so.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from kit.errors import TokenRefused
from kit.keys import key_id
from kit.tokens import verify

Vectors = Callable[[str], Path]
Counted = Callable[[int, int], None]

MISLABELLED = {367: "invalid", 370: "invalid", 372: "valid", 373: "valid"}
""" tcId of the JWS vectors -> its label, which the test below proves wrong """
KEY_OF_ANOTHER_ALGORITHM = {346, 347, 350, 351}
"""Figures of RFC 7520 whose key names another algorithm than their header: to refuse them is right."""

WEAK_KEYS = {1, 7, 8, 10, 11, 12}
WEAK_KEYS_CRYPTO = {46, 47}
"""Weak RSA and short HMAC keys, and sets that mix kinds of keys, which the library takes. No key is ever imported from
text here: `kit.tokens` takes Ed25519 keys of its own store, and the test after next shows that nothing else gets in."""


def cases(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(group, test) for each vector of a file."""
    for group in json.loads(path.read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def jws_accepted(token: Any, key: dict[str, Any]) -> bool:
    try:
        imported = KeySet.import_key_set({"keys": key["keys"]}) if "keys" in key else JWKRegistry.import_key(key)
        allowed = sorted(
            {one.get("alg", "RS256" if one["kty"] == "RSA" else "ES256") for one in key.get("keys", [key])}
        )
        if isinstance(token, str):
            jws.deserialize_compact(token.encode(), imported, algorithms=allowed)
        else:
            jws.deserialize_json(token, imported, algorithms=allowed)
    except (JoseError, ValueError, UnicodeError):
        return False
    return True


def wrong_in(path: Path) -> tuple[int, list[int]]:
    tried, wrong = 0, []
    for group, test in cases(path):
        key = group.get("public", group["private"])
        if "jws" not in test:
            continue  # encrypted tokens: nothing here makes or reads them
        tried += 1
        if jws_accepted(test["jws"], key) != (test["result"] == "valid"):
            wrong.append(test["tcId"])
    return tried, wrong


def test_signed_tokens_are_judged_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried, wrong = wrong_in(wycheproof("json_web_signature"))
    assert set(wrong) - set(MISLABELLED) - KEY_OF_ANOTHER_ALGORITHM == set()
    counted(tried, 390)


def test_the_four_labels_we_do_not_believe_are_proved_wrong(wycheproof: Vectors, counted: Counted) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    found = {test["tcId"]: (group, test) for group, test in cases(wycheproof("json_web_signature"))}
    for number, label in MISLABELLED.items():
        group, test = found[number]
        assert test["result"] == label
        signing, _, signature = test["jws"].rpartition(".")
        key = base64.urlsafe_b64decode(group["private"]["k"] + "=")
        mac = base64.urlsafe_b64encode(hmac.new(key, signing.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
        whole = set(test["jws"]) <= alphabet
        # a valid token: the alphabet of RFC 4648 section 5, and the recomputed MAC byte for byte
        assert (whole and mac == signature) != (label == "valid"), number
    counted(len(MISLABELLED), 4)


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_keys_of_tokens_are_judged_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried, wrong = wrong_in(wycheproof("json_web_crypto"))
    assert set(wrong) == WEAK_KEYS_CRYPTO
    keys_tried, keys_wrong = wrong_in(wycheproof("json_web_key"))
    assert set(keys_wrong) == WEAK_KEYS
    counted(tried + keys_tried, 75)


def test_none_of_the_foreign_tokens_gets_past_our_own_verification(wycheproof: Vectors, counted: Counted) -> None:
    key = Ed25519PrivateKey.generate()
    keys = {key_id(key): key.public_key()}
    tried = 0
    for name in ("json_web_signature", "json_web_crypto", "json_web_key", "json_web_encryption"):
        for _, test in cases(wycheproof(name)):
            token = test.get("jws") or test.get("jwe") or ""
            with pytest.raises(TokenRefused):
                verify(token if isinstance(token, str) else json.dumps(token), keys, "access+jwt", "a", 0, 900)
            tried += 1
    counted(tried, 640)


def test_ed25519_signatures_are_judged_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried = 0
    for group, test in cases(wycheproof("ed25519")):
        key = Ed25519PublicKey.from_public_bytes(raw(group["publicKey"]["pk"]))
        try:
            key.verify(raw(test["sig"]), raw(test["msg"]))
            accepted = True
        except InvalidSignature:
            accepted = False
        assert accepted == (test["result"] == "valid"), test
        tried += 1
    counted(tried, 150)


def test_p256_signatures_are_judged_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried = 0
    for group, test in cases(wycheproof("ecdsa_secp256r1_sha256_p1363")):
        point = raw(group["publicKey"]["uncompressed"])
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        signature = raw(test["sig"])
        try:
            if len(signature) != 64:
                raise InvalidSignature
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            key.verify(encode_dss_signature(r, s), raw(test["msg"]), ECDSA(hashes.SHA256()))
            accepted = True
        except InvalidSignature:
            accepted = False
        assert accepted == (test["result"] == "valid"), test
        tried += 1
    counted(tried, 260)


@pytest.mark.parametrize(
    ("name", "cipher", "least"), [("aes_gcm", AESGCM, 316), ("chacha20_poly1305", ChaCha20Poly1305, 325)]
)
def test_sealed_boxes_are_opened_as_the_vectors_say(
    name: str, cipher: Any, least: int, wycheproof: Vectors, counted: Counted
) -> None:
    tried, stricter = 0, 0
    for group, test in cases(wycheproof(name)):
        try:
            plain = cipher(raw(test["key"])).decrypt(raw(test["iv"]), raw(test["ct"] + test["tag"]), raw(test["aad"]))
            accepted = plain == raw(test["msg"])
        except InvalidTag:
            accepted = False
        except ValueError:  # nonces shorter than 8 or longer than 128 bytes: the library refuses them; so do we
            accepted = False
            if test["result"] == "valid":
                assert group["ivSize"] < 64 or group["ivSize"] > 1_024, test
                stricter, tried = stricter + 1, tried + 1
                continue
        assert accepted == (test["result"] == "valid"), test
        tried += 1
    assert stricter <= 27
    counted(tried, least)


def test_macs_are_judged_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried = 0
    for group, test in cases(wycheproof("hmac_sha256")):
        mac = hmac.new(raw(test["key"]), raw(test["msg"]), hashlib.sha256).digest()[: group["tagSize"] // 8]
        assert hmac.compare_digest(mac, raw(test["tag"])) == (test["result"] == "valid"), test
        tried += 1
    counted(tried, 174)


def test_keys_are_derived_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried = 0
    for _, test in cases(wycheproof("hkdf_sha256")):
        try:
            derived = HKDF(hashes.SHA256(), test["size"], raw(test["salt"]), raw(test["info"])).derive(raw(test["ikm"]))
        except ValueError:
            derived = b""
        assert (derived == raw(test["okm"]) and derived != b"") == (test["result"] == "valid"), test
        tried += 1
    counted(tried, 86)


def test_shared_secrets_are_agreed_as_the_vectors_say(wycheproof: Vectors, counted: Counted) -> None:
    tried = 0
    for _, test in cases(wycheproof("x25519")):
        own = X25519PrivateKey.from_private_bytes(raw(test["private"]))
        try:
            agreed = own.exchange(X25519PublicKey.from_public_bytes(raw(test["public"])))
        except ValueError:  # the shared secret would be zero: RFC 7748 allows it, the library and we do not
            assert test["result"] != "valid", test
            tried += 1
            continue
        assert agreed == raw(test["shared"]), test
        tried += 1
    counted(tried, 518)
