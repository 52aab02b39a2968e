"""Tokens that lie, one for each way of lying that we know: T01 to T11 of the list of faults.

Every door that takes a token is held against the same table: `lies` for one genuine token and the key that made it.
Most lies are signed with our own key, so that nothing but the check in question can refuse them.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KINDS = ("access+jwt", "terminal+jwt", "service+jwt", "refresh+jwt", "sig+jwt", "dpop+jwt", "at+jwt", "rt+jwt", "JWT")
SKEW_S = 60


@dataclass(frozen=True)
class Lie:
    """A token nobody may accept. `fault` is its row in the list of faults."""

    fault: str
    name: str
    token: str


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes behind base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def signed(key: Ed25519PrivateKey, header: bytes, payload: bytes) -> str:
    """A token of any bytes."""
    signing = f"{b64(header)}.{b64(payload)}"
    return f"{signing}.{b64(key.sign(signing.encode()))}"


@dataclass
class Forge:
    """Makes lies out of one genuine token."""

    genuine: str
    key: Ed25519PrivateKey
    now_s: int
    life_s: int
    listener: str
    """ a URL that must never be fetched """

    def __post_init__(self) -> None:
        head, body, _ = self.genuine.split(".")
        self.header: dict[str, Any] = json.loads(unb64(head))
        self.claims: dict[str, Any] = json.loads(unb64(body))
        self.kid = str(self.header["kid"])
        self.kind = str(self.header["typ"])

    def signed(self, header: bytes, payload: bytes, key: Ed25519PrivateKey | None = None) -> str:
        """Any bytes, truly signed."""
        return signed(key or self.key, header, payload)

    def headed(self, key: Ed25519PrivateKey | None = None, **changes: Any) -> str:
        """The genuine claims under another header; None as a value removes the field."""
        header = {name: value for name, value in (self.header | changes).items() if value is not None}
        return self.signed(text(header), text(self.claims), key)

    def claiming(self, **changes: Any) -> str:
        """Other claims under the genuine header; None as a value removes the claim."""
        claims = {name: value for name, value in (self.claims | changes).items() if value is not None}
        return self.signed(text(self.header), text(claims))

    def raw_claims(self, payload: bytes) -> str:
        """Bytes of one's own as claims."""
        return self.signed(text(self.header), payload)


def _public_forms(public: Ed25519PublicKey, kid: str) -> dict[str, bytes]:
    raw = public.public_bytes_raw()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    return {
        "pem": pem,
        "pem_without_newline": pem.strip(),
        "raw": raw,
        "hex": raw.hex().encode(),
        "x": b64(raw).encode(),
        "base64": base64.b64encode(raw),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": text(jwk),
        "jwk_kid": text(jwk | {"kid": kid}),
        "kid": kid.encode(),
        "empty": b"",
    }


def t01_algorithm_none(forge: Forge) -> Iterator[tuple[str, str]]:
    """No algorithm, or another than ours."""
    signature = forge.genuine.rsplit(".", 1)[1]
    for alg in ("none", "None", "nOnE", "NONE", "", "ed25519", "EdDSA", "ES256", "RS256", "HS256", "Ed448", 0, [], {}):
        head = b64(text(forge.header | {"alg": alg}))
        body = b64(text(forge.claims))
        yield f"{alg!r} unsigned", f"{head}.{body}."
        yield f"{alg!r} with a signature of another header", f"{head}.{body}.{signature}"
        if alg != "EdDSA":  # the older name of the same algorithm, truly signed, is listed below
            yield f"{alg!r} truly signed", forge.headed(alg=alg)
    yield "EdDSA truly signed", forge.headed(alg="EdDSA")
    yield "no alg at all", forge.headed(alg=None)
    yield "a list of algorithms", forge.headed(alg=["Ed25519"])
    yield "two parts only", forge.genuine.rsplit(".", 1)[0]
    yield "signature removed", forge.genuine.rsplit(".", 1)[0] + "."


def t02_public_key_as_secret(forge: Forge) -> Iterator[tuple[str, str]]:
    """HMAC with our public key, in every form in which a library might hold it."""
    digests: dict[str, Callable[[bytes], Any]] = {
        "HS256": hashlib.sha256,
        "HS384": hashlib.sha384,
        "HS512": hashlib.sha512,
    }
    for form, secret in _public_forms(forge.key.public_key(), forge.kid).items():
        for alg, digest in digests.items():
            signing = f"{b64(text(forge.header | {'alg': alg}))}.{b64(text(forge.claims))}"
            mac = hmac.new(secret, signing.encode(), digest).digest()
            yield f"{alg} with {form}", f"{signing}.{b64(mac)}"


def t03_key_brought_along(forge: Forge) -> Iterator[tuple[str, str]]:
    """The attacker's own key, named or carried by the header."""
    thief = Ed25519PrivateKey.generate()
    raw = thief.public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), "use": "sig", "alg": "Ed25519", "kid": forge.kid}
    der = base64.b64encode(thief.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    brought: dict[str, Any] = {
        "jwk": jwk,
        "jku": f"{forge.listener}/jwks.json",
        "x5u": f"{forge.listener}/chain.pem",
        "x5c": [der],
        "x5t": b64(hashlib.sha1(raw).digest()),
        "x5t#S256": b64(hashlib.sha256(raw).digest()),
        "jwks": {"keys": [jwk]},
    }
    for name, value in brought.items():
        for kid in (forge.kid, "thief", None):
            yield f"{name}, kid {kid}", forge.headed(thief, kid=kid, **{name: value})
        # signed by us, yet a header that carries keys is not one of ours
        yield f"{name} beside a true signature", forge.headed(**{name: value})
    yield "signed by a stranger, no key brought", forge.headed(thief)
    yield "kid is the listener", forge.headed(thief, kid=f"{forge.listener}/key.pem")


def t04_kid(forge: Forge) -> Iterator[tuple[str, str]]:
    """A key id that means something to a file system, a database or a shell."""
    for kid in (
        "../../../../dev/null",
        "/dev/null",
        "/proc/self/environ",
        "file:///etc/passwd",
        "' OR '1'='1",
        "x' UNION SELECT 'a",
        "|sleep 10",
        "$(sleep 10)",
        "`sleep 10`",
        "%00",
        "\x00",
        "",
        " ",
        "unknown",
        forge.kid.upper() + "x",
        forge.kid + " ",
        "x" * 10_000,
        {"kid": forge.kid},
        [forge.kid],
        0,
        True,
        -1,
        12345678901234567890,
    ):
        yield f"kid {str(kid)[:24]!r}", forge.headed(kid=kid)
    yield "no kid", forge.headed(kid=None)
    for kid in ("/dev/null", "|sleep 10"):
        signing = f"{b64(text(forge.header | {'alg': 'HS256', 'kid': kid}))}.{b64(text(forge.claims))}"
        yield (
            f"HS256 with the empty file {kid}",
            f"{signing}.{b64(hmac.new(b'', signing.encode(), hashlib.sha256).digest())}",
        )


def t05_expiry(forge: Forge) -> Iterator[tuple[str, str]]:
    """A life that has ended, never ends, or is no number."""
    now = forge.now_s
    for exp in (now - 1, now - 3600, 0, -1, 1, str(now + 60), now + 60.5, True, [now + 60], {}, "never"):
        yield f"exp {exp!r}", forge.claiming(exp=exp)
    yield "no exp", forge.claiming(exp=None)
    yield "no iat", forge.claiming(iat=None)
    for years in (1, 10, 30, 1_000):
        yield f"exp in {years} years", forge.claiming(exp=now + years * 31_536_000)
    yield "a second too long", forge.claiming(iat=now, exp=now + forge.life_s + 1)
    yield "iat long ago, exp soon", forge.claiming(iat=now - forge.life_s, exp=now + 60)
    for number in ("1e400", "-1e400", "NaN", "Infinity", "1e3", "99999999999999999999999", "9" * 400, "null"):
        claims = text(forge.claims | {"exp": 7}).replace(b'"exp":7', f'"exp":{number}'.encode())
        yield f"exp {number[:20]}", forge.raw_claims(claims)


def t06_not_yet(forge: Forge) -> Iterator[tuple[str, str]]:
    """Made or valid in the future, beyond what clocks may differ."""
    for late in (SKEW_S + 30, 300, 86_400):
        at = forge.now_s + late
        yield f"iat in {late} s", forge.claiming(iat=at, exp=at + 60)
        yield f"nbf in {late} s", forge.claiming(nbf=at)
    for nbf in ("tomorrow", str(forge.now_s), True, [0], 1.5):
        yield f"nbf {nbf!r}", forge.claiming(nbf=nbf)
    yield "nbf 1e400", forge.raw_claims(text(forge.claims | {"nbf": 7}).replace(b'"nbf":7', b'"nbf":1e400'))


def t07_audience(forge: Forge) -> Iterator[tuple[str, str]]:
    """For somebody else, for nobody, or for us among others."""
    ours = forge.claims["aud"]
    others = {"api-gateway", "data-bridge", "database-service", "trading-engine", "central-hub"} - {ours}
    for aud in (
        *sorted(others),
        [ours],
        [ours, "other"],
        {"aud": ours},
        "",
        "*",
        ours.upper(),
        ours + " ",
        ours + "\x00",
        0,
        True,
    ):
        yield f"aud {aud!r}", forge.claiming(aud=aud)
    yield "no aud", forge.claiming(aud=None)
    for iss in ("", "somebody", str(forge.claims["iss"]) + "/", [forge.claims["iss"]], 0):
        yield f"iss {iss!r}", forge.claiming(iss=iss)
    yield "no iss", forge.claiming(iss=None)


def t08_kind(forge: Forge) -> Iterator[tuple[str, str]]:
    """A token of another kind, truly signed."""
    for kind in (*KINDS, forge.kind.upper(), f"application/{forge.kind}", f"{forge.kind} ", "", 0, [forge.kind]):
        if kind != forge.kind:
            yield f"typ {kind!r}", forge.headed(typ=kind)
    yield "no typ", forge.headed(typ=None)


def t09_twice(forge: Forge) -> Iterator[tuple[str, str]]:
    """A name that stands twice: two readers see two different tokens."""
    claims, header = text(forge.claims), text(forge.header)
    for name, value in forge.claims.items():
        pair = text({name: value})[1:-1]
        yield f"claim {name}, the same value", forge.raw_claims(b"{" + pair + b"," + claims[1:])
        yield f"claim {name}, another first", forge.raw_claims(b"{" + text({name: "eve"})[1:-1] + b"," + claims[1:])
    for name in {"sub", "tenant", "role"} & forge.claims.keys():
        yield f"claim {name}, another last", forge.raw_claims(claims[:-1] + b"," + text({name: "admin"})[1:])
    yield "claim sub, spelt with an escape", forge.raw_claims(b'{"\\u0073ub":"eve",' + claims[1:])
    for name in forge.header:
        pair = text({name: forge.header[name]})[1:-1]
        yield f"header {name}, the same value", forge.signed(b"{" + pair + b"," + header[1:], claims)
        yield f"header {name}, none first", forge.signed(b"{" + text({name: "none"})[1:-1] + b"," + header[1:], claims)


def t10_size_and_shape(forge: Forge) -> Iterator[tuple[str, str]]:
    """Large, deep, compressed, encrypted, or not quite JSON."""
    claims, header = text(forge.claims), text(forge.header)
    yield "a header of a megabyte", forge.headed(pad="x" * 1_000_000)
    yield "claims of a megabyte", forge.claiming(pad="x" * 1_000_000)
    for depth in (1_400, 2_500, 100_000):
        deep = b"[" * depth + b"]" * depth
        yield f"header {depth} deep", forge.signed(b'{"x":' + deep + b"," + header[1:], claims)
        yield f"claims {depth} deep", forge.raw_claims(b'{"x":' + deep + b"," + claims[1:])
        yield f"header is an open list {depth} deep", forge.signed(b"[" * depth, claims)
        yield f"claims are an open list {depth} deep", forge.raw_claims(b"[" * depth)
    yield (
        "JWE of five parts",
        ".".join([b64(text({"alg": "dir", "enc": "A256GCM"})), "", b64(b"i" * 12), b64(claims), b64(b"t" * 16)]),
    )
    yield "six parts", forge.genuine + ".x.y.z"
    yield "zip", forge.signed(text(forge.header | {"zip": "DEF"}), zlib.compress(claims)[2:-4])
    yield "zip, claims not compressed", forge.headed(zip="DEF")
    yield "crit unknown", forge.headed(crit=["http://example.invalid/unknown"])
    yield "crit empty", forge.headed(crit=[])
    yield "crit b64", forge.headed(crit=["b64"], b64=False)
    yield "b64 without crit", forge.headed(b64=False)
    yield "pbes2 with a great count", forge.headed(p2c=2_147_483_647, p2s="x")
    yield "JSON serialisation", json.dumps({"payload": b64(claims), "protected": b64(header), "signature": "x"})
    for name, payload in {
        "empty": b"",
        "null": b"null",
        "a list": b"[" + claims + b"]",
        "a string": text(claims.decode()),
        "two objects": claims * 2,
        "trailing comma": claims[:-1] + b",}",
        "BOM": b"\xef\xbb\xbf" + claims,
        "UTF-16": claims.decode().encode("utf-16"),
        "not UTF-8": claims.replace(b'"sub":"', b'"sub":"\xff'),
        "NUL after": claims + b"\x00",
        "comment": claims + b"//x",
        "cut": claims[:-1],
        "NaN beside": b'{"x":NaN,' + claims[1:],
    }.items():
        yield f"claims: {name}", forge.raw_claims(payload)
    for name, head in {"empty": b"", "null": b"null", "a list": b"[" + header + b"]", "cut": header[:-1]}.items():
        yield f"header: {name}", forge.signed(head, claims)


def t11_spelling(forge: Forge) -> Iterator[tuple[str, str]]:
    """Every bit flipped, and other spellings of the same bytes."""
    whole = forge.genuine.encode()
    for position in range(len(whole)):
        for bit in range(7):  # the eighth would leave ASCII: those are below
            flipped = bytes([whole[position] ^ (1 << bit)])
            yield f"bit {bit} of byte {position}", (whole[:position] + flipped + whole[position + 1 :]).decode("ascii")
        flipped = bytes([whole[position] ^ 0x80])
        yield f"bit 7 of byte {position}", (whole[:position] + flipped + whole[position + 1 :]).decode("latin-1")
    head, body, signature = forge.genuine.split(".")
    for n in (1, 2, 3, 4):
        yield f"{n} signs of padding", forge.genuine + "=" * n
        yield f"{n} signs of padding inside", f"{head}{'=' * n}.{body}.{signature}"
    for white in ("\n", "\t", "\r\n", "\x0b", "\x00", "\u00a0", "\u2028"):
        yield f"{white!r} after", forge.genuine + white
        yield f"{white!r} before", white + forge.genuine
        yield f"{white!r} inside", f"{head}.{body[:9]}{white}{body[9:]}.{signature}"
    yield "blank inside", f"{head}.{body[:9]} {body[9:]}.{signature}"
    raw = unb64(signature)
    yield "signature in standard base64", f"{head}.{body}.{base64.b64encode(raw).decode()}"
    yield "signature in hex", f"{head}.{body}.{raw.hex()}"
    yield "signature cut", f"{head}.{body}.{b64(raw[:-1])}"
    yield "signature longer", f"{head}.{body}.{b64(raw + b'x')}"
    yield "signature of zeros", f"{head}.{body}.{b64(bytes(64))}"
    order = 2**252 + 27742317777372353535851937790883648493
    s = (int.from_bytes(raw[32:], "little") + order).to_bytes(33, "little")[:32]
    yield "signature with S plus the order", f"{head}.{body}.{b64(raw[:32] + s)}"
    yield "case swapped", forge.genuine.swapcase()
    yield "a dot before", "." + forge.genuine
    yield "a dot after", forge.genuine + "."
    yield "twice", forge.genuine + forge.genuine


FAULTS: dict[str, Callable[[Forge], Iterator[tuple[str, str]]]] = {
    "T01": t01_algorithm_none,
    "T02": t02_public_key_as_secret,
    "T03": t03_key_brought_along,
    "T04": t04_kid,
    "T05": t05_expiry,
    "T06": t06_not_yet,
    "T07": t07_audience,
    "T08": t08_kind,
    "T09": t09_twice,
    "T10": t10_size_and_shape,
    "T11": t11_spelling,
}
LEAST = {
    "T01": 40,
    "T02": 33,
    "T03": 28,
    "T04": 25,
    "T05": 25,
    "T06": 12,
    "T07": 20,
    "T08": 13,
    "T09": 25,
    "T10": 40,
    "T11": 2_000,
}
""" fault -> how many lies there are at least; fewer means that a table was cut """


def lies(forge: Forge, *faults: str) -> list[Lie]:
    """All lies about one genuine token, or those of some faults."""
    found = [Lie(fault, name, token) for fault in faults or FAULTS for name, token in FAULTS[fault](forge)]
    assert all(lie.token != forge.genuine for lie in found), "a lie that is the truth proves nothing"
    return found


SAMPLE = 23
"""Each flipped bit is tried in `test_tokens`; at the doors every so many of them, for the way they are handed on."""


def sendable(lie: Lie) -> bool:
    """A line break or a NUL would be another attack, on headers: see test_smuggling."""
    return not any(sign in lie.token for sign in "\r\n\x00") and lie.token == lie.token.strip()


def chosen(forge: Forge) -> list[Lie]:
    """What is tried at a door: all lies, of the flipped bits a sample."""
    found = lies(forge)
    spelling = [lie for lie in found if lie.fault == "T11"]
    others = [lie for lie in found if lie.fault != "T11"]
    return [lie for lie in (*others, *spelling[::SAMPLE], *spelling[-40:]) if sendable(lie)]
