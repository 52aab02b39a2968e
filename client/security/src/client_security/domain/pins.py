"""Which roots this client trusts: pins that only the off-line rotation key may replace, by newer ones."""

from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from client_security.domain.enrolment import PIN, Enrolment
from client_security.domain.refusal import Refusal
from contracts.terminals import PINS_CONTEXT, PinSet, SignedPins
from kit.keys import read_public
from kit.tls import spki_pin

WARN_MS = 30 * 86_400_000
MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Pins:
    """The set in force. Version 0 came with the enrolment."""

    version: int
    pins: frozenset[str]
    roots: str
    expires_ms: int

    def trusted(self) -> str:
        """PEM of those roots whose key is pinned; empty when none is: then nobody is trusted."""
        try:
            found = x509.load_pem_x509_certificates(self.roots.encode())
        except ValueError:
            return ""
        kept = [one for one in found if spki_pin(one.public_bytes(Encoding.DER)) in self.pins]
        return b"".join(one.public_bytes(Encoding.PEM) for one in kept).decode()

    def objection(self, now_ms: int) -> Refusal | None:
        """Why no server may be believed; None when one may."""
        if now_ms >= self.expires_ms:
            return Refusal(
                "pins_expired",
                "the pinned keys of the server have expired, so nothing is traded: on the server run `aitrading "
                "terminal pins`, then here `aitrading-client pins FILE`",
            )
        if not self.trusted():
            return Refusal("no_pinned_root", "none of the server's roots is pinned; enrol this PC anew")
        return None

    def warning(self, now_ms: int) -> str:
        """Thirty days before they expire; empty before that."""
        left = self.expires_ms - now_ms
        if left > WARN_MS:
            return ""
        days = max(0, left) // 86_400_000
        return f"the pinned keys expire in {days} day(s): run `aitrading terminal pins` on the server"


def enrolled(enrolment: Enrolment) -> Pins:
    """The set that came with the enrolment."""
    return Pins(0, frozenset(enrolment.pins), enrolment.ca, enrolment.pins_expire_ms)


def newer(document: bytes, rotation_key: str, current: Pins, now_ms: int) -> Pins | Refusal:
    """The set in a signed document, or why it is not taken: another signer, older than the present one, expired."""
    try:
        if len(document) > MOST_BYTES:
            raise ValueError("too long")
        signed = msgspec.json.decode(document, type=SignedPins)
        read_public(rotation_key).verify(bytes.fromhex(signed.signature), PINS_CONTEXT + signed.body.encode())
        found = msgspec.json.decode(signed.body, type=PinSet)
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return Refusal("malformed", "this is not a signed set of pins")
    except InvalidSignature:
        return Refusal("bad_signature", "the set of pins is not signed by this server's rotation key")
    if found.version <= current.version:
        return Refusal(
            "older", f"the set of pins has version {found.version}, this client has {current.version} already"
        )
    if now_ms >= found.expires_ms:
        return Refusal("expired", "the set of pins has expired; sign a new one with `aitrading terminal pins`")
    if not found.pins or not all(PIN.match(pin) for pin in found.pins):
        return Refusal("malformed", "the set holds pins that are none")
    made = Pins(found.version, frozenset(found.pins), found.roots, found.expires_ms)
    if not made.trusted():
        return Refusal("no_pinned_root", "the set holds no root that it pins; taking it would lock this client out")
    return made
