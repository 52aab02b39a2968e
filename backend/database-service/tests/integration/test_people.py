"""Sessions, second factors and API keys on a real PostgreSQL: what is good once is good once."""

import asyncio
from typing import Any

import msgspec
import pytest

from contracts import people
from contracts.audit import AuditRecord
from contracts.people import Passkey, Rotation, SessionKind, SessionRow
from contracts.proof import TrailQuestion
from contracts.rpc import User
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from database_service.ports import AlreadyTaken, Unstorable

pytestmark = pytest.mark.integration
TENANT = "default"
DAY_MS = 86_400_000


@pytest.fixture
async def ledger(database):
    postgres = await Postgres.open(database, pool_min=1, pool_max=6, timeout_s=5, wait_s=5)
    await postgres.migrate(1)
    made = PostgresLedger(postgres)
    await made.add_user(User("u1", TENANT, "ann", "trader", "$argon2id$", False, 1))
    yield made
    await postgres.close()


async def ask(ledger: PostgresLedger, method: Any, *fields: Any, **named: Any) -> Any:
    return await ledger.people.answer(method, method.question(*fields, **named))


def record(name: str) -> tuple[AuditRecord, ...]:
    return (AuditRecord(name, TENANT, 5, "api-gateway", "session_created", "ann", {}),)


def session(identity: str = "s1", created_ms: int = 1_000, refresh: bytes = b"", **changes: Any) -> SessionRow:
    row = SessionRow(
        identity, TENANT, "u1", SessionKind.PROGRAM, created_ms, created_ms, "127.0.0.1", "curl", "pwd", created_ms,
        refresh,
    )  # fmt: skip
    return msgspec.structs.replace(row, **changes)


async def rotate(ledger: PostgresLedger, old: bytes, new: bytes, now_ms: int = 2_000) -> Any:
    return await ask(ledger, people.SESSION_ROTATE, "s1", old, new, now_ms, "::1", DAY_MS, 30 * DAY_MS)


async def chain(ledger: PostgresLedger) -> list[str]:
    return [chained.record.id for chained in await ledger.trail(TrailQuestion(TENANT), None)]


async def test_a_person_is_changed_with_the_record_that_explains_it_or_not_at_all(ledger):
    done = await ask(ledger, people.USER_CHANGE, TENANT, "u1", role="viewer", not_before_ms=7, audit=record("a1"))
    assert done.done
    found = (await ask(ledger, people.USER_GET, TENANT, "u1")).user
    assert (found.role, found.not_before_ms, found.disabled) == ("viewer", 7, False)
    broken = (AuditRecord("a2", TENANT, 5, "x", "y", "z\0", {}),)
    with pytest.raises(Unstorable):
        await ask(ledger, people.USER_CHANGE, TENANT, "u1", role="admin", audit=broken)
    assert (await ledger.user("ann")).role == "viewer"
    assert await chain(ledger) == ["a1"]


async def test_two_administrators_who_take_each_others_rights_at_the_same_moment_leave_one(ledger):
    for wish in ({"role": "viewer"}, {"disabled": True}):
        for name in ("bea", "cid"):
            if await ledger.user(name) is None:
                await ledger.add_user(User(name, TENANT, name, "admin", "$argon2id$", False, 1))
            await ask(ledger, people.USER_CHANGE, TENANT, name, role="admin", disabled=False)
        both = [ask(ledger, people.USER_CHANGE, TENANT, name, keeps_admin=True, **wish) for name in ("bea", "cid")]
        assert sorted(answer.done for answer in await asyncio.gather(*both)) == [False, True]
        left = [u for u in (await ask(ledger, people.USERS, TENANT)).users if u.role == "admin" and not u.disabled]
        assert len(left) == 1


async def test_the_last_administrator_keeps_other_changes_and_the_operator_may_take_even_that_one(ledger):
    await ask(ledger, people.USER_CHANGE, TENANT, "u1", role="admin")
    refused = await ask(ledger, people.USER_CHANGE, TENANT, "u1", disabled=True, audit=record("a1"), keeps_admin=True)
    assert (refused.done, await chain(ledger)) == (False, [])
    assert (await ask(ledger, people.USER_CHANGE, TENANT, "u1", no_second_factor=True, keeps_admin=True)).done
    assert (await ask(ledger, people.USER_CHANGE, TENANT, "u1", disabled=True)).done


async def test_nobody_of_another_tenant_is_found_or_changed(ledger):
    assert (await ask(ledger, people.USER_GET, "other", "u1")).user is None
    assert not (await ask(ledger, people.USER_CHANGE, "other", "u1", disabled=True)).done
    assert not (await ledger.user("ann")).disabled
    assert (await ask(ledger, people.USERS, "other")).users == ()


async def test_a_totp_step_is_spent_once_and_older_steps_with_it(ledger):
    tries = [ask(ledger, people.SPEND, TENANT, "u1", 1, counter=100) for _ in range(8)]
    assert sorted(answer.done for answer in await asyncio.gather(*tries)) == [False] * 7 + [True]
    assert not (await ask(ledger, people.SPEND, TENANT, "u1", 1, counter=99)).done
    assert (await ask(ledger, people.SPEND, TENANT, "u1", 1, counter=101)).done


async def test_a_recovery_code_is_good_once_and_new_codes_replace_the_old(ledger):
    await ask(ledger, people.RECOVERY_CODES, TENANT, "u1", (b"one", b"two"))
    tries = [ask(ledger, people.SPEND, TENANT, "u1", 1, hash=b"one") for _ in range(4)]
    assert sum(answer.done for answer in await asyncio.gather(*tries)) == 1
    assert (await ask(ledger, people.FACTORS, TENANT, "u1")).recovery_left == 1
    await ask(ledger, people.RECOVERY_CODES, TENANT, "u1", (b"three",))
    assert not (await ask(ledger, people.SPEND, TENANT, "u1", 1, hash=b"two")).done


async def test_a_passkey_whose_counter_does_not_rise_is_refused(ledger):
    await ask(ledger, people.PASSKEY_ADD, Passkey("p1", TENANT, "u1", "laptop", b"cose", 5, "", 1))
    with pytest.raises(AlreadyTaken):
        await ask(ledger, people.PASSKEY_ADD, Passkey("p1", TENANT, "u1", "again", b"cose", 0, "", 1))
    assert (await ask(ledger, people.PASSKEY_USED, "p1", TENANT, 6, 10)).done
    for count in (6, 5, 0):
        assert not (await ask(ledger, people.PASSKEY_USED, "p1", TENANT, count, 11)).done
    found = await ask(ledger, people.PASSKEY_FIND, "p1")
    assert (found.passkey.sign_count, found.passkey.used_ms, found.user.name) == (6, 10, "ann")
    await ask(ledger, people.PASSKEY_ADD, Passkey("p2", TENANT, "u1", "does not count", b"cose", 0, "", 1))
    assert (await ask(ledger, people.PASSKEY_USED, "p2", TENANT, 0, 10)).done


async def test_a_reset_takes_every_second_factor(ledger):
    await ask(ledger, people.PASSKEY_ADD, Passkey("p1", TENANT, "u1", "laptop", b"cose", 5, "", 1))
    await ask(ledger, people.RECOVERY_CODES, TENANT, "u1", (b"one",))
    await ask(ledger, people.USER_CHANGE, TENANT, "u1", totp_secret=b"secret")
    await ask(ledger, people.PEOPLE_RULES, TENANT, True)
    assert (await ask(ledger, people.USERS, TENANT)).passkeys == {"u1": 1}
    await ask(ledger, people.USER_CHANGE, TENANT, "u1", no_second_factor=True)
    factors = await ask(ledger, people.FACTORS, TENANT, "u1")
    assert (factors.passkeys, factors.recovery_left, factors.mfa_required) == ((), 0, True)
    assert (await ledger.user("ann")).totp_secret == b""


async def test_a_session_is_found_with_its_owner_and_ends_once(ledger):
    await ask(ledger, people.SESSION_OPEN, session(), 10, audit=record("open"))
    found = await ask(ledger, people.SESSION_FIND, "s1")
    assert found.session == session()
    assert found.user.name == "ann"
    assert (await ask(ledger, people.SESSION_TOUCH, "s1", TENANT, 5_000, "::1", "pwd otp mfa", 4_000)).done
    touched = (await ask(ledger, people.SESSION_FIND, "s1")).session
    assert (touched.seen_ms, touched.amr, touched.auth_ms) == (5_000, "pwd otp mfa", 4_000)
    assert (await ask(ledger, people.SESSIONS_END, TENANT, "u1", 6_000, "signed out", id="s1")).ids == ("s1",)
    assert (await ask(ledger, people.SESSIONS_END, TENANT, "u1", 6_000, "signed out", id="s1")).ids == ()
    assert not (await ask(ledger, people.SESSION_TOUCH, "s1", TENANT, 7_000, "::1")).done
    assert (await ask(ledger, people.SESSIONS, TENANT)).sessions == ()


async def test_all_sessions_but_one_end_and_nobody_elses(ledger):
    await ledger.add_user(User("u2", TENANT, "bob", "viewer", "$argon2id$", False, 1))
    for name in ("s1", "s2", "s3"):
        await ask(ledger, people.SESSION_OPEN, session(name), 10)
    await ask(ledger, people.SESSION_OPEN, session("bobs", user_id="u2"), 10)
    ended = await ask(ledger, people.SESSIONS_END, TENANT, "u1", 9, "password changed", except_id="s2")
    assert sorted(ended.ids) == ["s1", "s3"]
    assert {s.id for s in (await ask(ledger, people.SESSIONS, TENANT)).sessions} == {"s2", "bobs"}


async def test_the_oldest_session_makes_room_for_one_too_many(ledger):
    for number in range(3):
        assert (await ask(ledger, people.SESSION_OPEN, session(f"s{number}", 1_000 + number), 3)).ids == ()
    assert (await ask(ledger, people.SESSION_OPEN, session("s3", 1_003), 3)).ids == ("s0",)


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(ledger):
    await ask(ledger, people.SESSION_OPEN, session(refresh=b"r1"), 10)
    assert (await rotate(ledger, b"r1", b"r2")).result is Rotation.ROTATED
    assert (await rotate(ledger, b"guess", b"r9")).result is Rotation.REFUSED
    assert (await rotate(ledger, b"r2", b"r3")).result is Rotation.ROTATED
    assert (await rotate(ledger, b"r1", b"r9")).result is Rotation.REUSED
    assert (await rotate(ledger, b"r3", b"r4")).result is Rotation.REFUSED
    found = (await ask(ledger, people.SESSION_FIND, "s1")).session
    assert (found.ended_ms, found.ended_because) == (2_000, "a refresh token was used twice")


async def test_of_ten_who_refresh_at_once_one_gets_the_next_token_and_the_family_is_over(ledger):
    await ask(ledger, people.SESSION_OPEN, session(refresh=b"r1"), 10)
    answers = await asyncio.gather(*(rotate(ledger, b"r1", b"n%d" % number) for number in range(10)))
    results = [answer.result for answer in answers]
    assert results.count(Rotation.ROTATED) == 1
    assert results.count(Rotation.REUSED) == 9


@pytest.mark.parametrize(
    ("now_ms", "change"),
    [(1_000 + DAY_MS + 1, {}), (2_000, {"disabled": True})],
)
async def test_an_idle_session_or_a_disabled_persons_is_not_renewed(ledger, now_ms, change):
    await ask(ledger, people.SESSION_OPEN, session(refresh=b"r1"), 10)
    await ask(ledger, people.USER_CHANGE, TENANT, "u1", **change)
    assert (await rotate(ledger, b"r1", b"r2", now_ms)).result is Rotation.REFUSED


async def test_no_session_lives_longer_than_its_absolute_life(ledger):
    await ask(ledger, people.SESSION_OPEN, session(refresh=b"r0"), 10)
    for day in range(1, 31):
        answer = await rotate(ledger, b"r%d" % (day - 1), b"r%d" % day, 1_000 + day * DAY_MS)
        assert answer.result is Rotation.ROTATED
    assert (await rotate(ledger, b"r30", b"r31", 1_001 + 30 * DAY_MS)).result is Rotation.REFUSED


async def test_an_api_key_is_found_by_its_hash_until_it_is_revoked(ledger):
    key = people.ApiKey("k1", TENANT, "u1", "robot", b"hash", "read", "10.0.0.0/8", 1, 10**13)
    await ask(ledger, people.API_KEY_ADD, key, audit=record("made"))
    found = await ask(ledger, people.API_KEY_FIND, b"hash", 100_000)
    assert (found.key.used_ms, found.user.name) == (100_000, "ann")
    assert (await ask(ledger, people.API_KEY_FIND, b"hash", 100_001)).key.used_ms == 100_000
    assert (await ask(ledger, people.API_KEY_FIND, b"other", 1)).key is None
    assert not (await ask(ledger, people.API_KEY_REVOKE, TENANT, "u2", "k1", 9)).done
    assert (await ask(ledger, people.API_KEY_REVOKE, TENANT, "u1", "k1", 9, audit=record("gone"))).done
    assert not (await ask(ledger, people.API_KEY_REVOKE, TENANT, "u1", "k1", 9, audit=record("again"))).done
    assert (await ask(ledger, people.API_KEYS, TENANT)).keys == ()
    assert (await ask(ledger, people.API_KEY_FIND, b"hash", 1)).key.revoked_ms == 9
    assert await chain(ledger) == ["made", "gone"]
