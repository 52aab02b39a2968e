"""What was denied, counted together: a flood becomes one audit record with its count, and none is ever lost."""

from dataclasses import dataclass, field

import msgspec

FLUSH_AFTER_MS = 5_000
MAX_OPEN = 1_000
"""Different denials kept apart at a time. Whatever exceeds it is still counted, together, under its event."""
OTHERS = "others"


class Denial(msgspec.Struct, frozen=True):
    """Denials of one sort since `first_ms`. `event` is a word of OWASP's logging vocabulary: `authz_fail`, …"""

    event: str
    tenant: str
    """Whose trail it belongs into; empty: the platform's."""
    who: str
    """The user, service or address that was denied."""
    what: str
    """The action, route or question."""
    code: str
    count: int
    first_ms: int
    last_ms: int

    def detail(self) -> dict[str, str]:
        """The audit record's detail."""
        return {
            "what": self.what,
            "code": self.code,
            "count": str(self.count),
            "first_ms": str(self.first_ms),
            "last_ms": str(self.last_ms),
        }


Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class DenialBook:
    """Call `add` for each denial and `due` every second; what `due` returns belongs into the audit trail, and back
    with `restore` when it could not be written."""

    open: dict[Key, Denial] = field(default_factory=dict)
    """ (event, tenant, who, what, code) -> not yet written, oldest first """
    max_open: int = MAX_OPEN

    def add(self, event: str, tenant: str, who: str, what: str, code: str, now_ms: int) -> None:
        """One more."""
        self._merge(Denial(event, tenant, who, what, code, 1, now_ms, now_ms))

    def restore(self, denial: Denial) -> None:
        """It could not be written: keep it for the next time."""
        self._merge(denial)

    def _merge(self, denial: Denial) -> None:
        key = (denial.event, denial.tenant, denial.who, denial.what, denial.code)
        if key not in self.open and len(self.open) >= self.max_open:
            # one line for each event and tenant at most: their number is bounded by ours, not by the attacker's
            key = (denial.event, denial.tenant, OTHERS, OTHERS, OTHERS)
        known = self.open.get(key)
        if known is None:
            known = msgspec.structs.replace(denial, who=key[2], what=key[3], code=key[4], count=0)
        self.open[key] = msgspec.structs.replace(
            known,
            count=known.count + denial.count,
            first_ms=min(known.first_ms, denial.first_ms),
            last_ms=max(known.last_ms, denial.last_ms),
        )

    def due(self, now_ms: int, *, all_of_them: bool = False) -> list[Denial]:
        """Those that were collected for five seconds; they are forgotten here."""
        ready = {k: d for k, d in self.open.items() if all_of_them or now_ms - d.first_ms >= FLUSH_AFTER_MS}
        for key in ready:
            del self.open[key]
        return list(ready.values())
