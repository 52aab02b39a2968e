"""How people prove who they are, in PostgreSQL: their rights, second factors and API keys."""

from typing import Any

import msgspec

from contracts.people import (
    ApiKey,
    ApiKeyAdd,
    ApiKeyFound,
    ApiKeyQuestion,
    ApiKeyRevoke,
    ApiKeys,
    ApiKeysQuestion,
    Done,
    Factors,
    FactorsQuestion,
    Passkey,
    PasskeyAdd,
    PasskeyFound,
    PasskeyQuestion,
    PasskeyRemove,
    PasskeyUsed,
    PeopleRules,
    RecoveryCodes,
    Spend,
    UserById,
    UserChange,
    Users,
    UsersQuestion,
)
from contracts.rpc import MAX_ROWS, Nothing, User, UserFound
from database_service.adapters import postgres_audit, postgres_tenants, rows
from kit.policy import Quota

_USER = ", ".join(rows.USER)
_PASSKEY = rows.columns_of(Passkey)
_API_KEY = rows.columns_of(ApiKey)
_SIMPLE = (
    *("role", "disabled", "password_hash", "password_changed_ms", "totp_secret", "totp_last_counter"),
    "not_before_ms",
)
"""Fields of UserChange that are columns."""
USED_EVERY_MS = 60_000
"""The last use of an API key is noted this often: a key may be used a hundred times a second."""


async def owner(connection: Any, user_id: str) -> User | None:
    """A person by id."""
    row = await connection.fetchrow(f"select {_USER} from users where id = $1", user_id)  # noqa: S608 our own names
    return None if row is None else rows.message_of(row, User)


async def get_user(connection: Any, question: UserById) -> UserFound:
    """A person of the tenant."""
    found = await owner(connection, question.id)
    return UserFound(found if found is not None and found.tenant == question.tenant else None)


async def users(connection: Any, question: UsersQuestion) -> Users:
    """The tenant's people, by name."""
    found = await connection.fetch(
        f"select {_USER} from users where tenant = $1 order by name limit $2",  # noqa: S608 our own names
        question.tenant,
        MAX_ROWS,
    )
    counts = await connection.fetch(
        "select user_id, count(*) as n from passkeys where tenant = $1 group by user_id", question.tenant
    )
    return Users(tuple(rows.message_of(row, User) for row in found), {row["user_id"]: row["n"] for row in counts})


async def change_user(connection: Any, change: UserChange) -> Done:
    """Change what is told, and write down why; False when nobody is found, or no administrator would be left."""
    if change.keeps_admin and not await _keeps_admin(connection, change):
        return Done(False)
    changed = {name: value for name in _SIMPLE if (value := getattr(change, name)) is not None}
    if change.no_second_factor:
        changed |= {"totp_secret": b""}
        for table in ("passkeys", "recovery_codes"):
            await connection.execute(
                f"delete from {table} where tenant = $1 and user_id = $2",  # noqa: S608 names of our own
                change.tenant,
                change.id,
            )
    assignments = "".join(f", {name} = ${i}" for i, name in enumerate(changed, 3))
    status = await connection.execute(
        f"update users set id = id{assignments} where tenant = $1 and id = $2",  # noqa: S608 names of our own
        change.tenant,
        change.id,
        *changed.values(),
    )
    await postgres_audit.append(connection, change.audit)
    return Done(_one(status))


async def _keeps_admin(connection: Any, change: UserChange) -> bool:
    if change.role in (None, "admin") and not change.disabled:
        return True
    # locked in one order: two who take each other's rights at the same moment wait, and the second sees what is left
    found = await connection.fetch(
        "select id from users where tenant = $1 and role = 'admin' and not disabled order by id for update",
        change.tenant,
    )
    admins = {row["id"] for row in found}
    return change.id not in admins or len(admins) > 1


def _one(status: str) -> bool:
    return status.endswith(" 1")


async def spend(connection: Any, what: Spend) -> Done:
    """Once for each TOTP step and each recovery code, however many ask at the same moment."""
    if what.hash:
        status = await connection.execute(
            "delete from recovery_codes where tenant = $1 and user_id = $2 and hash = $3",
            *(what.tenant, what.user_id, what.hash),
        )
    else:
        status = await connection.execute(
            "update users set totp_last_counter = $3 where tenant = $1 and id = $2 and totp_last_counter < $3",
            *(what.tenant, what.user_id, what.counter),
        )
    return Done(_one(status))


async def factors(connection: Any, question: FactorsQuestion) -> Factors:
    """What the person has, and what the tenant asks for."""
    of = (question.tenant, question.user_id)
    found = await connection.fetch(
        f"select {', '.join(_PASSKEY)} from passkeys"  # noqa: S608 our own names
        " where tenant = $1 and user_id = $2 order by created_ms, id",
        *of,
    )
    left = await connection.fetchval("select count(*) from recovery_codes where tenant = $1 and user_id = $2", *of)
    rule = await connection.fetchval("select mfa_required from people_rules where tenant = $1", question.tenant)
    return Factors(tuple(rows.message_of(row, Passkey) for row in found), left, bool(rule))


async def set_recovery_codes(connection: Any, codes: RecoveryCodes) -> Nothing:
    """The old ones are worth nothing from now on."""
    await connection.execute(
        "delete from recovery_codes where tenant = $1 and user_id = $2", codes.tenant, codes.user_id
    )
    await connection.executemany(
        "insert into recovery_codes (tenant, user_id, hash) values ($1, $2, $3)",
        [(codes.tenant, codes.user_id, digest) for digest in codes.hashes],
    )
    await postgres_audit.append(connection, codes.audit)
    return Nothing()


async def find_passkey(connection: Any, question: PasskeyQuestion) -> PasskeyFound:
    """With its owner."""
    row = await connection.fetchrow(
        f"select {', '.join(_PASSKEY)} from passkeys where id = $1",  # noqa: S608 our own names
        question.id,
    )
    if row is None:
        return PasskeyFound(None, None)
    found = rows.message_of(row, Passkey)
    return PasskeyFound(found, await owner(connection, found.user_id))


async def add_passkey(connection: Any, wanted: PasskeyAdd) -> Nothing:
    """AlreadyTaken when the credential is known."""
    await connection.execute(rows.insert("passkeys", _PASSKEY), *rows.row_of(wanted.passkey))
    await postgres_audit.append(connection, wanted.audit)
    return Nothing()


async def use_passkey(connection: Any, used: PasskeyUsed) -> Done:
    """False when its counter has not risen: a copy of it may exist (WebAuthn level 3, section 6.1.1)."""
    status = await connection.execute(
        "update passkeys set sign_count = $3, used_ms = $4 where id = $1 and tenant = $2"
        " and (sign_count < $3 or (sign_count = 0 and $3 = 0))",
        *(used.id, used.tenant, used.sign_count, used.now_ms),
    )
    return Done(_one(status))


async def remove_passkey(connection: Any, what: PasskeyRemove) -> Done:
    """Of this person only."""
    status = await connection.execute(
        "delete from passkeys where tenant = $1 and user_id = $2 and id = $3", what.tenant, what.user_id, what.id
    )
    await postgres_audit.append(connection, what.audit if _one(status) else ())
    return Done(_one(status))


async def api_keys(connection: Any, question: ApiKeysQuestion) -> ApiKeys:
    """Those that are not revoked."""
    found = await connection.fetch(
        f"select {', '.join(_API_KEY)} from api_keys where tenant = $1 and ($2 = '' or user_id = $2)"  # noqa: S608 our own
        " and revoked_ms = 0 order by created_ms desc, id limit $3",
        *(question.tenant, question.user_id, MAX_ROWS),
    )
    return ApiKeys(tuple(rows.message_of(row, ApiKey) for row in found))


async def add_api_key(connection: Any, wanted: ApiKeyAdd) -> Nothing:
    """Only its hash is kept. NotAdmitted when the tenant has no room."""
    await postgres_tenants.admit(connection, wanted.key.tenant, Quota.API_KEYS)
    await connection.execute(rows.insert("api_keys", _API_KEY), *rows.row_of(wanted.key))
    await postgres_audit.append(connection, wanted.audit)
    return Nothing()


async def find_api_key(connection: Any, question: ApiKeyQuestion) -> ApiKeyFound:
    """By hash, with its owner; notes the use."""
    row = await connection.fetchrow(
        f"select {', '.join(_API_KEY)} from api_keys where hash = $1",  # noqa: S608 our own names
        question.hash,
    )
    if row is None:
        return ApiKeyFound(None, None)
    key = rows.message_of(row, ApiKey)
    if key.used_ms + USED_EVERY_MS <= question.now_ms:
        await connection.execute("update api_keys set used_ms = $2 where id = $1", key.id, question.now_ms)
        key = msgspec.structs.replace(key, used_ms=question.now_ms)
    return ApiKeyFound(key, await owner(connection, key.user_id))


async def revoke_api_key(connection: Any, what: ApiKeyRevoke) -> Done:
    """False when there is no such key, or it was revoked before."""
    status = await connection.execute(
        "update api_keys set revoked_ms = $4 where tenant = $1 and ($2 = '' or user_id = $2) and id = $3"
        " and revoked_ms = 0",
        *(what.tenant, what.user_id, what.id, what.now_ms),
    )
    await postgres_audit.append(connection, what.audit if _one(status) else ())
    return Done(_one(status))


async def set_rules(connection: Any, rules: PeopleRules) -> Nothing:
    """Replace the tenant's rules."""
    await connection.execute(
        "insert into people_rules (tenant, mfa_required) values ($1, $2)"
        " on conflict (tenant) do update set mfa_required = excluded.mfa_required",
        *(rules.tenant, rules.mfa_required),
    )
    await postgres_audit.append(connection, rules.audit)
    return Nothing()
