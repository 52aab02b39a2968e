"""What proves the audit trail: its chain as the store holds it, and the checkpoints that witnesses keep."""

import msgspec

from contracts.audit import AuditRecord


class ChainedRecord(msgspec.Struct, frozen=True):
    """An audit record where it stands in its tenant's chain. `position` counts from 1 without a hole."""

    position: int
    record: AuditRecord
    previous: bytes
    """The hash of the record before it; 32 zero bytes before the first."""
    hash: bytes
    """SHA-256 over `previous` and the record's content."""


class ChainHead(msgspec.Struct, frozen=True):
    """How long a tenant's chain is, and its newest hash."""

    tenant: str
    position: int
    hash: bytes


class ChainHeads(msgspec.Struct, frozen=True):
    """One per tenant that has a record."""

    heads: tuple[ChainHead, ...]


class HashesQuestion(msgspec.Struct, frozen=True):
    """Ask for the hashes of a chain's records after position `after`, at most `limit`: no content."""

    tenant: str
    after: int
    limit: int = 10_000


class Hashes(msgspec.Struct, frozen=True):
    """Hashes of neighbouring records, 32 bytes each, oldest first; empty when there are none."""

    tenant: str
    first: int
    hashes: bytes


class TrailQuestion(msgspec.Struct, frozen=True):
    """Ask for records after position `after`, oldest first. An `actor` who is not of the tenant gives a reason, and the
    store writes both into that tenant's trail before it answers."""

    tenant: str
    after: int = 0
    limit: int = 1_000
    actor: str = ""
    because: str = ""


class Trail(msgspec.Struct, frozen=True):
    """Records of one tenant, oldest first."""

    records: tuple[ChainedRecord, ...]


class SealedCheckpoint(msgspec.Struct, frozen=True):
    """A signed statement about the first `size` records of a chain; `note` is what was signed, with its signature."""

    tenant: str
    size: int
    at_ms: int
    note: str


class CheckpointsQuestion(msgspec.Struct, frozen=True):
    """Ask for the store's copy of the checkpoints beyond `after` records."""

    tenant: str
    after: int = 0
    limit: int = 1_000


class Checkpoints(msgspec.Struct, frozen=True):
    """Oldest first."""

    checkpoints: tuple[SealedCheckpoint, ...]
