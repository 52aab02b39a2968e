"""An enrolment: which server this client belongs to, and whose signature it believes."""

import re
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from client_security.domain.signal_keys import SignalKeys
from contracts.subjects import ACCOUNT, TENANT
from kit.errors import KitError
from kit.keys import key_id, read_public

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_HEX_KEY = re.compile(r"^[0-9a-f]{64}$")


class EnrolmentRefused(KitError):
    """The enrolment can't be used; the text says what to do."""


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Made by the server's `terminal add`. `token` is a secret: never log it."""

    server: str
    tenant: str
    account: str
    token: str
    signal_keys: dict[str, str]
    """ key id -> public key as hex """
    issued_ms: int
    rotation_key: str = ""
    """Public key, hex, that lies offline and signs newer keys; empty: they change by a new enrolment only."""
    ca: str = ""
    """Root certificate of the server's own authority, PEM: nothing else is trusted."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Enrolment({self.server!r}, {self.tenant!r}, {self.account!r})"

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
    mistakes = list(_mistakes(found))
    if mistakes:
        raise EnrolmentRefused("the enrolment can't be used: " + "; ".join(mistakes))
    return found


def _mistakes(found: Enrolment) -> "list[str]":
    mistakes = []
    try:
        url = urlsplit(found.server)
        scheme, host = url.scheme, url.hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in ("ws", "wss") or not host:
        mistakes.append(f"server is {found.server!r}: it must begin with wss:// (or ws:// on this PC)")
    elif scheme == "ws" and host not in LOOPBACK:
        mistakes.append(f"server is {found.server!r}: without TLS (wss://) only this PC itself is allowed")
    if not TENANT.match(found.tenant):
        mistakes.append("tenant is not a tenant's name")
    if not ACCOUNT.match(found.account):
        mistakes.append("account is not an account number")
    if found.token.count(".") != 2:
        mistakes.append("the token is damaged")
    if not found.signal_keys:
        mistakes.append("it names no signal key, so no order could ever be believed")
    for name, text in found.signal_keys.items():
        if not _HEX_KEY.match(text) or key_id(read_public(text)) != name:
            mistakes.append(f"signal key {name[:16]!r} does not fit its name")
    if found.rotation_key and not _HEX_KEY.match(found.rotation_key):
        mistakes.append("its rotation key is damaged")
    return mistakes
