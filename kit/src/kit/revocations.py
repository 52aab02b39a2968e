"""What is no longer valid: a book that every service keeps in memory, and the stream that fills it within a second.

Read the whole stream at start (`follow` returns when that is done), ask `RevocationBook.refuses` before each act, and
close what is open in `on_revoked`.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from contracts import subjects
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.revocations import Revocation, RevocationKind
from kit import log
from kit.bus import Bus, Delivery, Subscription
from kit.errors import BusUnavailable
from kit.policy import State

STREAM = "REVOCATIONS"
READ_LIMIT_S = 10.0
"""How long reading the stream may take at start; a service that can't know what was revoked does not open."""
FORGET_AFTER_S = 60.0
MAX_KEPT = 200_000
"""Entries of the book; beyond it the oldest go, which are older than the tokens they refuse."""

SUSPENDED = frozenset({State.TENANT_SUSPENDED})
ACTIVE: frozenset[State] = frozenset()
_log = log.get("revocations")

OnRevoked = Callable[[Revocation], None]


@dataclass(slots=True)
class RevocationBook:
    """Ask `refuses` with everything that is known about a token or a wish."""

    entries: dict[tuple[RevocationKind, str], Revocation] = field(default_factory=dict)
    """ (kind, subject) -> the revocation with the latest `before_ms`; oldest first """
    wishes: dict[tuple[str, str], Revocation] = field(default_factory=dict)
    """ (tenant, name) -> the latest that takes back what this person asked for """
    max_kept: int = MAX_KEPT

    def hear(self, revocation: Revocation) -> bool:
        """Take note; False when it says nothing new."""
        key = (revocation.kind, revocation.subject)
        known = self.entries.get(key)
        if known is not None and known.before_ms >= revocation.before_ms:
            return False
        self.entries.pop(key, None)
        self.entries[key] = revocation
        if revocation.closes_orders:
            self.wishes[revocation.tenant, revocation.name] = revocation
        if len(self.entries) > self.max_kept:
            del self.entries[next(iter(self.entries))]
        return True

    def takes_back(self, tenant: str, name: str, given_ms: int) -> Revocation | None:
        """The revocation that takes back what a person of this name asked for at `given_ms`; None when none does."""
        whole = self.entries.get((RevocationKind.TENANT, tenant))
        for found in (self.wishes.get((tenant, name)), whole):
            if found is not None and given_ms < found.before_ms:
                return found
        return None

    def refuses(
        self,
        *,
        issued_ms: int,
        tenant: str = "",
        user: str = "",
        session: str = "",
        terminal: str = "",
        key: str = "",
        api_key: str = "",
    ) -> Revocation | None:
        """The revocation that refuses what was issued at `issued_ms` (UTC ms) to these; None when there is none.

        Empty names are not looked at. Ids are the platform's own and never used twice, so they need no tenant.
        """
        if not self.entries:
            return None
        for kind, subject in (
            (RevocationKind.TENANT, tenant),
            (RevocationKind.USER, user),
            (RevocationKind.SESSION, session),
            (RevocationKind.TERMINAL, terminal),
            (RevocationKind.KEY, key),
            (RevocationKind.API_KEY, api_key),
        ):
            if not subject or (found := self.entries.get((kind, subject))) is None:
                continue
            # whoever has stolen a key writes any moment into what they sign with it
            always = found.holds or kind is RevocationKind.KEY
            if always or (issued_ms < found.before_ms and not (found.lifts and terminal)):
                return found
        return None

    def suspended(self, tenant: str) -> bool:
        """Whether nothing may be done for this tenant now."""
        found = self.entries.get((RevocationKind.TENANT, tenant))
        return found is not None and found.holds

    def all_suspended(self) -> tuple[str, ...]:
        """Every tenant that is."""
        return tuple(subject for (_, subject), found in self.entries.items() if found.holds)

    def states(self, tenant: str) -> frozenset[State]:
        """What the policy has to know about the tenant."""
        return SUSPENDED if self.suspended(tenant) else ACTIVE


async def revoke(bus: Bus, revocation: Revocation) -> None:
    """Tell everybody; returns when the stream keeps it, raises BusUnavailable when that is not known in time."""
    identity = f"{revocation.kind}-{revocation.subject}-{revocation.before_ms}"
    await bus.store(subjects.revocations(revocation.tenant), encode(revocation), identity)


async def follow(
    bus: Bus, book: RevocationBook, on_revoked: OnRevoked | None = None, *, limit_s: float = READ_LIMIT_S
) -> Subscription:
    """Fill `book` with everything that was ever revoked and is still kept, then with what comes.

    Returns once everything from before is in the book; BusUnavailable when that takes too long. `on_revoked` is called
    with each revocation that says something new, also with those from before.
    """
    heard = 0
    complete = asyncio.Event()
    expected: int | None = None

    async def take(deliveries: list[Delivery]) -> None:
        nonlocal heard
        for delivery in deliveries:
            try:
                revocation = decode(delivery.data, Revocation)
            except ContractError as error:
                _log.error("revocation_unreadable", subject=delivery.subject, error=str(error))
            else:
                if book.hear(revocation) and on_revoked is not None:
                    on_revoked(revocation)
            await delivery.ack()
            heard += 1
        if expected is not None and heard >= expected:
            complete.set()

    # a name of its own for each process and start: everybody hears everything, from the beginning
    name = f"revocations-{secrets.token_hex(8)}"
    following = await bus.consume(STREAM, name, "revocations.>", take, forget_after_s=FORGET_AFTER_S)
    expected = following.kept
    if heard >= expected:
        complete.set()
    try:
        await asyncio.wait_for(complete.wait(), limit_s)
    except TimeoutError:
        await following.stop()
        raise BusUnavailable(f"{heard} of {expected} revocations were read within {limit_s:.0f} s") from None
    return following
