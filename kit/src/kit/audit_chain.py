"""Chain audit records by hash, so that a record changed, removed or inserted later shows."""

import hashlib
from collections.abc import Iterable

import msgspec

from contracts.audit import AuditRecord
from contracts.proof import ChainedRecord

GENESIS = bytes(32)
"""What stands before a tenant's first record."""

_encoder = msgspec.json.Encoder(order="sorted")


def content(record: AuditRecord) -> bytes:
    """What is hashed of a record: JSON with sorted keys."""
    return _encoder.encode(record)


def link(previous: bytes, record: AuditRecord) -> bytes:
    """The hash of a record that follows `previous`: SHA-256 over both."""
    return hashlib.sha256(previous + content(record)).digest()


def follows(chained: ChainedRecord, position: int, previous: bytes) -> bool:
    """It stands at `position`, after `previous`, and its hash is that of its content."""
    return (
        chained.position == position and chained.previous == previous and link(previous, chained.record) == chained.hash
    )


def first_break(chain: Iterable[ChainedRecord]) -> int | None:
    """The first position at which a whole chain, oldest first, doesn't follow; None: all do."""
    expected, before = 1, GENESIS
    for chained in chain:
        if not follows(chained, expected, before):
            return expected
        expected, before = expected + 1, chained.hash
    return None
