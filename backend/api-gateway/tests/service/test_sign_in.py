"""Setup, sign-in, renewal, sign-out, and what protects them."""

import asyncio
import os
from pathlib import Path

from gateway_world import CHEAP, CODE, PASSWORD, Platform, World, running, state, user

from api_gateway.adapters.argon2_hasher import MAX_WAITING, Argon2Hasher
from api_gateway.adapters.token_office import TokenOffice
from api_gateway.domain.refusals import RefusedError
from contracts import rpc
from contracts.audit import AuditRecord
from contracts.codec import decode
from contracts.people import SessionKind, SessionRow
from kit.errors import BusUnavailable
from kit.keys import make_private_key
from kit.revocations import RevocationBook
from kit.testing import FakeBus, FakeClock

FIRST = {"code": CODE, "name": "root", "password": "a long enough password"}


def audited(world: World) -> list[AuditRecord]:
    """On the bus first, then what went into the store with a change."""
    return [*(decode(data, AuditRecord) for data in world.bus.on("audit.>")), *world.platform.people.audit]


async def test_the_first_user_is_made_once_with_the_code_and_is_signed_in(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()])) as world:
        assert (await world.http.get("/api/v1/setup")).json() == {"needed": True}
        wrong = await world.http.post("/api/v1/setup", json=FIRST | {"code": "guess"})
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_code")
        short = await world.http.post("/api/v1/setup", json=FIRST | {"password": "short"})
        assert (short.status_code, short.json()["reason"]) == (422, "The password needs at least 12 characters.")
        made = await world.http.post("/api/v1/setup", json=FIRST)
        assert made.status_code == 201
        assert (made.json()["role"], made.json()["tenant"]) == ("admin", "default")
        assert not (tmp_path / "secrets" / "setup.code").exists()
        assert (await world.http.get("/api/v1/setup")).json() == {"needed": False}
        assert (await world.http.post("/api/v1/setup", json=FIRST)).status_code == 409
        world.http.cookies.clear()
        again = await world.http.post("/api/v1/session", json={"name": "root", "password": FIRST["password"]})
        assert again.status_code == 200
        assert [r.kind for r in audited(world)] == ["user_created", *["authn_login_success", "session_created"] * 2]
        assert world.platform.users["root"].password_hash.startswith("$argon2id$")


async def test_a_setup_link_is_good_for_a_day(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()])) as world:
        made_s = world.clock.now_ms() / 1_000
        os.utime(tmp_path / "secrets" / "setup.code", (made_s, made_s))
        world.clock.advance(24 * 3_600_000 + 1)
        late = await world.http.post("/api/v1/setup", json=FIRST)
        assert (late.status_code, late.json()["code"]) == (403, "wrong_code")
        world.clock.advance(-2)
        assert (await world.http.post("/api/v1/setup", json=FIRST)).status_code == 201


async def test_two_first_users_at_once_are_one(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()])) as world:
        asked = (world.http.post("/api/v1/setup", json=FIRST | {"name": name}) for name in ("one", "two"))
        assert sorted(a.status_code for a in await asyncio.gather(*asked)) == [201, 409]
        assert len(world.platform.users) == 1


class Uncounted(Platform):
    """A store that a second gateway fills between our count and our user."""

    async def count(self, question: rpc.Nothing) -> rpc.UserCount:
        return rpc.UserCount(0)


async def test_a_first_user_that_another_gateway_made_meanwhile_is_a_conflict(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Uncounted({"root": user("root")}, [state()])) as world:
        answer = await world.http.post("/api/v1/setup", json=FIRST)
        assert (answer.status_code, answer.json()["code"]) == (409, "users_exist")
        assert (tmp_path / "secrets" / "setup.code").exists()


class WithoutAudit(FakeBus):
    """A bus whose audit stream does not answer."""

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        if subject.startswith("audit."):
            raise BusUnavailable("no acknowledgement")
        await super().store(subject, data, message_id)


async def test_a_first_user_is_signed_in_even_when_that_cannot_be_written_down(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()]), bus=WithoutAudit()) as world:
        assert (await world.http.post("/api/v1/setup", json=FIRST)).status_code == 201
        headers = world.bearer("trader") | {"idempotency-key": "key-00000001"}
        refused = await world.http.post("/api/v1/commands", json={"kind": "pause"}, headers=headers)
        assert refused.status_code == 503
        assert world.bus.on("commands.>") == []


async def test_without_the_code_file_nobody_becomes_the_first_user(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()])) as world:
        (tmp_path / "secrets" / "setup.code").unlink()
        for code in ("", CODE):
            assert (await world.http.post("/api/v1/setup", json=FIRST | {"code": code})).status_code == 403


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    answer = await world.http.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
    cookie = answer.headers.get_list("set-cookie")[0]
    for part in ("aitrading=", "HttpOnly", "SameSite=strict", "Path=/", "Max-Age=900"):
        assert part in cookie
    assert "Secure" not in cookie
    assert answer.json()["expires_ms"] == world.clock.now_ms() + 900_000
    who = await world.http.get("/api/v1/session")
    assert who.json() == answer.json()


async def test_behind_https_the_cookie_is_secure_and_the_public_origin_is_ours(tmp_path: Path) -> None:
    async with running(tmp_path, public_url="https://trade.example/") as world:
        answer = await world.http.post(
            "/api/v1/session",
            json={"name": "ann", "password": PASSWORD},
            headers={"origin": "https://trade.example"},
        )
        assert answer.status_code == 200
        assert "Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" in answer.headers


async def test_wrong_password_unknown_name_and_disabled_user_look_the_same(tmp_path: Path) -> None:
    people = {"ann": user(), "off": user("off", disabled=True)}
    async with running(tmp_path, platform=Platform(people, [state()])) as world:
        bodies = set()
        for name, password in (("ann", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD), ("ann", "x" * 5000)):
            answer = await world.http.post("/api/v1/session", json={"name": name, "password": password})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            bodies.add(answer.content)
        assert len(bodies) == 1
        await world.gateway.guard.write_failures(all_of_them=True)
        failed = {(r.subject, r.detail["count"]) for r in audited(world) if r.kind == "authn_login_fail"}
        assert failed == {("ann", "1"), ("off", "1"), ("unknown", "2")}


class CountingHasher(Argon2Hasher):
    """Remembers against what it compared."""

    compared: list[bool]

    def _verify(self, hashed: str, password: str) -> bool:
        self.compared.append(hashed.startswith("$argon2id$"))
        return super()._verify(hashed, password)


async def test_an_unknown_name_costs_the_same_hash_as_a_known_one() -> None:
    hasher = CountingHasher(CHEAP)
    hasher.compared = []
    assert not await hasher.fits("x", None)
    assert not await hasher.fits("x", CHEAP.hash("y"))
    assert not await hasher.fits("x", "damaged")
    assert await hasher.fits("y", CHEAP.hash("y"))
    assert hasher.compared == [True, True, False, True]


async def test_a_crowd_of_sign_ins_is_told_to_come_back_instead_of_filling_the_memory() -> None:
    hasher = Argon2Hasher(CHEAP)
    results = await asyncio.gather(*(hasher.fits("x", None) for _ in range(MAX_WAITING + 10)), return_exceptions=True)
    refused = [r for r in results if isinstance(r, RefusedError)]
    assert len(refused) == 8  # two work, 32 wait
    assert refused[0].refusal.status == 503
    assert not await hasher.fits("x", None)


async def test_the_sixth_try_in_a_row_is_told_to_wait_and_that_is_written_down(world: World) -> None:
    body = {"name": "ann", "password": "wrong"}
    for _ in range(5):
        assert (await world.http.post("/api/v1/session", json=body)).status_code == 401
    refused = await world.http.post("/api/v1/session", json=body | {"password": PASSWORD})
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "too_many", "5")
    assert [r.kind for r in audited(world)] == ["authn_login_fail_max"]
    world.clock.advance(5_000)
    assert (await world.http.post("/api/v1/session", json=body | {"password": PASSWORD})).status_code == 200


async def test_changes_by_cookie_need_the_csrf_token_and_our_origin(world: World) -> None:
    path = "/api/v1/session/renew"
    for headers, status, code in (
        (world.cookie(csrf=False), 403, "csrf_refused"),
        (world.cookie() | {"x-csrf-token": "csrf-of-bob"}, 403, "csrf_refused"),
        (world.cookie() | {"origin": "https://evil.example"}, 403, "origin_refused"),
        (world.cookie() | {"origin": "null"}, 403, "origin_refused"),
    ):
        answer = await world.http.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await world.http.post(path, headers=world.cookie())).status_code == 200


async def test_a_token_first_seen_as_bearer_still_needs_csrf_as_cookie(world: World) -> None:
    token = world.token("trader")
    renew = "/api/v1/session/renew"
    by_header = {"authorization": f"Bearer {token}"}
    assert (await world.http.post(renew, headers=by_header)).status_code == 200
    world.http.cookies.clear()
    by_cookie = {"cookie": f"aitrading={token}", "origin": world.origin}
    assert (await world.http.post(renew, headers=by_cookie)).status_code == 403


async def test_a_renewed_session_has_the_role_of_now_and_a_disabled_user_gets_none(world: World) -> None:
    answer = await world.http.post("/api/v1/session/renew", headers=world.cookie("viewer"))
    assert answer.json()["role"] == "trader"  # as the store has it
    assert answer.json()["csrf"] != "csrf-of-ann"
    world.http.cookies.clear()
    world.platform.users["ann"] = user(disabled=True)
    headers = world.cookie("viewer")
    assert (await world.http.post("/api/v1/session/renew", headers=headers)).status_code == 401
    assert (await world.http.get("/api/v1/session", headers=headers)).status_code == 401


async def test_signing_out_clears_the_cookie_and_ends_copies_of_the_token(world: World) -> None:
    headers = world.cookie()
    answer = await world.http.delete("/api/v1/session", headers=headers)
    assert answer.status_code == 204
    assert 'aitrading=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await world.http.get("/api/v1/session", headers=headers)).status_code == 401
    copy = {"authorization": "Bearer " + headers["cookie"].partition("=")[2]}
    assert (await world.http.get("/api/v1/session", headers=copy)).status_code == 401
    assert [r.kind for r in audited(world)] == ["authn_token_revoked"]


async def test_an_expired_token_is_refused_although_it_was_verified_before(world: World) -> None:
    headers = world.bearer()
    assert (await world.http.get("/api/v1/session", headers=headers)).status_code == 200
    world.clock.advance(900_000)
    assert (await world.http.get("/api/v1/session", headers=headers)).status_code == 401


async def test_when_the_audit_trail_is_away_nobody_signs_in_and_everybody_may_sign_out(world: World) -> None:
    failures = world.gateway.guard.failures
    await world.http.post("/api/v1/session", json={"name": "ann", "password": "wrong"})
    world.bus.down = True
    await world.gateway.guard.write_failures(all_of_them=True)
    assert [f.count for f in failures.open.values()] == [1]
    signed_in = await world.http.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
    assert signed_in.status_code == 503
    assert (await world.http.delete("/api/v1/session", headers=world.cookie())).status_code == 204


def test_a_token_of_another_key_is_nobody(tmp_path: Path) -> None:
    clock = FakeClock(1_000_000)
    for name in ("ours", "theirs"):
        make_private_key(tmp_path / name / "token.key")
    office, stranger = (TokenOffice(tmp_path / n / "token.key", clock, RevocationBook()) for n in ("ours", "theirs"))
    row = SessionRow("s", "default", "u", SessionKind.BROWSER, 1_000_000, 1_000_000, "", "", "pwd", 1_000_000)
    token, session = stranger.mint(row, user(), "", 1_000_000)
    assert stranger.caller(token, True, 1_000_000)
    assert office.caller(token, True, 1_000_000) is None
    assert office.caller("x" * 5_000, True, 0) is None
    assert session.expires_ms == 1_900_000
