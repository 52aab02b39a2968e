"""Heartbeats heard on the bus: what is left to tell of the services when the hub does not answer."""

from dataclasses import dataclass, field

from contracts.audit import Heartbeat
from contracts.rpc import ServiceRow

LOST_AFTER_MS = 6_000
"""Three beats missed."""
MAX_INSTANCES = 256
ENGINE = "trading-engine"
PAUSED = "paused:"
"""The engine's counter `paused:<tenant>` is 1 while the tenant takes no new risk, 0 while it does."""


@dataclass(slots=True)
class HeartbeatBook:
    """The last heartbeat of each instance."""

    last: dict[tuple[str, str], Heartbeat] = field(default_factory=dict)
    """ (service, instance) -> its last heartbeat, least recently heard first """

    def hear(self, beat: Heartbeat) -> None:
        """Note a heartbeat."""
        self.last.pop((beat.service, beat.instance), None)
        if len(self.last) >= MAX_INSTANCES:
            del self.last[next(iter(self.last))]
        self.last[beat.service, beat.instance] = beat

    def rows(self, now_ms: int) -> list[ServiceRow]:
        """Every instance heard of. Process ids and restarts are the hub's knowledge: they are 0 here."""
        return [
            ServiceRow(beat.service, "running" if now_ms - beat.at_ms <= LOST_AFTER_MS else "lost", 0, 0, beat)
            for _, beat in sorted(self.last.items())
        ]

    def paused(self, tenant: str, now_ms: int) -> bool | None:
        """Whether trading is paused, as engines said in the last seconds; None when none did. One that paused wins."""
        said = [
            beat.counters[PAUSED + tenant]
            for (service, _), beat in self.last.items()
            if service == ENGINE and now_ms - beat.at_ms <= LOST_AFTER_MS and PAUSED + tenant in beat.counters
        ]
        return any(said) if said else None
