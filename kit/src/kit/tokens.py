"""Tokens: short signed statements of who someone is, for one audience. Rules of RFC 8725."""

import json
import secrets
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from kit.errors import TokenRefused
from kit.keys import key_id

ISSUER = "aitrading"
MAX_TOKEN_CHARS = 4_096
ACCESS_LIFETIME_S = 900
CLOCK_SKEW_S = 60


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token states. Times are seconds since 1970, UTC."""

    iss: str
    aud: str
    sub: str
    iat: int
    exp: int
    jti: str
    tenant: str
    role: str = ""
    account: str = ""
    csrf: str = ""


def _jwk(key: Ed25519PrivateKey | Ed25519PublicKey) -> OKPKey:
    return OKPKey.import_key(key)


def mint(
    key: Ed25519PrivateKey, kind: str, audience: str, subject: str, now_s: int, lifetime_s: int, **claims: str
) -> str:
    """A signed token. `kind` becomes the header's `typ` (`access+jwt`, `terminal+jwt`); `claims` add to `Claims`."""
    body = Claims(
        ISSUER,
        audience,
        subject,
        now_s,
        now_s + lifetime_s,
        secrets.token_hex(16),
        claims.pop("tenant"),
        **claims,
    )
    header = {"alg": "Ed25519", "typ": kind, "kid": key_id(key)}
    return jws.serialize_compact(header, msgspec.json.encode(body), _jwk(key), algorithms=["Ed25519"])


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a claim stands twice")
    return found


def verify(
    token: str, keys: dict[str, Ed25519PublicKey], kind: str, audience: str, now_s: int, max_life_s: int
) -> Claims:
    """The claims of a good token. Raises TokenRefused with code `malformed`, `wrong_kind`, `unknown_key`,
    `bad_signature`, `wrong_issuer`, `wrong_audience`, `expired`, `not_yet_valid` or `lives_too_long`."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenRefused("malformed", f"a token has at most {MAX_TOKEN_CHARS} characters")
    try:
        unverified = jws.extract_compact(token.encode("ascii"))
        header = unverified.headers()
    except (JoseError, ValueError, UnicodeError):
        raise TokenRefused("malformed", "this is not a compact JWS") from None
    if header.get("typ") != kind:
        raise TokenRefused("wrong_kind", f"expected a token of type {kind}")
    name = header.get("kid")
    key = keys.get(name) if isinstance(name, str) else None
    if key is None:
        raise TokenRefused("unknown_key", "the token names a key that is not ours")
    try:
        verified = jws.deserialize_compact(token.encode("ascii"), _jwk(key), algorithms=["Ed25519"])
    except (JoseError, ValueError):
        raise TokenRefused("bad_signature", "the signature does not fit the token") from None
    try:
        json.loads(verified.payload, object_pairs_hook=_no_duplicates)
        claims = msgspec.json.decode(verified.payload, type=Claims, strict=True)
    except (ValueError, RecursionError) as error:
        raise TokenRefused("malformed", f"the claims are not valid: {error}") from None
    if claims.iss != ISSUER:
        raise TokenRefused("wrong_issuer", "the token is from somebody else")
    if claims.aud != audience:
        raise TokenRefused("wrong_audience", f"the token is for {claims.aud!r}, not for {audience!r}")
    if claims.iat > now_s + CLOCK_SKEW_S:
        raise TokenRefused("not_yet_valid", "the token was issued in the future; check the clocks")
    if claims.exp - claims.iat > max_life_s:
        raise TokenRefused("lives_too_long", f"a token of this kind lives {max_life_s} s at most")
    if claims.exp <= now_s:
        raise TokenRefused("expired", "the token has expired; get a new one")
    return claims
