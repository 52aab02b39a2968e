"""Who is connected: one terminal per account, and the store's news on their way to it."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Protocol

from contracts.codec import decode
from contracts.errors import ContractError
from contracts.rpc import LEASE_TAKE, STORED, LeaseTaken, LeaseWish, Stored, StoredQuestion
from data_bridge.domain.counts import Counts
from kit import log
from kit.bus import Bus, Message
from kit.errors import AnswerFault, BusUnavailable

PART_WITHIN_S = 3.0
"""How long a new connection waits for the older one of its account to let go."""

LEASE_WITHIN_S = 2.0
"""Ticks wait for this answer at a connection's start, and no longer."""

_log = log.get("roster")


class Member(Protocol):
    """A connection as the roster sees it."""

    def on_stored(self, stored: Stored) -> None:
        """The store has committed something of this account."""
        ...

    parted: asyncio.Event
    """It has let go of all that the account has only one of."""

    @property
    def journal(self) -> str:
        """Its client's; empty when that is too old to have one."""
        ...

    def replaced(self, journal: str) -> None:
        """A newer connection of the account has taken over; `journal` is its client's."""
        ...


@dataclass(slots=True)
class Roster:
    """Members enter when their Hello is good and leave when their socket is gone."""

    counts: Counts
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    """ (tenant, account) -> its one connection """

    async def enter(self, tenant: str, account: str, member: Member, journal: str = "") -> None:
        """The newer connection replaces the older: a terminal that lost its network knows before we do."""
        older = self.members.get((tenant, account))
        self.members[tenant, account] = member
        self.counts.terminals = len(self.members)
        if older is not None:
            older.replaced(journal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(older.parted.wait(), PART_WITHIN_S)

    def is_anothers(self, tenant: str, account: str, journal: str) -> bool:
        """Whether another client of the account is connected."""
        older = self.members.get((tenant, account))
        return older is not None and older.journal != journal

    def leave(self, tenant: str, account: str, member: Member) -> None:
        """Gone, unless another has taken its place already."""
        if self.members.get((tenant, account)) is member:
            del self.members[tenant, account]
            self.counts.terminals = len(self.members)

    async def on_stored(self, message: Message) -> None:
        """News of the store, from `stored.>`."""
        try:
            stored = decode(message.data, Stored)
        except ContractError as error:
            self.counts.refuse("bad_stored")
            _log.error("stored_not_understood", subject=message.subject, error=str(error))
            return
        member = self.members.get((stored.tenant, stored.account))
        if member is not None:
            member.on_stored(stored)


@dataclass(slots=True)
class BusStore:
    """The store, asked over the bus."""

    bus: Bus

    async def stored(self, tenant: str, account: str, epoch: int) -> Stored | None:
        """What is stored; None when the store does not answer or can't."""
        try:
            return await self.bus.ask(STORED, StoredQuestion(tenant, account, epoch))
        except (BusUnavailable, AnswerFault, ContractError) as error:
            _log.warning("store_silent", tenant=tenant, account=account, error=str(error))
            return None

    async def lease(self, wish: LeaseWish) -> LeaseTaken | None:
        """Ask for the account; None when the store does not answer or can't."""
        try:
            return await self.bus.ask(LEASE_TAKE, wish, LEASE_WITHIN_S)
        except (BusUnavailable, AnswerFault, ContractError) as error:
            _log.warning("lease_not_taken", tenant=wish.tenant, account=wish.account, error=str(error))
            return None
