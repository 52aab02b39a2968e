"""Who lives: the services as their heartbeats and their processes tell."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.audit import DependencyHealth, Heartbeat
from contracts.rpc import ServiceRow

TTL_MS = 10_000
MAX_STRANGERS = 256
"""Services of other machines that are remembered; beyond it the one that has been silent longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Managed:
    """What the hub knows of a program it started: `state` as in ServiceRow, `pid` 0 when no process lives."""

    service: str
    state: str
    pid: int
    restarts: int
    beats: bool
    """It sends heartbeats; engines do not."""
    since_ms: int = 0
    """When this process began to run; silence is counted from here until its first heartbeat."""
    probe: DependencyHealth | None = None
    """What the hub itself last found; only of programs that send no heartbeats."""
    port: int = 0


@dataclass(slots=True)
class Registry:
    """Call `heard` with each heartbeat; `rows` judges. Nothing but a heartbeat refreshes "last seen"."""

    _heard: dict[str, tuple[Heartbeat, int]] = field(default_factory=dict)
    """ service -> its newest heartbeat, and when the hub received it by the hub's own clock """

    def heard(self, beat: Heartbeat, now_ms: int) -> None:
        """A heartbeat arrived. One that was sent before the last known of the same process is ignored."""
        known = self._heard.get(beat.service)
        if known is not None and _life(beat) == _life(known[0]) and beat.at_ms < known[0].at_ms:
            return
        self._heard[beat.service] = (beat, now_ms)

    def last_seen_ms(self, service: str) -> int:
        """When its last heartbeat was received; 0 for never."""
        known = self._heard.get(service)
        return known[1] if known else 0

    def rows(self, managed: Iterable[Managed], now_ms: int) -> tuple[ServiceRow, ...]:
        """All services: those the hub started first, in its order, then those it only heard of."""
        own = list(managed)
        names = {one.service for one in own}
        self._forget_strangers(names)
        rows = [self._own(one, now_ms) for one in own]
        for service in sorted(set(self._heard) - names):
            beat, heard_ms = self._heard[service]
            state = "lost" if now_ms - heard_ms > TTL_MS else "running" if beat.ready else "starting"
            rows.append(ServiceRow(service, state, 0, 0, beat))
        return tuple(rows)

    def _own(self, one: Managed, now_ms: int) -> ServiceRow:
        known = self._heard.get(one.service)
        beat = known[0] if known else None
        silent_since = max(known[1] if known else 0, one.since_ms)
        expected = one.beats and one.state == "running"
        state = "lost" if expected and now_ms - silent_since > TTL_MS else one.state
        return ServiceRow(one.service, state, one.pid, one.restarts, beat, one.probe, one.port)

    def _forget_strangers(self, own: set[str]) -> None:
        strangers = sorted((s for s in self._heard if s not in own), key=lambda s: self._heard[s][1])
        for service in strangers[: max(0, len(strangers) - MAX_STRANGERS)]:
            del self._heard[service]


def _life(beat: Heartbeat) -> tuple[str, int]:
    return beat.instance, beat.started_ms
