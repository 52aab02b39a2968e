"""The audit trail in PostgreSQL: appended, chained, never changed."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from contracts.audit import AuditRecord
from database_service.adapters import rows
from database_service.domain.audit_chain import GENESIS, link

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


async def chain(connection: Any, tenant: str) -> list[tuple[int, AuditRecord, bytes, bytes]]:
    """A tenant's whole chain, oldest first, as `domain.audit_chain.first_break` takes it."""
    found = await connection.fetch(
        "select id, tenant, at_ms, service, kind, subject, detail, correlation_id, position, previous, hash"
        " from audit where tenant = $1 order by position",
        tenant,
    )
    return [
        (
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
    ]
