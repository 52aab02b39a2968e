"""Refusals, summed up: one audit record per reason and period, however often somebody tries."""

from dataclasses import dataclass, field

MOST_KINDS = 256


@dataclass(frozen=True, slots=True)
class Summary:
    """`count` refusals of one kind between two instants."""

    tenant: str
    subject: str
    code: str
    reason: str
    count: int
    since_ms: int
    until_ms: int


@dataclass(slots=True)
class Refusals:
    """Call `add` for each refusal and `due` now and then; `due` returns what is to be audited."""

    period_ms: int
    open: dict[tuple[str, str, str], Summary] = field(default_factory=dict)
    """ (tenant, subject, code) -> the sum of the running period """
    ended_ms: int = 0

    def add(self, tenant: str, subject: str, code: str, reason: str, now_ms: int) -> None:
        """Count one refusal; beyond a bound of kinds, subjects are no longer told apart."""
        key = (tenant, subject, code)
        if key not in self.open and len(self.open) >= MOST_KINDS:
            key = (tenant, "many", code)
        old = self.open.get(key)
        count, since = (old.count + 1, old.since_ms) if old else (1, now_ms)
        self.open[key] = Summary(*key, reason, count, since, now_ms)

    def due(self, now_ms: int, *, all_of_it: bool = False) -> list[Summary]:
        """The sums of a period that has ended."""
        if not all_of_it and now_ms - self.ended_ms < self.period_ms:
            return []
        self.ended_ms = now_ms
        sums = list(self.open.values())
        self.open.clear()
        return sums
