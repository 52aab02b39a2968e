"""Programs: refresh tokens that are good once, tokens bound to a certificate, API keys; and the end of each."""

from pathlib import Path
from typing import Any

import pytest
from gateway_world import PASSWORD, Platform, World, running, state, user
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from people_client import Browser
from people_world import MemoryPeople

from api_gateway.adapters.token_office import TokenOffice
from api_gateway.routes.door import Door
from contracts import people
from contracts.people import Rotation, SessionKind, SessionRow
from kit.keys import make_private_key
from kit.revocations import RevocationBook
from kit.testing import FakeClock
from kit.tls import thumbprint
from kit.token_keys import rotate

BODY = {"name": "ann", "password": PASSWORD}


async def tokens_of(world: World) -> dict[str, Any]:
    answer = await world.http.post("/api/v1/session/token", json=BODY)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refresh(world: World, token: str) -> Any:
    return await world.http.post("/api/v1/session/refresh", json={"refresh_token": token})


async def allowed(world: World, access: str) -> bool:
    answer = await world.http.get("/api/v1/session", headers={"authorization": f"Bearer {access}"})
    return answer.status_code == 200


async def test_a_program_goes_on_with_a_new_token_each_time(world: World) -> None:
    first = await tokens_of(world)
    second = (await refresh(world, first["refresh_token"])).json()
    assert first["session"] == second["session"]
    assert first["refresh_token"] != second["refresh_token"]
    assert await allowed(world, second["access_token"])
    assert first["refresh_token"] not in str(world.platform.people.sessions)


async def test_T13_a_spent_refresh_token_ends_the_whole_family_and_is_told(world: World) -> None:
    first = await tokens_of(world)
    second = (await refresh(world, first["refresh_token"])).json()
    assert (await refresh(world, first["refresh_token"])).status_code == 401
    assert (await refresh(world, second["refresh_token"])).status_code == 401
    for tokens in (first, second):
        assert not await allowed(world, tokens["access_token"])
    assert world.counters["refresh_tokens_reused"] == 1
    assert world.bus.on("revocations.default")
    assert any(b"authn_token_reuse" in data for data in world.bus.on("audit.>"))


@pytest.mark.parametrize("token", ["", "x", "rt_", "rt_.", "rt_a.b", "rt_" + "x" * 300])
async def test_a_guessed_refresh_token_ends_nobodys_session(world: World, token: str) -> None:
    first = await tokens_of(world)
    guess = token.replace("a", first["session"])
    assert (await refresh(world, guess)).status_code == 401
    assert (await refresh(world, first["refresh_token"])).status_code == 200


class Families(RuleBasedStateMachine):
    """Whatever is presented in whatever order: one living token a family, and none after a token came twice."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryPeople({"ann": user()})
        self.now_ms = 1_000
        self.issued: list[bytes] = [b"t0"]
        self.spent: set[bytes] = set()
        self.over = False
        row = SessionRow("s", "default", "id-ann", SessionKind.PROGRAM, 1_000, 1_000, "", "", "pwd", 1_000, b"t0")
        self.store.sessions_open(people.SessionOpen(row, 20))

    @rule(which=st.integers(0, 30))
    def present(self, which: int) -> None:
        token = self.issued[which % len(self.issued)]
        fresh = b"t%d" % len(self.issued)
        wish = people.SessionRotate("s", token, fresh, self.now_ms, "", 1_000, 100_000)
        result = self.store.sessions_rotate(wish).result
        if token in self.spent:
            assert result is Rotation.REUSED
            self.over = True
        elif self.over:
            assert result is Rotation.REFUSED
        else:
            assert result is Rotation.ROTATED
            self.spent.add(token)
            self.issued.append(fresh)

    @rule()
    def end(self) -> None:
        self.store.sessions_end(people.SessionsEnd("default", "id-ann", self.now_ms, "test"))
        self.over = True

    @rule(guess=st.binary(min_size=3, max_size=8))
    def guess(self, guess: bytes) -> None:
        if guess not in self.issued:
            wish = people.SessionRotate("s", guess, b"x", self.now_ms, "", 1_000, 100_000)
            assert self.store.sessions_rotate(wish).result is Rotation.REFUSED

    @invariant()
    def one_token_is_good(self) -> None:
        living = self.store.sessions["s"]
        assert (living.ended_ms > 0) == self.over
        assert living.refresh_hash == self.issued[-1]


TestFamilies = Families.TestCase
TestFamilies.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def bound_office(folder: Path) -> tuple[TokenOffice, FakeClock]:
    make_private_key(folder / "token.key")
    clock = FakeClock()
    return TokenOffice(folder / "token.key", clock, RevocationBook()), clock


class Nobody:
    """No API keys."""

    async def caller(self, key: str, peer: str) -> None:
        return None


async def test_T14_a_token_made_for_one_certificate_is_refused_over_another_and_over_none(tmp_path: Path) -> None:
    office, clock = bound_office(tmp_path)
    own, other = b"certificate A", b"certificate B"
    row = SessionRow("s", "default", "id-ann", SessionKind.PROGRAM, clock.ms, clock.ms, "", "", "pwd", clock.ms)
    bound = people.SessionRow(
        **{name: getattr(row, name) for name in row.__struct_fields__} | {"thumbprint": thumbprint(own)}
    )
    token, _ = office.mint(bound, user(), "", clock.ms)
    door = Door(None, None, office, clock, None, None, frozenset(), False, Nobody())  # type: ignore[arg-type]
    headers = {b"authorization": f"Bearer {token}"}
    for certificate, expected in ((own, True), (other, False), (b"", False)):
        scope: Any = {"state": {"peer_certificate": certificate}, "client": ("127.0.0.1", 1)}
        assert (await door._caller(scope, headers) is not None) is expected
    free, _ = office.mint(row, user(), "", clock.ms)
    assert await door._caller({"state": {}, "client": None}, {b"authorization": f"Bearer {free}"})  # type: ignore[typeddict-item]


async def test_T15_the_key_changes_in_the_middle_of_a_session_and_nobody_notices(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    (world.data_dir / "secrets" / "token.pub").write_text("")
    old, new = rotate(world.data_dir / "secrets", world.clock.ms, 10**9)
    assert (await browser.ask("GET", "session")).status_code == 200
    tokens = world.gateway.people.tokens
    assert isinstance(tokens, TokenOffice)
    tokens.look_for_new_key()
    assert tokens.key_id == new != old
    world.clock.advance(1_000)
    assert (await browser.ask("GET", "session")).status_code == 200
    before = dict(browser.cookies)
    assert (await browser.ask("POST", "session/renew")).status_code == 200
    assert browser.cookies != before
    world.clock.advance(899_000)
    assert (await browser.ask("GET", "session")).status_code == 200
    browser.cookies = before
    assert (await browser.ask("GET", "session")).status_code == 401


async def api_key(browser: Browser, **changes: Any) -> Any:
    body = {"name": "robot", "scopes": ["read"], "days": 30} | changes
    return await browser.ask("POST", "api-keys", body)


async def ask_with(world: World, key: str, path: str, method: str = "GET", body: Any = None) -> int:
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "key-00000001"}
    return (await world.http.request(method, f"/api/v1/{path}", headers=headers, json=body)).status_code


async def test_an_api_key_is_shown_once_and_does_what_it_was_made_for_and_nothing_else(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    made = (await api_key(browser)).json()
    key = made["key"]
    assert key.startswith("ak_")
    assert key not in (await browser.ask("GET", "api-keys")).text
    assert key not in str(world.platform.people.keys)
    for path, status in (("symbols", 200), ("orders", 200), ("session", 403), ("api-keys", 403), ("users", 403)):
        assert await ask_with(world, key, path) == status, path
    for method, path, body in (
        ("POST", "commands", {"kind": "pause"}),
        ("POST", "api-keys", {"name": "x", "scopes": ["read"], "days": 1}),
        ("POST", "users", {"name": "x", "role": "admin", "password": "correct horse battery"}),
        ("POST", "me/totp", None),
        ("DELETE", "sessions", None),
        ("POST", "me/password", {"current": PASSWORD, "new": "another long password"}),
    ):
        assert await ask_with(world, key, path, method, body) == 403, path


async def test_an_admins_key_manages_neither_users_nor_keys(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform({"ann": user(role="admin")}, [state()])) as world:
        browser = Browser(world)
        await browser.sign_in()
        key = (await api_key(browser, scopes=["read", "trade"])).json()["key"]
        assert await ask_with(world, key, "commands", "POST", {"kind": "pause"}) == 202
        for path in ("users", "api-keys", "services", "people-rules", "sessions"):
            assert await ask_with(world, key, path) == 403, path


async def test_T12_a_revoked_or_expired_api_key_and_one_of_a_disabled_person_is_refused_at_once(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    keys = [(await api_key(browser)).json() for _ in range(3)]
    for made in keys:
        assert await ask_with(world, made["key"], "symbols") == 200
    assert (await browser.ask("DELETE", f"api-keys/{keys[0]['view']['id']}")).status_code == 204
    assert await ask_with(world, keys[0]["key"], "symbols") == 401
    assert await ask_with(world, keys[1]["key"], "symbols") == 200
    world.clock.advance(30 * 86_400_000)
    assert await ask_with(world, keys[1]["key"], "symbols") == 401


async def test_an_api_key_bound_to_a_network_is_refused_from_elsewhere(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    for cidrs, status in ((["127.0.0.0/8"], 200), (["10.0.0.0/8", "2001:db8::/32"], 401)):
        made = (await api_key(browser, cidrs=cidrs)).json()
        assert await ask_with(world, made["key"], "symbols") == status
    for wrong in (["x"], ["10.0.0.1/8"], ["10.0.0.0/8 ::/0"], ["10.0.0.0/8"] * 17):
        assert (await api_key(browser, cidrs=wrong)).status_code == 422
    for changes in ({"days": 0}, {"days": 366}, {"scopes": []}, {"scopes": ["admin"]}, {"scopes": ["read", "read"]}):
        assert (await api_key(browser, **changes)).status_code == 422


async def test_keys_that_nobody_has_are_not_looked_up_without_end(world: World) -> None:
    for number in range(60):
        assert await ask_with(world, f"ak_{number}", "symbols") == 401
    assert await ask_with(world, "ak_" + "x" * 500, "symbols") == 401
