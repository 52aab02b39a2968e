"""Chain audit records by hash, so that a record changed, removed or inserted later shows."""

import hashlib
from collections.abc import Iterable

import msgspec

from contracts.audit import AuditRecord

GENESIS = bytes(32)
"""What stands before a tenant's first record."""

_encoder = msgspec.json.Encoder(order="sorted")


def content(record: AuditRecord) -> bytes:
    """What is hashed of a record: JSON with sorted keys."""
    return _encoder.encode(record)


def link(previous: bytes, record: AuditRecord) -> bytes:
    """The hash of a record that follows `previous`: SHA-256 over both."""
    return hashlib.sha256(previous + content(record)).digest()


def first_break(chain: Iterable[tuple[int, AuditRecord, bytes, bytes]]) -> int | None:
    """The first position at which (position, record, previous, hash), oldest first, doesn't follow; None: all do."""
    expected, before = 1, GENESIS
    for position, record, previous, digest in chain:
        if position != expected or previous != before or link(previous, record) != digest:
            return expected
        expected, before = position + 1, digest
    return None
