"""What a trader's PC is given so that it may connect: address, account, token, and the keys to believe."""

from collections.abc import Mapping

import msgspec

from contracts.subjects import ACCOUNT, TENANT

MAX_DAYS = 31


class EnrolmentFault(ValueError):
    """It can't be issued like this; the text says why."""


class Enrolment(msgspec.Struct, frozen=True):
    """The enrolment file, JSON."""

    server: str
    tenant: str
    account: str
    token: str
    signal_keys: Mapping[str, str]
    """ key id -> public key, hex """
    issued_ms: int
    ca: str = ""
    """Root certificate of the platform's own authority, PEM."""
    rotation_key: str = ""
    """Public key, hex, of the offline key that names newer signal keys and pins."""


def check(tenant: str, account: str, server: str, days: int) -> None:
    """Raise EnrolmentFault when one of them can't be used."""
    if not TENANT.match(tenant):
        raise EnrolmentFault(f"{tenant!r} is not a tenant: use lower-case letters, digits and -, at most 32.")
    if not ACCOUNT.match(account):
        raise EnrolmentFault(f"{account!r} is not an account: use the account's number, at most 32 digits or letters.")
    if server.startswith("ws://"):
        raise EnrolmentFault("ws:// would carry the token unencrypted, and the bridge does not speak it: use wss://.")
    if not server.startswith("wss://"):
        raise EnrolmentFault(f"{server!r} is not the address of a bridge: write wss://host:port/terminal")
    if not 1 <= days <= MAX_DAYS:
        raise EnrolmentFault(f"--days {days} is not possible: a terminal's token lives 1 to {MAX_DAYS} days.")
