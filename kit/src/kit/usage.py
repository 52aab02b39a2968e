"""What tenants use, counted where it happens: told again it replaces a smaller number, so nothing counts twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts.tenants import USAGE_ADD, Measure, UsageCount, UsageTold
from kit import log
from kit.bus import Bus
from kit.errors import KitError

DAY_MS = 86_400_000
TELL_EVERY_S = 10.0
MAX_TOLD = 1_000
"""Counts of one question; the rest follows with the next."""
MAX_KEPT = 10_000
"""Counters in memory; beyond it the oldest day's go, which were told long before."""

_log = log.get("usage")
Key = tuple[str, int, Measure]


@dataclass(slots=True)
class Meter:
    """The counts of one run of a service. What it has counted and not yet told is lost with a crash: ten seconds."""

    source: str
    """The service and its start: another run has another one."""
    amounts: dict[Key, int] = field(default_factory=dict)
    """ tenant, day since 1970 (UTC), measure -> counted so far """
    untold: dict[Key, None] = field(default_factory=dict)

    def count(self, tenant: str, measure: Measure, amount: int, now_ms: int) -> None:
        """So many more."""
        key = (tenant, now_ms // DAY_MS, measure)
        self._keep(key, self.amounts.get(key, 0) + amount)

    def peak(self, tenant: str, measure: Measure, amount: int, now_ms: int) -> None:
        """So many at this moment: the most of a day counts."""
        key = (tenant, now_ms // DAY_MS, measure)
        if amount > self.amounts.get(key, 0):
            self._keep(key, amount)

    def _keep(self, key: Key, amount: int) -> None:
        if key not in self.amounts and len(self.amounts) >= MAX_KEPT:
            oldest = min(self.amounts, key=lambda each: each[1])
            del self.amounts[oldest]
            self.untold.pop(oldest, None)
        self.amounts[key] = amount
        self.untold[key] = None

    def told(self) -> tuple[UsageCount, ...]:
        """What has changed since it was last told; `again` puts it back when nobody heard it."""
        keys = [key for key, _ in zip(self.untold, range(MAX_TOLD), strict=False)]
        for key in keys:
            del self.untold[key]
        return tuple(UsageCount(*key, self.source, self.amounts[key]) for key in keys)

    def again(self, counts: tuple[UsageCount, ...]) -> None:
        """Tell these with the next."""
        self.untold |= dict.fromkeys((c.tenant, c.day, c.measure) for c in counts)


async def tell(meter: Meter, hear: Callable[[UsageTold], Awaitable[object]]) -> None:
    """Tell once; what could not be told waits."""
    while counts := meter.told():
        try:
            await hear(UsageTold(counts))
        except KitError as error:
            meter.again(counts)
            _log.warning("usage_not_told", error=str(error))
            return


def by_bus(bus: Bus) -> Callable[[UsageTold], Awaitable[object]]:
    """To the store, over the bus."""
    return lambda told: bus.ask(USAGE_ADD, told)


async def keep_telling(meter: Meter, hear: Callable[[UsageTold], Awaitable[object]]) -> None:
    """Every ten seconds, until cancelled."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        await tell(meter, hear)
