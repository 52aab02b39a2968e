"""Decide whether a signed signal may be believed: key, signature, addressee, life time, replay."""

import math
from dataclasses import dataclass

from client_security.domain.refusal import Refusal
from client_security.domain.signal_keys import SignalKeys
from contracts.signals import MAX_LIFETIME_MS, MAX_SKEW_MS, Signal, SignedSignal, magic_of, short_id
from kit.errors import SignatureRefused
from kit.signing import verify

_HEX = frozenset("0123456789abcdef")
MIN_ID = 20


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom this client believes. `since_ms`: signals issued before its memory began may have been executed already."""

    tenant: str
    account: str
    keys: SignalKeys
    since_ms: int


def authentic(signed: SignedSignal, trust: Trust, now_ms: int) -> Signal | Refusal:
    """The signal, when a pinned key made it out to this account and it can be found again at the broker; or why not.
    Whether it is in time is `in_time`'s to say, whether its id was seen before the caller's journal's."""
    if trust.keys.revoked(signed.key_id):
        return Refusal("revoked_key", f"the key {signed.key_id[:16]!r} was revoked: it may be in wrong hands")
    try:
        signal = verify(signed, trust.keys.live(now_ms))
    except SignatureRefused as error:
        return Refusal(error.code, str(error))
    if (signal.tenant, signal.account) != (trust.tenant, trust.account):
        return Refusal("wrong_account", "the signal is for another account than the one this terminal trades")
    if len(signal.id) < MIN_ID or not _HEX.issuperset(signal.id):
        return Refusal("malformed", "a signal's id is at least 20 lower-case hexadecimal digits")
    if signal.comment != short_id(signal.id) or signal.magic != magic_of(signal.id):
        return Refusal("malformed", "comment and magic are not those of the signal's id: it could not be found again")
    # NaN compares false with everything: it would pass limits, or stop whoever compares
    numbers = signal.volume.is_finite() and signal.limits.max_volume.is_finite()
    if not numbers or not all(map(math.isfinite, (signal.price, signal.sl, signal.tp))):
        return Refusal("malformed", "volume and prices of a signal must be numbers")
    return signal


def in_time(signal: Signal, trust: Trust, now_ms: int) -> Refusal | None:
    """Why this moment is not within the signal's life; None when it is. `now_ms`: this PC's clock, UTC."""
    if signal.expires_ms - signal.issued_ms > MAX_LIFETIME_MS:
        return Refusal("lives_too_long", f"a signal lives {MAX_LIFETIME_MS} ms at most")
    if signal.issued_ms > now_ms + MAX_SKEW_MS:
        ahead = signal.issued_ms - now_ms
        return Refusal("lives_too_long", f"by this PC's clock it was issued {ahead} ms from now; set the clocks right")
    if signal.issued_ms < trust.since_ms:
        return Refusal("replayed", "it was issued before this client's journal began and may have been executed before")
    if now_ms >= signal.expires_ms:
        late = now_ms - signal.expires_ms
        return Refusal("expired", f"it expired {late} ms ago by this PC's clock; if that is often so, check the clock")
    return None
