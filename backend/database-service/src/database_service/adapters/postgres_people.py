"""People, accounts and their commands in PostgreSQL."""

from typing import Any

import msgspec

from contracts.accounts import AccountState
from contracts.commands import Command
from contracts.rpc import MAX_ROWS, User
from database_service.adapters import postgres_tenants, rows
from database_service.ports import AlreadyTaken
from kit.policy import Quota

_ACCOUNT = ("tenant", "account", "taken_ms", "currency", "balance", "equity", "margin", "margin_free", "profit")
_PUT_ACCOUNT = f"""
insert into accounts ({", ".join(_ACCOUNT)}, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, account) do update set
    {", ".join(f"{name} = excluded.{name}" for name in (*_ACCOUNT[2:], "state"))}
where accounts.taken_ms <= excluded.taken_ms
"""  # noqa: S608 column names of our own
_INSTRUMENT = (
    *("symbol", "description", "digits", "point", "contract_size", "volume_min", "volume_max", "volume_step"),
    *("currency_base", "currency_profit", "stops_level_points"),
)
_PUT_INSTRUMENT = f"""
insert into instruments (tenant, account, {", ".join(_INSTRUMENT)})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (tenant, account, symbol) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _INSTRUMENT[1:])}
"""  # noqa: S608 column names of our own


def newest_only(states: list[AccountState]) -> list[AccountState]:
    """The newest state of each account, ordered by account: one order of locking for all writers."""
    newest: dict[tuple[str, str], AccountState] = {}
    for state in states:
        key = (state.tenant, state.account)
        if key not in newest or newest[key].taken_ms <= state.taken_ms:
            newest[key] = state
    return [newest[key] for key in sorted(newest)]


async def put_accounts(connection: Any, states: list[AccountState]) -> None:
    """Keep the newest of each account, with the instruments it names."""
    for state in newest_only(states):
        values = (getattr(state, name) for name in _ACCOUNT)
        status = await connection.execute(_PUT_ACCOUNT, *values, msgspec.json.encode(state).decode())
        if status.endswith(" 1"):  # an older state than the stored one changes nothing
            await connection.executemany(
                _PUT_INSTRUMENT,
                [(state.tenant, state.account, *(getattr(i, n) for n in _INSTRUMENT)) for i in state.instruments],
            )


async def accounts(connection: Any, tenant: str) -> tuple[AccountState, ...]:
    """The newest of each account, by name."""
    found = await connection.fetch(
        "select state from accounts where $1 = '*' or tenant = $1 order by tenant, account limit $2", tenant, MAX_ROWS
    )
    return tuple(msgspec.json.decode(row["state"], type=AccountState) for row in found)


async def digits(connection: Any, tenant: str) -> dict[tuple[str, str], int]:
    """(account, symbol) -> digits."""
    found = await connection.fetch("select account, symbol, digits from instruments where tenant = $1", tenant)
    return {(row["account"], row["symbol"]): row["digits"] for row in found}


async def add_commands(connection: Any, commands: list[Command]) -> None:
    """Store each once."""
    await connection.executemany(
        "insert into commands (id, tenant, given_by, given_ms, body, correlation_id)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        [
            (c.id, c.tenant, c.given_by, c.given_ms, msgspec.json.encode(c.body).decode(), c.correlation_id)
            for c in sorted(commands, key=lambda c: (c.tenant, c.id))
        ],
    )


async def user(connection: Any, name: str) -> User | None:
    """By name."""
    row = await connection.fetchrow(f"select {', '.join(rows.USER)} from users where name = $1", name)  # noqa: S608 names of our own, no values
    return None if row is None else rows.message_of(row, User)


async def add_user(connection: Any, wanted: User) -> None:
    """Add a person; the same person twice is one. AlreadyTaken when the id or name is another's, NotAdmitted when the
    tenant has no room."""
    if await connection.fetchval("select true from users where id = $1", wanted.id) is None:
        await postgres_tenants.admit(connection, wanted.tenant, Quota.USERS)
    await connection.execute(rows.INSERT_USER, *rows.row_of(wanted))
    if await user(connection, wanted.name) != wanted:
        raise AlreadyTaken(f"the id of {wanted.name!r} belongs to somebody else")


async def user_count(connection: Any) -> int:
    """How many."""
    return int(await connection.fetchval("select count(*) from users"))
