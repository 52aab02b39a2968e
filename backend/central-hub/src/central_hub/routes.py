"""The hub's edges: heartbeats and errors in, the list of services out."""

from dataclasses import dataclass

import msgspec

from central_hub.domain.errorbook import ErrorBook
from central_hub.domain.registry import Registry
from central_hub.ports import Fleet
from contracts.audit import ErrorReport, Heartbeat
from contracts.codec import decode
from contracts.errors import ContractError
from contracts.rpc import Nothing, Services
from kit import log
from kit.bus import Delivery, Message
from kit.clock import Clock

_log = log.get("hub")


class ErrorLine(msgspec.Struct, frozen=True):
    """A known fault, for the operator."""

    fingerprint: str
    service: str
    kind: str
    message: str
    where: str
    count: int
    first_ms: int
    last_ms: int


class Overview(msgspec.Struct, frozen=True):
    """GET /services: what the bus would answer, and the newest errors."""

    services: Services
    errors: tuple[ErrorLine, ...]
    errors_total: int


@dataclass(slots=True)
class Routes:
    """Decode, ask the domain, encode."""

    registry: Registry
    errors: ErrorBook
    fleet: Fleet
    clock: Clock
    counters: dict[str, int]

    async def on_heartbeat(self, message: Message) -> None:
        """health.>: a sign of life."""
        try:
            beat = decode(message.data, Heartbeat)
        except ContractError as error:
            self._count("heartbeats_refused")
            _log.warning("heartbeat_refused", subject=message.subject, error=str(error))
            return
        self.registry.heard(beat, self.clock.now_ms())

    async def on_errors(self, deliveries: list[Delivery]) -> None:
        """errors.>: unexpected errors of all services."""
        for delivery in deliveries:
            try:
                report = decode(delivery.data, ErrorReport)
            except ContractError as error:
                self._count("errors_refused")
                _log.warning("error_refused", subject=delivery.subject, error=str(error))
                await delivery.drop()
                continue
            if self.errors.add(report):
                _log.warning("new_error", of=report.service, kind=report.kind, fingerprint=report.fingerprint)
            self._count("errors_received")
            await delivery.ack()

    async def services(self, _question: Nothing) -> Services:
        """rpc.central-hub.services.list."""
        return self.list_services()

    def list_services(self) -> Services:
        """All services as of now."""
        now = self.clock.now_ms()
        return Services(self.registry.rows(self.fleet.managed(), now), now)

    def overview(self, limit: int = 50) -> bytes:
        """The answer to GET /services, JSON."""
        lines = tuple(
            ErrorLine(
                entry.last.fingerprint,
                entry.last.service,
                entry.last.kind,
                entry.last.message,
                entry.last.where,
                entry.count,
                entry.first_ms,
                entry.last.at_ms,
            )
            for entry in self.errors.newest_first()[:limit]
        )
        return msgspec.json.encode(Overview(self.list_services(), lines, self.errors.total))

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1
