"""Tokens: short signed statements of who someone is, for one audience. Rules of RFC 8725."""

import base64
import json
import re
import secrets
from typing import Any, Protocol

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
ALGORITHM = "Ed25519"
HEADER = frozenset({"alg", "kid", "typ"})
"""What a header of ours holds. Keys brought along, `crit`, `zip` and `b64` are not ignored, they are refused."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


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
    sid: str = ""
    """The session that an access token belongs to."""
    name: str = ""
    """The person's name; `sub` is their id."""
    iat_ms: int = 0
    """`iat` to the millisecond: what was issued in the second of a revocation, before it or after it."""
    auth_ms: int = 0
    """When the person last proved who they are."""
    amr: tuple[str, ...] = ()
    """How they did: words of RFC 8176."""
    scope: str = ""
    """The only actions that are allowed, with spaces between them; empty: all that the role allows."""
    cnf: dict[str, str] = {}
    """`x5t#S256`: good only over a connection with this client certificate (RFC 8705)."""

    @property
    def issued_ms(self) -> int:
        """When the token was made, UTC ms."""
        return self.iat_ms or self.iat * 1000


THUMBPRINT = "x5t#S256"


class Keys(Protocol):
    """Verification keys by id: a dict, or `kit.token_keys.TokenKeys` while keys change."""

    def get(self, kid: str, /) -> Ed25519PublicKey | None:
        """The key; None when it is not ours."""
        ...


def _jwk(key: Ed25519PrivateKey | Ed25519PublicKey) -> OKPKey:
    return OKPKey.import_key(key)


def mint(
    key: Ed25519PrivateKey, kind: str, audience: str, subject: str, now_s: int, lifetime_s: int, **claims: Any
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
    header = {"alg": ALGORITHM, "typ": kind, "kid": key_id(key)}
    return jws.serialize_compact(header, msgspec.json.encode(body), _jwk(key), algorithms=[ALGORITHM])


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _object(encoded: str) -> dict[str, Any]:
    """A part of a token as a JSON object; ValueError or RecursionError when it is not exactly one."""
    found = json.loads(_canonical(encoded), object_pairs_hook=_no_duplicates)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _canonical(encoded: str) -> bytes:
    """The bytes behind base64url; ValueError when other text means the same bytes: one token, one spelling."""
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != encoded:
        raise ValueError("not the one spelling of base64url")
    return raw


def signed_by(token: str) -> str:
    """The key id in the header of a token that was verified."""
    return str(_object(token.partition(".")[0])["kid"])


def _begun(not_before: object, now_s: int) -> bool:
    return isinstance(not_before, int) and not isinstance(not_before, bool) and not_before <= now_s + CLOCK_SKEW_S


def verify(token: str, keys: Keys, kind: str, audience: str, now_s: int, max_life_s: int) -> Claims:
    """The claims of a good token. Raises TokenRefused with code `malformed`, `wrong_kind`, `unknown_key`,
    `bad_signature`, `wrong_issuer`, `wrong_audience`, `expired`, `not_yet_valid` or `lives_too_long`."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenRefused("malformed", f"a token has at most {MAX_TOKEN_CHARS} characters")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise TokenRefused("malformed", "this is not a compact JWS")
    try:
        header = _object(parts[1])
        stated = _object(parts[2])
        _canonical(parts[3])
    except (ValueError, RecursionError):
        raise TokenRefused("malformed", "this is not a compact JWS of JSON objects") from None
    if header.get("typ") != kind:
        raise TokenRefused("wrong_kind", f"expected a token of type {kind}")
    if header.get("alg") != ALGORITHM:
        raise TokenRefused("bad_signature", f"tokens are signed with {ALGORITHM} and nothing else")
    name = header.get("kid")
    key = keys.get(name) if isinstance(name, str) else None
    if key is None:
        raise TokenRefused("unknown_key", "the token names a key that is not ours")
    if header.keys() != HEADER:
        raise TokenRefused("malformed", "the header holds more than alg, kid and typ")
    try:
        verified = jws.deserialize_compact(token.encode("ascii"), _jwk(key), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        raise TokenRefused("bad_signature", "the signature does not fit the token") from None
    try:
        claims = msgspec.json.decode(verified.payload, type=Claims, strict=True)
    except (ValueError, RecursionError) as error:
        raise TokenRefused("malformed", f"the claims are not valid: {error}") from None
    if not _begun(stated.get("nbf", 0), now_s):
        raise TokenRefused("not_yet_valid", "the token is not valid yet; check the clocks")
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
