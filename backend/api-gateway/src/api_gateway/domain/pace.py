"""How fast anybody may ask: a limit for each class of route, counted for the user, the tenant and the peer."""

from dataclasses import dataclass, field
from enum import StrEnum

from api_gateway.domain.access import SAFE, SOCKET, Caller
from kit.limits import Limiter

MAX_IN_FLIGHT = 512
"""Requests worked on at the same time; more are told to come again."""
MAX_IN_FLIGHT_PER_PEER = 128
"""So that one peer leaves room for others."""


class Kind(StrEnum):
    """Classes of routes."""

    READ = "questions"
    CHANGE = "changes"
    STREAM = "streams opened"
    OPEN = "questions without a session"


@dataclass(frozen=True, slots=True)
class PerMinute:
    """How many a minute; 0: not counted."""

    user: int
    tenant: int
    peer: int


READS_PER_MINUTE = 1_200
CHANGES_PER_MINUTE = 240
LIMITS: dict[Kind, PerMinute] = {
    Kind.STREAM: PerMinute(120, 1_200, 240),
    Kind.OPEN: PerMinute(0, 0, 600),
}
""" class -> its limits; those of READ and CHANGE follow from the settings """


def kind_of(method: str, caller: Caller | None) -> Kind:
    """The class of a request."""
    if caller is None:
        return Kind.OPEN
    if method == SOCKET:
        return Kind.STREAM
    return Kind.READ if method in SAFE else Kind.CHANGE


@dataclass(slots=True)
class Pace:
    """Call `wait_ms` for each request to the API before its work."""

    reads_per_minute: int = READS_PER_MINUTE
    changes_per_minute: int = CHANGES_PER_MINUTE
    limiters: dict[tuple[Kind, str], Limiter] = field(default_factory=dict)
    """ (class, `user`, `tenant` or `peer`) -> its counts; each holds a bounded number of keys """

    def __post_init__(self) -> None:
        reads = PerMinute(self.reads_per_minute, self.reads_per_minute * 5, self.reads_per_minute * 3)
        changes = PerMinute(self.changes_per_minute, self.changes_per_minute * 5, self.changes_per_minute * 5 // 2)
        for kind, limits in (LIMITS | {Kind.READ: reads, Kind.CHANGE: changes}).items():
            for name in ("user", "tenant", "peer"):
                if per_minute := getattr(limits, name):
                    self.limiters[kind, name] = Limiter(per_minute)

    def wait_ms(self, method: str, caller: Caller | None, peer: str, now_ms: int) -> tuple[int, Kind]:
        """How long the request has to wait, 0 to let it through; and its class."""
        kind = kind_of(method, caller)
        keys = {"peer": peer}
        if caller is not None:
            keys |= {"user": f"{caller.tenant} {caller.name}", "tenant": caller.tenant}
        wait_ms = 0
        for name, key in keys.items():
            if (limiter := self.limiters.get((kind, name))) is not None:
                wait_ms = wait_ms or limiter.wait_ms(key, now_ms)
        return wait_ms, kind


@dataclass(slots=True)
class InFlight:
    """Requests being worked on. `enter` before, `leave` after, whatever happens between."""

    total: int = 0
    by_peer: dict[str, int] = field(default_factory=dict)
    """ peer -> how many; a peer without any is forgotten """

    def enter(self, peer: str) -> bool:
        """Whether there is room for one more."""
        if self.total >= MAX_IN_FLIGHT or self.by_peer.get(peer, 0) >= MAX_IN_FLIGHT_PER_PEER:
            return False
        self.total += 1
        self.by_peer[peer] = self.by_peer.get(peer, 0) + 1
        return True

    def leave(self, peer: str) -> None:
        """One was answered."""
        self.total -= 1
        left = self.by_peer[peer] - 1
        if left:
            self.by_peer[peer] = left
        else:
            del self.by_peer[peer]
