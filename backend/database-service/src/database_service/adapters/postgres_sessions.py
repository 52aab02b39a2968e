"""Sessions in PostgreSQL, and the families of refresh tokens: each token is good once."""

from typing import Any

import msgspec

from contracts.people import (
    Done,
    Ended,
    Rotated,
    Rotation,
    SessionFound,
    SessionOpen,
    SessionQuestion,
    SessionRotate,
    SessionRow,
    Sessions,
    SessionsEnd,
    SessionsQuestion,
    SessionTouch,
)
from contracts.rpc import MAX_ROWS
from database_service.adapters import postgres_audit, rows
from database_service.adapters.postgres_identity import owner

_SESSION = rows.columns_of(SessionRow)
_COLUMNS = ", ".join(_SESSION)
FORGET_AFTER_MS = 40 * 86_400_000
"""Sessions that ended or were not renewed for longer than this are deleted: the audit trail remembers them."""
REUSED = "a refresh token was used twice"


async def open_session(connection: Any, wanted: SessionOpen) -> Ended:
    """Insert it; end the person's oldest ones beyond `keep`, and forget what is long over."""
    session = wanted.session
    await connection.execute(rows.insert("sessions", _SESSION), *rows.row_of(session))
    ended = await connection.fetch(
        "update sessions set ended_ms = $4, ended_because = 'too many sessions' where id in"
        " (select id from sessions where tenant = $1 and user_id = $2 and ended_ms = 0"
        " order by (id = $5) desc, created_ms desc, id offset $3) returning id",
        *(session.tenant, session.user_id, wanted.keep, session.created_ms, session.id),
    )
    await connection.execute(
        "delete from sessions where id in (select id from sessions where tenant = $1"
        " and greatest(ended_ms, seen_ms) < $2 limit 100)",
        *(session.tenant, session.created_ms - FORGET_AFTER_MS),
    )
    await postgres_audit.append(connection, wanted.audit)
    return Ended(tuple(row["id"] for row in ended))


async def _session(connection: Any, identity: str, lock: str = "") -> SessionRow | None:
    row = await connection.fetchrow(f"select {_COLUMNS} from sessions where id = $1{lock}", identity)  # noqa: S608 our own
    return None if row is None else rows.message_of(row, SessionRow)


async def find_session(connection: Any, question: SessionQuestion) -> SessionFound:
    """With its owner."""
    session = await _session(connection, question.id)
    return SessionFound(session, await owner(connection, session.user_id) if session else None)


async def touch_session(connection: Any, touch: SessionTouch) -> Done:
    """False when it has ended."""
    status = await connection.execute(
        "update sessions set seen_ms = $3, peer = $4, amr = case when $5 = '' then amr else $5 end,"
        " auth_ms = case when $6 = 0::bigint then auth_ms else $6 end"
        " where id = $1 and tenant = $2 and ended_ms = 0",
        *(touch.id, touch.tenant, touch.seen_ms, touch.peer, touch.amr, touch.auth_ms),
    )
    if done := status.endswith(" 1"):
        await postgres_audit.append(connection, touch.audit)
    return Done(done)


async def rotate(connection: Any, wish: SessionRotate) -> Rotated:
    """Of many who present the same token at the same moment one gets the next; the others show that it was copied."""
    session = await _session(connection, wish.id, " for update")
    if session is None:
        return Rotated(Rotation.REFUSED, None, None)
    person = await owner(connection, session.user_id)
    if session.refresh_hash != wish.old or not wish.old:
        spent = await connection.fetchval(
            "select true from spent_refresh_tokens where hash = $1 and session_id = $2", wish.old, wish.id
        )
        if not spent:
            return Rotated(Rotation.REFUSED, session, person)
        await connection.execute(
            "update sessions set ended_ms = $2, ended_because = $3 where id = $1 and ended_ms = 0",
            *(wish.id, wish.now_ms, REUSED),
        )
        return Rotated(Rotation.REUSED, session, person)
    over = (
        session.ended_ms > 0
        or wish.now_ms - session.seen_ms > wish.idle_ms
        or wish.now_ms - session.created_ms > wish.absolute_ms
        or person is None
        or person.disabled
    )
    if over:
        return Rotated(Rotation.REFUSED, session, person)
    await connection.execute(
        "insert into spent_refresh_tokens (hash, tenant, session_id, spent_ms) values ($1, $2, $3, $4)",
        *(wish.old, session.tenant, wish.id, wish.now_ms),
    )
    await connection.execute(
        "update sessions set refresh_hash = $2, seen_ms = $3, peer = $4 where id = $1",
        *(wish.id, wish.new, wish.now_ms, wish.peer),
    )
    renewed = msgspec.structs.replace(session, refresh_hash=wish.new, seen_ms=wish.now_ms, peer=wish.peer)
    return Rotated(Rotation.ROTATED, renewed, person)


async def sessions(connection: Any, question: SessionsQuestion) -> Sessions:
    """Living ones, newest first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from sessions where tenant = $1 and ($2 = '' or user_id = $2) and ended_ms = 0"  # noqa: S608 our own
        " order by created_ms desc, id limit $3",
        *(question.tenant, question.user_id, MAX_ROWS),
    )
    return Sessions(tuple(rows.message_of(row, SessionRow) for row in found))


async def end_sessions(connection: Any, wish: SessionsEnd) -> Ended:
    """This one, or all of the person but one."""
    ended = await connection.fetch(
        "update sessions set ended_ms = $3, ended_because = $4 where tenant = $1 and user_id = $2 and ended_ms = 0"
        " and ($5 = '' or id = $5) and ($6 = '' or id <> $6) returning id",
        *(wish.tenant, wish.user_id, wish.now_ms, wish.because, wish.id, wish.except_id),
    )
    ids = tuple(row["id"] for row in ended)
    # whoever ends all of them wants that written down even when there was none
    if ids or not wish.id:
        await postgres_audit.append(connection, wish.audit)
    return Ended(ids)
