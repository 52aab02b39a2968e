"""What a trader's PC is given so that it may join: address, one-time token, and whom to believe."""

from collections.abc import Mapping

import msgspec

from contracts.subjects import ACCOUNT, TENANT

PINS_LIVE_MS = 400 * 86_400_000
"""Pins that came with an enrolment; a set signed by `terminal pins` names its own end."""


class EnrolmentFault(ValueError):
    """It can't be issued like this; the text says why."""


class Enrolment(msgspec.Struct, frozen=True):
    """The enrolment file, JSON. `join_token` is a secret for 24 hours or until it is used."""

    server: str
    tenant: str
    account: str
    token: str
    """Empty: the terminal gets its token when it joins."""
    signal_keys: Mapping[str, str]
    """ key id -> public key, hex """
    issued_ms: int
    terminal: str = ""
    join_token: str = ""
    ca: str = ""
    """PEM of the roots; nothing else is trusted for this server."""
    pins: tuple[str, ...] = ()
    """`sha256/…` of the present root's public key and of the next one's."""
    pins_expire_ms: int = 0
    rotation_key: str = ""
    """Public part of the off-line key that signs new pin sets, hex."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Enrolment({self.server!r}, {self.terminal!r})"


def check(tenant: str, account: str, server: str) -> None:
    """Raise EnrolmentFault when one of them can't be used."""
    if not TENANT.match(tenant):
        raise EnrolmentFault(f"{tenant!r} is not a tenant: use lower-case letters, digits and -, at most 32.")
    if not ACCOUNT.match(account):
        raise EnrolmentFault(f"{account!r} is not an account: use the account's number, at most 32 digits or letters.")
    if not server.startswith("wss://"):
        raise EnrolmentFault(f"{server!r} is not the address of a bridge: write wss://host:port/terminal")
