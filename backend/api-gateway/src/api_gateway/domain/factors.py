"""Challenges: what somebody still has to prove, and with what."""

import msgspec

from contracts.people import Factors, Passkey
from contracts.rpc import User

PASSWORD, TOTP, PASSKEY, RECOVERY = "pwd", "otp", "hwk", "rec"
"""Words of RFC 8176, and `rec` for a recovery code, which has none."""
MFA = "mfa"
MAX_TRIES = 5


class Challenge(msgspec.Struct):
    """Open until its proof comes. `user_id` is "" when a passkey alone says who it is."""

    purpose: str
    """`sign_in`, `step_up`, `totp` or `passkey` (the last two: something new is set up)."""
    user_id: str
    tenant: str
    name: str
    nonce: bytes = b""
    """What a passkey signs."""
    origin: str = ""
    """The page that a passkey answers to; "" where no passkey is possible."""
    session: str = ""
    """Only this session may answer; "" before there is one."""
    secret: bytes = b""
    """Of an authenticator app that is being set up."""
    passkeys: tuple[Passkey, ...] = ()
    methods: tuple[str, ...] = ()
    device: str = ""
    """The known browser that asks."""
    stamp: tuple[int, int] = (0, 0)
    """What `stamp_of` said of the person when this was opened."""
    tries: int = 0


def has_second_factor(user: User, factors: Factors) -> bool:
    """Whether a password alone does not sign this person in."""
    return bool(user.totp_secret or factors.passkeys)


def stamp_of(user: User) -> tuple[int, int]:
    """Changes with the password, and with every right that is taken: what was begun before it is over."""
    return user.password_changed_ms, user.not_before_ms


def methods_of(user: User, factors: Factors, passkeys_possible: bool) -> tuple[str, ...]:
    """What this person can prove themselves with, in the order to offer it. Empty: they have a second factor that can't
    be given here, and the password does not stand in for it."""
    if not has_second_factor(user, factors):
        return ("password",)
    found = []
    if factors.passkeys and passkeys_possible:
        found.append("passkey")
    if user.totp_secret:
        found.append("totp")
    if factors.recovery_left:
        found.append("recovery")
    return tuple(found)
