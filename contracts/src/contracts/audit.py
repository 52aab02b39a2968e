"""Audit records, error reports and heartbeats: what the platform says about itself."""

from enum import StrEnum

import msgspec


class AuditRecord(msgspec.Struct, frozen=True):
    """Something that must be explainable later. `kind` is past tense: `order_denied`, `signed_in`."""

    id: str
    tenant: str
    at_ms: int
    service: str
    kind: str
    subject: str
    """What it is about: an order id, a user name, a setting."""
    detail: dict[str, str]
    correlation_id: str = ""


class ErrorReport(msgspec.Struct, frozen=True):
    """An unexpected error of a service. `fingerprint` is the same for the same fault, whatever its ids and numbers."""

    service: str
    instance: str
    at_ms: int
    kind: str
    message: str
    where: str
    fingerprint: str
    correlation_id: str = ""


class Health(StrEnum):
    """What a probe found."""

    OK = "ok"
    FAILED = "failed"


class DependencyHealth(msgspec.Struct, frozen=True):
    """The last probe of one dependency."""

    name: str
    health: Health
    detail: str
    probed_ms: int


class Heartbeat(msgspec.Struct, frozen=True):
    """Sent by every service instance every two seconds."""

    service: str
    instance: str
    at_ms: int
    started_ms: int
    version: str
    ready: bool
    port: int
    dependencies: tuple[DependencyHealth, ...]
    counters: dict[str, int] = {}
