"""Revocations: what was valid and is no longer, told to every service at once and kept longer than any token lives."""

from enum import StrEnum

import msgspec

EVERY_TENANT = "*"
"""The tenant of a revocation that concerns the whole platform: a signing key's."""


class RevocationKind(StrEnum):
    """What `Revocation.subject` names."""

    USER = "user"
    """A user's id: whatever was issued to this person before."""
    SESSION = "session"
    """A session's id: it never comes back."""
    TENANT = "tenant"
    """The tenant itself; subject and tenant are the same."""
    TERMINAL = "terminal"
    """A terminal's id."""
    KEY = "key"
    """A signing key's id (`kid`): whatever it signed before."""
    API_KEY = "api_key"
    """An API key's id."""


class Revocation(msgspec.Struct, frozen=True):
    """Whatever was issued to `subject` before `before_ms` (UTC ms) is refused from now on.

    Travels on `revocations.{t}`. `by` is who did it: a user's id, `operator`, or a service.
    """

    tenant: str
    kind: RevocationKind
    subject: str
    before_ms: int
    reason: str
    by: str
    name: str = ""
    """The person's name where `subject` is a user's id or a session's: orders and commands know people by name."""
    closes_orders: bool = False
    """What the person asked for and is not yet on its way is taken back as well: disabled, demoted, suspended."""
    holds: bool = False
    """Whatever is issued later is refused too, until a revocation that `lifts`: a suspended tenant's."""
    lifts: bool = False
    """The end of one that `holds`. What people were given before `before_ms` stays refused, they sign in again; a
    terminal proves itself with its certificate and goes on."""
