"""Count unexpected errors by fingerprint, so that a thousand repetitions are one line with a number."""

from collections import OrderedDict
from dataclasses import dataclass, field

from contracts.audit import ErrorReport

LIMIT = 1_000


@dataclass(slots=True)
class Entry:
    """One fault: how often, since when, and its newest report."""

    count: int
    first_ms: int
    last: ErrorReport


@dataclass(slots=True)
class ErrorBook:
    """The newest `LIMIT` different faults. `total` counts every report ever taken in."""

    total: int = 0
    _entries: OrderedDict[str, Entry] = field(default_factory=OrderedDict)
    """ fingerprint -> entry, the most recently seen last """

    def add(self, report: ErrorReport) -> bool:
        """Take in a report; True when its fingerprint is new."""
        self.total += 1
        entry = self._entries.get(report.fingerprint)
        if entry is None:
            self._entries[report.fingerprint] = Entry(1, report.at_ms, report)
            if len(self._entries) > LIMIT:
                self._entries.popitem(last=False)
            return True
        entry.count += 1
        entry.last = report
        self._entries.move_to_end(report.fingerprint)
        return False

    def newest_first(self) -> list[Entry]:
        """All known faults, the most recently seen first."""
        return list(reversed(self._entries.values()))
