"""Audit records on their way to the bus: kept in order, repeated until the bus has them, bounded."""

import asyncio
import uuid
from collections import deque
from dataclasses import dataclass, field

import msgspec

from contracts.audit import AuditRecord
from contracts.codec import encode
from contracts.subjects import audit
from data_bridge.domain.counts import Counts
from data_bridge.domain.refusals import Refusals
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus
from kit.clock import Clock
from kit.errors import BusUnavailable

REFUSAL_PERIOD_MS = 10_000
MOST_WAITING = 10_000

_log = log.get("audit")


@dataclass(slots=True)
class BusTrail:
    """Run `work` for as long as the service lives, and `finish` at its end."""

    service: str
    bus: Bus
    clock: Clock
    counts: Counts
    refusals: Refusals = field(default_factory=lambda: Refusals(REFUSAL_PERIOD_MS))
    waiting: deque[AuditRecord] = field(default_factory=deque)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    def record(self, tenant: str, kind: str, subject: str, detail: dict[str, str]) -> None:
        """Write an audit record."""
        record = AuditRecord(
            uuid.uuid4().hex, tenant, self.clock.now_ms(), self.service, kind, subject, detail, log.correlation.get()
        )
        if len(self.waiting) >= MOST_WAITING:  # the bus has been away for very long: the log is what is left
            self.counts.refuse("audit_overflow")
            _log.error("audit_overflow", record=msgspec.to_builtins(record))
            return
        self.waiting.append(record)
        self._idle.clear()
        self._more.set()

    def refusal(self, tenant: str, subject: str, code: str, reason: str) -> None:
        """Count a refusal for the next record of its kind."""
        self.refusals.add(tenant, subject, code, reason, self.clock.now_ms())

    def tick(self, *, all_of_it: bool = False) -> None:
        """Turn the sums of a period that has ended into records."""
        for s in self.refusals.due(self.clock.now_ms(), all_of_it=all_of_it):
            detail = {
                "code": s.code,
                "reason": s.reason,
                "count": str(s.count),
                "since_ms": str(s.since_ms),
                "until_ms": str(s.until_ms),
            }
            self.record(s.tenant, "terminal_refused", s.subject, detail)

    async def work(self) -> None:
        """Send what waits, oldest first, each until the bus has it."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self.waiting:
                await self._send(self.waiting[0])
                self.waiting.popleft()
            self._idle.set()

    async def _send(self, record: AuditRecord) -> None:
        for delay in Backoff(0.1, 5.0).delays():
            try:
                await self.bus.store(audit(record.tenant), encode(record), record.id)
                return
            except BusUnavailable as error:
                _log.warning("audit_waits", waiting=len(self.waiting), error=str(error))
                await asyncio.sleep(delay)

    async def finish(self, within_s: float) -> None:
        """Wait until `work` has sent what is left; what the bus does not take in time is written to the log."""
        self.tick(all_of_it=True)
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            for record in self.waiting:
                _log.error("audit_lost", record=msgspec.to_builtins(record))
