"""An enrolment: which server this client belongs to, whose certificate it accepts, whose signature it believes."""

import re
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from client_security.domain.signal_keys import SignalKeys
from contracts.subjects import ACCOUNT, TENANT
from kit.errors import KitError
from kit.keys import key_id, read_public

_HEX_KEY = re.compile(r"^[0-9a-f]{64}$")
PIN = re.compile(r"^sha256/[A-Za-z0-9+/]{43}=$")


class EnrolmentRefused(KitError):
    """The enrolment can't be used; the text says what to do."""

    exit_code = 3


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Made by the server's `terminal add`. `join_token` is a secret until it is used: never log it."""

    server: str
    tenant: str
    account: str
    token: str
    """Empty since terminals join; older servers wrote one."""
    signal_keys: dict[str, str]
    """ key id -> public key as hex """
    issued_ms: int
    terminal: str = ""
    join_token: str = ""
    ca: str = ""
    """PEM of the server's roots; nothing else is trusted for this server."""
    pins: tuple[str, ...] = ()
    """`sha256/…` of the public keys of the present root and of the next one."""
    pins_expire_ms: int = 0
    rotation_key: str = ""
    """Public key, hex, that that lies off-line and signs newer pins and signal keys."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Enrolment({self.server!r}, {self.tenant!r}, {self.terminal!r})"

    def keys(self) -> SignalKeys:
        """The keys a signal may be signed with, and who may name others."""
        return SignalKeys(self.pinned(), read_public(self.rotation_key) if self.rotation_key else None)

    def pinned(self) -> dict[str, Ed25519PublicKey]:
        """The keys a signal may be signed with, by key id."""
        return {name: read_public(text) for name, text in self.signal_keys.items()}


def parse(document: bytes) -> Enrolment:
    """The enrolment in a JSON document; EnrolmentRefused lists everything that is wrong with it."""
    try:
        found = msgspec.json.decode(document, type=Enrolment)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnrolmentRefused(f"this is not an enrolment file ({error}); ask the server for a new one") from None
    if found.token and not found.ca:
        raise EnrolmentRefused(
            "the enrolment is of an older version of the server, without certificates: update the server, make a new "
            "one there with `aitrading terminal add`, and start with --enrolment FILE"
        )
    mistakes = _mistakes(found)
    if mistakes:
        raise EnrolmentRefused("the enrolment can't be used: " + "; ".join(mistakes))
    return found


def _mistakes(found: Enrolment) -> list[str]:
    mistakes = []
    try:
        url = urlsplit(found.server)
        scheme, host, _ = url.scheme, url.hostname, url.port
    except ValueError:
        scheme, host = "", None
    if scheme != "wss" or not host:
        mistakes.append(f"server is {found.server!r}: it must begin with wss://")
    if not TENANT.match(found.tenant):
        mistakes.append("tenant is not a tenant's name")
    if not ACCOUNT.match(found.account):
        mistakes.append("account is not an account number")
    if not found.terminal:
        mistakes.append("it names no terminal")
    if "BEGIN CERTIFICATE" not in found.ca:
        mistakes.append("it holds no root certificate, so no server could ever be believed")
    if not found.pins or not all(PIN.match(pin) for pin in found.pins):
        mistakes.append("its pins are damaged")
    if not _HEX_KEY.match(found.rotation_key):
        mistakes.append("its rotation key is damaged")
    if not found.signal_keys:
        mistakes.append("it names no signal key, so no order could ever be believed")
    for name, text in found.signal_keys.items():
        if not _HEX_KEY.match(text) or key_id(read_public(text)) != name:
            mistakes.append(f"signal key {name[:16]!r} does not fit its name")
    return mistakes
