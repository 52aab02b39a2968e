"""Leases of accounts in PostgreSQL: one row each, locked while it is decided upon."""

from typing import Any

from contracts.rpc import LeaseTaken, LeaseWish
from database_service.adapters.rows import columns_of, row_of
from database_service.domain.leases import Lease, decide

_COLUMNS = columns_of(Lease)
_PUT = f"""
insert into terminal_leases (tenant, account, {", ".join(_COLUMNS)}) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant, account) do update set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""  # noqa: S608 column names of our own


async def take(connection: Any, wish: LeaseWish) -> LeaseTaken:
    """Decide and keep. Two wishes for one account wait for each other, the first one ever too."""
    await connection.execute("select pg_advisory_xact_lock(hashtext($1), hashtext($2))", wish.tenant, wish.account)
    row = await connection.fetchrow(
        f"select {', '.join(_COLUMNS)} from terminal_leases where tenant = $1 and account = $2",  # noqa: S608 names of our own, no values
        wish.tenant,
        wish.account,
    )
    lease, answer = decide(Lease(*row) if row else None, wish)
    if lease is not None:
        await connection.execute(_PUT, wish.tenant, wish.account, *row_of(lease))
    return answer
