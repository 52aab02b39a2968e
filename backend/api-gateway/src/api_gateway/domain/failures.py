"""Failed sign-ins, counted together: one audit record a minute for each name, not one for each try of an attacker."""

from dataclasses import dataclass, field

import msgspec

FLUSH_AFTER_MS = 60_000
UNKNOWN = "unknown"
"""Stands for every name that nobody has: people type passwords into the name field."""


class FailedSignIns(msgspec.Struct, frozen=True):
    """Tries that failed for one name since `first_ms`."""

    tenant: str
    name: str
    count: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class FailureBook:
    """Call `add` for each failure and `due` now and then; what `due` returns belongs into the audit trail."""

    open: dict[tuple[str, str], FailedSignIns] = field(default_factory=dict)
    """ (tenant, name) -> failures not yet written; bounded by the number of users """

    def add(self, tenant: str, name: str, now_ms: int) -> None:
        """One more."""
        last = self.open.get((tenant, name)) or FailedSignIns(tenant, name, 0, now_ms, now_ms)
        self.open[tenant, name] = FailedSignIns(tenant, name, last.count + 1, last.first_ms, now_ms)

    def due(self, now_ms: int, *, all_of_them: bool = False) -> list[FailedSignIns]:
        """Those older than a minute; they are forgotten here."""
        ready = [f for f in self.open.values() if all_of_them or now_ms - f.first_ms >= FLUSH_AFTER_MS]
        for failures in ready:
            del self.open[failures.tenant, failures.name]
        return ready
