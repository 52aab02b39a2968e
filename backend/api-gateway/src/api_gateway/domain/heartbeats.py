"""Heartbeats heard on the bus: what is left to tell of the services when the hub does not answer."""

from dataclasses import dataclass, field

from contracts.audit import Heartbeat
from contracts.rpc import ServiceRow

LOST_AFTER_MS = 6_000
"""Three beats missed."""
MAX_INSTANCES = 256


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
