"""The usual commit, one order with its signal and its audit record, as one statement: one round trip, one flush.

An order waits for its commit before it may leave; as a transaction of ten round trips it waited twice as long.
"""

from typing import Any

import asyncpg

from contracts.executions import FINAL_EXECUTIONS
from contracts.rpc import Commit
from database_service.adapters import rows
from kit.audit_chain import content

_FINAL = sorted(str(state) for state in FINAL_EXECUTIONS)


def _places(columns: tuple[str, ...], first: int) -> str:
    return ", ".join(f"${first + i}" for i in range(len(columns)))


_SIGNAL_FROM = len(rows.ORDER) + 1
_AUDIT_FROM = _SIGNAL_FROM + len(rows.SIGNAL) + 1
_FINAL_AT = _AUDIT_FROM - 1
_TENANT_AT = _AUDIT_FROM + rows.AUDIT.index("tenant")
_CONTENT_AT = _AUDIT_FROM + len(rows.AUDIT)
_SIGNAL = {name: f"${_SIGNAL_FROM + i}" for i, name in enumerate(rows.SIGNAL)}
_VALUES = _places(rows.ORDER, 1)
_ORDERED = rows.UPSERT_ORDER.replace(f"values ({_VALUES})", f"select {_VALUES} from head")  # noqa: S608 names of our own, no values

# the head's lock comes first: whoever has it may write, and without a head nothing is written at all
_ALL = f"""
with head as (
    select position + 1 as position, hash as previous, sha256(hash || ${_CONTENT_AT}::bytea) as hash
    from audit_heads where tenant = ${_TENANT_AT} for update
),
ordered as ({_ORDERED}),
signalled as (
    insert into outbox ({", ".join(rows.SIGNAL)}, answered_state)
    select {_places(rows.SIGNAL, _SIGNAL_FROM)},
        (select state from executions where signal_id = {_SIGNAL["signal_id"]} and tenant = {_SIGNAL["tenant"]}
            and account = {_SIGNAL["account"]} and state = any(${_FINAL_AT}::text[]) limit 1)
    from head
    on conflict (signal_id) do nothing
),
recorded as (
    insert into audit ({", ".join(rows.AUDIT)}, position, previous, hash)
    select {_places(rows.AUDIT, _AUDIT_FROM)}, position, previous, hash from head
),
moved as (
    update audit_heads set position = head.position, hash = head.hash from head
    where audit_heads.tenant = ${_TENANT_AT} returning 1
)
select count(*) from moved
"""  # noqa: S608 column names of our own


def is_usual(wanted: Commit) -> bool:
    """One of each, all of one tenant."""
    one_each = len(wanted.orders) == len(wanted.signals) == len(wanted.audit) == 1
    return one_each and wanted.orders[0].tenant == wanted.signals[0].tenant == wanted.audit[0].tenant


async def commit_usual(connection: Any, wanted: Commit) -> bool:
    """Write all of it, durable on return; False: nothing was written, because it is the tenant's first record or the
    record is there already (an answer was lost and the commit came again)."""
    (order,), (signal,), (record,) = wanted.orders, wanted.signals, wanted.audit
    try:
        moved = await connection.fetchval(
            _ALL, *rows.row_of(order), *rows.row_of(signal), _FINAL, *rows.audit_row(record), content(record)
        )
    except asyncpg.UniqueViolationError:
        return False
    return bool(moved)
