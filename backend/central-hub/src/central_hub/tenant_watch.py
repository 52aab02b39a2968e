"""Keeps what every service knows of suspended tenants in line with the store: what a crash left untold is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts.revocations import Revocation, RevocationKind
from contracts.tenants import TENANTS, Tenant, TenantsQuestion, TenantState
from kit import log
from kit.bus import Bus
from kit.clock import Clock
from kit.errors import AnswerFault, BusUnavailable
from kit.revocations import RevocationBook, revoke

LOOK_EVERY_S = 30.0
TELL_AGAIN_MS = 86_400_000
"""A suspension is told anew each day: its stream forgets after 40."""

_log = log.get("tenants")


def revocation_of(tenant: Tenant, before_ms: int, by: str) -> Revocation:
    """What every service is told of a tenant: it is suspended, or it goes on."""
    name, held = tenant.tenant, tenant.state is TenantState.SUSPENDED
    because = tenant.suspended_because if held else "resumed"
    return Revocation(
        name, RevocationKind.TENANT, name, before_ms, because, by, closes_orders=held, holds=held, lifts=not held
    )


@dataclass(slots=True)
class TenantWatch:
    """Run `keep` as long as the hub lives."""

    bus: Bus
    clock: Clock
    book: RevocationBook
    told_ms: dict[str, int] = field(default_factory=dict)
    """ suspended tenant -> when it was last told """

    async def look(self) -> None:
        """Ask the store and tell what differs."""
        now_ms = self.clock.now_ms()
        for tenant in (await self.bus.ask(TENANTS, TenantsQuestion())).tenants:
            held, wanted = self.book.suspended(tenant.tenant), tenant.state is TenantState.SUSPENDED
            stale = wanted and now_ms - self.told_ms.get(tenant.tenant, now_ms) >= TELL_AGAIN_MS
            if held != wanted or stale:
                await revoke(self.bus, revocation_of(tenant, now_ms, "central-hub"))
                self.told_ms[tenant.tenant] = now_ms
            elif wanted:
                self.told_ms.setdefault(tenant.tenant, now_ms)

    async def keep(self, wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """The same again and again; a store that is away is asked again."""
        while True:
            try:
                await self.look()
            except (BusUnavailable, AnswerFault) as error:
                _log.warning("tenants_not_looked_at", error=str(error))
            await wait(LOOK_EVERY_S)
