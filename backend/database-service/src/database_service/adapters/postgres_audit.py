"""The audit trail in PostgreSQL: appended, chained, never changed."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from contracts.audit import AuditRecord
from contracts.proof import (
    ChainedRecord,
    ChainHead,
    CheckpointsQuestion,
    Hashes,
    HashesQuestion,
    SealedCheckpoint,
    TrailQuestion,
)
from database_service.adapters import rows
from kit.audit_chain import GENESIS, link

_INSERT = """
with added as (
    insert into audit (id, tenant, at_ms, service, kind, subject, detail, correlation_id, position, previous, hash)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
)
update audit_heads set position = $9, hash = $11 where tenant = $2
"""
# the head's row lock makes writers of one tenant take turns: a chain has one end
_HEAD = "select position, hash from audit_heads where tenant = $1 for update"


async def append(connection: Any, records: Iterable[AuditRecord]) -> None:
    """Append the records that are not there yet, each tenant's to its own chain."""
    by_tenant: dict[str, dict[str, AuditRecord]] = defaultdict(dict)
    for record in records:
        by_tenant[record.tenant].setdefault(record.id, record)
    for tenant in sorted(by_tenant):
        await _append(connection, tenant, by_tenant[tenant])


async def _append(connection: Any, tenant: str, records: dict[str, AuditRecord]) -> None:
    found = await connection.fetchrow(_HEAD, tenant)
    if found is None:  # the tenant's first record
        await connection.execute("insert into audit_heads values ($1, 0, $2) on conflict do nothing", tenant, GENESIS)
        found = await connection.fetchrow(_HEAD, tenant)
    position, head = found
    known = {
        row["id"]
        for row in await connection.fetch(
            "select id from audit where tenant = $1 and id = any($2::text[])", tenant, list(records)
        )
    }
    added = []
    for record in records.values():
        if record.id in known:
            continue
        digest = link(head, record)
        position += 1
        added.append((*rows.audit_row(record), position, head, digest))
        head = digest
    if added:
        await connection.executemany(_INSERT, added)


async def trail(connection: Any, question: TrailQuestion) -> tuple[ChainedRecord, ...]:
    """Records of a chain where they stand, oldest first."""
    found = await connection.fetch(
        "select id, tenant, at_ms, service, kind, subject, detail, correlation_id, position, previous, hash"
        " from audit where tenant = $1 and position > $2 order by position limit $3",
        question.tenant,
        question.after,
        question.limit,
    )
    return tuple(
        ChainedRecord(
            row["position"],
            AuditRecord(
                *(row["id"], row["tenant"], row["at_ms"], row["service"], row["kind"], row["subject"]),
                msgspec.json.decode(row["detail"], type=dict[str, str]),
                row["correlation_id"],
            ),
            row["previous"],
            row["hash"],
        )
        for row in found
    )


async def heads(connection: Any) -> tuple[ChainHead, ...]:
    """How long each tenant's chain is."""
    found = await connection.fetch("select tenant, position, hash from audit_heads where position > 0 order by tenant")
    return tuple(ChainHead(row["tenant"], row["position"], row["hash"]) for row in found)


async def hashes(connection: Any, question: HashesQuestion) -> Hashes:
    """The hashes of neighbouring records: up to the first hole, should there be one."""
    found = await connection.fetch(
        "select position, hash from audit where tenant = $1 and position > $2 order by position limit $3",
        question.tenant,
        question.after,
        question.limit,
    )
    joined = [row["hash"] for number, row in enumerate(found, question.after + 1) if row["position"] == number]
    return Hashes(question.tenant, question.after + 1, b"".join(joined))


async def add_checkpoint(connection: Any, sealed: SealedCheckpoint) -> None:
    """Keep a copy; the same again changes nothing."""
    await connection.execute(
        "insert into audit_checkpoints (tenant, size, at_ms, note) values ($1, $2, $3, $4) on conflict do nothing",
        *(sealed.tenant, sealed.size, sealed.at_ms, sealed.note),
    )


async def checkpoints(connection: Any, question: CheckpointsQuestion) -> tuple[SealedCheckpoint, ...]:
    """Oldest first."""
    found = await connection.fetch(
        "select tenant, size, at_ms, note from audit_checkpoints where tenant = $1 and size > $2"
        " order by size limit $3",
        *(question.tenant, question.after, question.limit),
    )
    return tuple(rows.message_of(row, SealedCheckpoint) for row in found)
