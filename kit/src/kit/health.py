"""Health: each dependency has its own probe; nothing is healthy that was not asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts.audit import DependencyHealth, Health
from kit.clock import Clock

Probe = Callable[[], Awaitable[str]]
"""Asks one dependency; returns a short detail or raises with a sentence that says what is wrong."""

PROBE_EVERY_S = 2.0
PROBE_TIMEOUT_S = 1.5
STALE_AFTER_MS = 5_000


@dataclass(slots=True)
class HealthBook:
    """The last probe of each dependency. Register probes where the dependency is built, then run `watch`."""

    clock: Clock
    probes: dict[str, Probe] = field(default_factory=dict)
    """ dependency -> its probe """
    last: dict[str, DependencyHealth] = field(default_factory=dict)
    """ dependency -> what the last probe found """

    def register(self, name: str, probe: Probe) -> None:
        """Add a dependency; until its first probe it counts as failed."""
        self.probes[name] = probe
        self.last[name] = DependencyHealth(name, Health.FAILED, "not asked yet", 0)

    async def probe_all(self) -> None:
        """Ask every dependency once, at the same time, each within its time limit."""
        await asyncio.gather(*(self._probe(name, probe) for name, probe in self.probes.items()))

    async def _probe(self, name: str, probe: Probe) -> None:
        try:
            detail, health = await asyncio.wait_for(probe(), PROBE_TIMEOUT_S), Health.OK
        except TimeoutError:
            detail, health = f"no answer within {PROBE_TIMEOUT_S} s", Health.FAILED
        except Exception as error:  # noqa: BLE001 a probe may fail in any way; all of them mean "not healthy"
            detail, health = str(error) or type(error).__name__, Health.FAILED
        self.last[name] = DependencyHealth(name, health, detail, self.clock.now_ms())

    async def watch(self) -> None:
        """Ask again and again until cancelled; sooner while something is not healthy."""
        while True:
            await self.probe_all()
            await asyncio.sleep(PROBE_EVERY_S if self.ready() else 0.1)

    def dependencies(self) -> tuple[DependencyHealth, ...]:
        """What is known now."""
        return tuple(self.last.values())

    def ready(self) -> bool:
        """Every dependency answered its probe, and not long ago."""
        now = self.clock.now_ms()
        return all(d.health is Health.OK and now - d.probed_ms <= STALE_AFTER_MS for d in self.last.values())
