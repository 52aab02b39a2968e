"""Judge a terminal's Hello by the token it came with."""

import msgspec

from contracts.uplink import PROTOCOL_VERSION, Goodbye, Hello

LONGEST_FUTURE_MS = 86_400_000
"""An epoch is a wall clock of the trader's PC; one that is a day ahead is a mistake that would outlive all others."""


class Identity(msgspec.Struct, frozen=True):
    """Who the token says is at the other end."""

    tenant: str
    account: str
    terminal: str
    expires_ms: int


def objection(hello: Hello, who: Identity, now_ms: int) -> Goodbye | None:
    """Why this Hello can't be accepted; None when it can."""
    if hello.version != PROTOCOL_VERSION:
        reason = f"the terminal speaks version {hello.version}, the bridge {PROTOCOL_VERSION}; update the older one"
        return Goodbye("unsupported_version", reason, retry=False)
    if hello.tenant != who.tenant:
        reason = "the token is of another tenant; enrol the terminal again"
        return Goodbye("tenant_mismatch", reason, retry=False)
    if hello.account != who.account:
        reason = "the token is of another account; enrol this account"
        return Goodbye("account_mismatch", reason, retry=False)
    if not plausible_epoch(hello.epoch, now_ms):
        reason = f"epoch {hello.epoch} is not a time in milliseconds up to now; check the clock of the PC"
        return Goodbye("bad_epoch", reason, retry=True)
    return None


def plausible_epoch(epoch: int, now_ms: int) -> bool:
    """An epoch is the creation of a spool: after 1970 and not in the future."""
    return 1 <= epoch <= now_ms + LONGEST_FUTURE_MS
