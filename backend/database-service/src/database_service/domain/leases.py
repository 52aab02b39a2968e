"""Decide which client of an account may trade it: the one that was started last, under a number that only rises."""

import msgspec

from contracts.rpc import LeaseTaken, LeaseWish


class Lease(msgspec.Struct, frozen=True):
    """Who holds an account. `session`: the connection in which `journal` last took it."""

    fence: int
    journal: str
    session: str
    terminal: str
    since_ms: int


def decide(known: Lease | None, wish: LeaseWish) -> tuple[Lease | None, LeaseTaken]:
    """(the lease to write, None when nothing changes hands; the answer).

    The holder goes on under its number when its journal and its memory of the last session fit; when it was started
    anew it may be a copy of the disk, so it has to wait. A fitting journal with another memory is an older copy: what
    was executed since it does not know, so it gets a new number and no order made before. Another journal takes the
    account when its client was just started, and is refused when it only reconnects: it was replaced while away.
    """
    if known is None:
        return _granted(wish, wish.now_ms, wish.now_ms, wait=False)
    if known.journal == wish.journal and known.session == wish.last_session:
        return _granted(wish, known.fence, known.since_ms, wait=wish.claim)
    if known.journal != wish.journal and not wish.claim:
        return None, LeaseTaken(0, False, known.terminal, known.since_ms)
    # from the clock, so that it rises even over a database restored from an old backup
    return _granted(wish, max(known.fence + 1, wish.now_ms), wish.now_ms, wait=True)


def _granted(wish: LeaseWish, fence: int, since_ms: int, *, wait: bool) -> tuple[Lease, LeaseTaken]:
    lease = Lease(fence, wish.journal, wish.session, wish.terminal, since_ms)
    return lease, LeaseTaken(fence, wait, wish.terminal, since_ms)
