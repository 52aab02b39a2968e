"""Ways around: each of these once let somebody in, or kept somebody in, whom the rules keep out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gateway_world import ACCOUNT, PASSWORD, Platform, World, running, state, talk, trail, user
from msgspec.structs import replace
from people_client import Browser, code_of, listening, passkey_of
from websockets.asyncio.client import connect

from contracts import people
from contracts.revocations import Revocation, RevocationKind
from kit.errors import AnswerFault

OTHER = "another long enough password"


async def key_of(browser: Browser, **fields: Any) -> dict[str, str]:
    """Headers of a program with a new API key of the browser's owner."""
    made = await browser.ask("POST", "api-keys", {"name": "bot", "scopes": ["read"], "days": 30, "cidrs": [], **fields})
    assert made.status_code == 201, made.text
    return {"authorization": f"Bearer {made.json()['key']}"}


async def test_where_no_second_factor_can_be_given_the_password_does_not_stand_in_for_it(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    await passkey_of(browser)
    world.platform.people.recovery.clear()
    thief = Browser(world, origin=world.origin)  # at an IP address browsers keep no passkeys
    asked = await thief.sign_in()
    assert (asked.status_code, asked.json()["code"]) == (409, "no_passkeys_here")
    assert thief.cookies == {}
    stepping = Browser(world, origin=world.origin, cookies=dict(browser.cookies), csrf=browser.csrf)
    assert (await stepping.ask("POST", "session/challenge")).status_code == 409


async def test_a_session_from_before_the_second_factor_is_not_renewed_into_one_with_it(tmp_path: Path) -> None:
    people_ = {"ann": user()}
    async with running(tmp_path, platform=Platform(people_, [state()])) as world:
        world.platform.people.mfa_required.add("default")
        owner, thief = Browser(world), Browser(world)
        await owner.sign_in()
        await thief.sign_in()
        assert (await owner.ask("GET", "symbols")).status_code == 403
        await owner.add_totp()
        for browser, allowed in ((owner, 200), (thief, 403)):
            assert (await browser.ask("POST", "session/renew")).status_code == 200
            assert (await browser.ask("GET", "symbols")).status_code == allowed


async def test_a_fresh_session_without_the_second_factor_does_not_replace_it(world: World) -> None:
    owner, thief = Browser(world), Browser(world)
    await owner.sign_in()
    await thief.sign_in()
    offer = (await thief.ask("POST", "me/totp")).json()
    await owner.add_totp()
    assert (await owner.ask("POST", "me/passkeys/challenge")).status_code == 200
    denied = await thief.ask("PUT", "me/totp", {"challenge": offer["challenge"], "totp": "000000"})
    assert (denied.status_code, denied.json()["code"]) == (403, "step_up_needed")
    for method, path in (("POST", "me/totp"), ("POST", "me/passkeys/challenge"), ("DELETE", "me/totp")):
        assert (await thief.ask(method, path)).json()["code"] == "step_up_needed"


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, {"password_hash": "changed"}])
async def test_what_changes_while_somebody_signs_in_holds_for_the_new_session(
    world: World, change: dict[str, Any]
) -> None:
    store = world.platform.people
    opened = store.sessions_open

    def meanwhile(question: people.SessionOpen) -> people.Ended:
        world.clock.advance(1)
        store.users["ann"] = replace(store.users["ann"], **change, not_before_ms=world.clock.ms)
        return opened(question)

    store.sessions_open = meanwhile  # type: ignore[method-assign]
    browser = Browser(world)
    assert (await browser.sign_in()).status_code == 401
    program = await world.http.post("/api/v1/session/token", json={"name": "ann", "password": PASSWORD})
    assert program.status_code == 401
    assert all(session.ended_ms for session in store.sessions.values())


async def test_a_token_made_while_its_person_was_revoked_is_refused(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    store, world.clock.ms = world.platform.people, world.clock.ms + 1_000
    touched = store.sessions_touch

    def meanwhile(question: people.SessionTouch) -> people.Done:
        done = touched(question)
        world.clock.advance(5)
        world.gateway.revocations.hear(
            Revocation("default", RevocationKind.USER, "id-ann", world.clock.ms, "disabled", "operator", "ann")
        )
        world.clock.advance(5)
        return done

    store.sessions_touch = meanwhile  # type: ignore[method-assign]
    await browser.ask("POST", "session/renew")
    assert (await browser.ask("GET", "symbols")).status_code == 401


async def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_believed_afterwards(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    key = await key_of(browser)
    (row,) = world.platform.people.keys.values()
    store, looked, go_on = world.platform.people, asyncio.Event(), asyncio.Event()
    found = store.api_keys_find

    async def slow(question: Any) -> people.ApiKeyFound:
        answer = found(question)
        looked.set()
        await go_on.wait()
        return answer

    await world.bus.answer(people.API_KEY_FIND, slow)
    first = asyncio.create_task(world.http.get("/api/v1/symbols", headers=key))
    await looked.wait()
    world.clock.advance(1)
    assert (await browser.ask("DELETE", f"api-keys/{row.id}")).status_code == 204
    go_on.set()
    assert (await first).status_code == 401
    assert (await world.http.get("/api/v1/symbols", headers=key)).status_code == 401


async def test_T12_the_stream_of_an_api_key_ends_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    people_ = {"root": user("root", "admin"), "ann": user()}
    async with running(tmp_path, platform=Platform(people_, [state()])) as world:
        ann, root = Browser(world), Browser(world)
        await ann.sign_in()
        await root.sign_in("root")
        key = await key_of(ann)
        address = world.origin.replace("http", "ws", 1) + "/api/v1/stream"
        world.clock.advance(1_000)
        async with connect(address, additional_headers=key) as socket:
            assert ACCOUNT in str(await socket.recv())
            world.clock.advance(1_000)
            assert (await root.ask("PATCH", "users/id-ann", {"disabled": True})).status_code == 200
            assert await code_of(socket) == 4401
        assert (await world.http.get("/api/v1/symbols", headers=key)).status_code == 401


async def test_what_was_taken_is_refused_although_the_store_fails_in_the_middle(tmp_path: Path) -> None:
    people_ = {"root": user("root", "admin"), "ann": user()}
    async with running(tmp_path, platform=Platform(people_, [state()])) as world:
        ann, root = Browser(world), Browser(world)
        await ann.sign_in()
        await root.sign_in("root")
        stream = await listening(ann)
        world.clock.advance(1_000)

        async def broken(_question: Any) -> people.Ended:
            raise AnswerFault("unavailable", "the store does not answer just now; ask again in a moment")

        await world.bus.answer(people.SESSIONS_END, broken)
        assert (await root.ask("PATCH", "users/id-ann", {"disabled": True})).status_code == 503
        assert await code_of(stream) == 4401
        assert (await ann.ask("GET", "symbols")).status_code == 401


async def test_a_challenge_from_before_a_new_password_is_worth_nothing(world: World) -> None:
    owner = Browser(world)
    await owner.sign_in()
    await owner.add_totp()
    world.clock.advance(30_000)
    thief = Browser(world, secret=owner.secret)
    challenge = (await thief.sign_in()).json()["challenge"]
    changed = await owner.ask("POST", "me/password", {"current": PASSWORD, "new": OTHER})
    assert changed.status_code == 200, changed.text
    late = await thief.ask("POST", "session/second-factor", {"challenge": challenge, "totp": thief.code()})
    assert (late.status_code, late.json()["code"]) == (401, "challenge_over")


@pytest.mark.parametrize("header", [b"Host: [\r\n", b"Host: 127.0.0.1\r\nOrigin: http://[\r\n"])
async def test_addresses_that_nobody_can_read_are_refused_and_are_no_error_of_ours(world: World, header: bytes) -> None:
    body = b'{"name":"ann","password":"x"}'
    head = b"POST /api/v1/session HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    answer = await talk(world, head + header + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.split(b" ", 2)[1] in (b"400", b"401", b"403")
    assert not world.bus.on("errors.>")


async def test_a_key_for_an_ipv6_network_works_from_there_and_from_nowhere_else(tmp_path: Path) -> None:
    async with running(tmp_path, trusted_proxies=("127.0.0.1",)) as world:
        browser = Browser(world)
        await browser.sign_in()
        key = await key_of(browser, cidrs=["2001:db8:1:2::7/128"])
        for address, status in (("2001:db8:1:2::7", 200), ("2001:db8:1:2::8", 401), ("192.0.2.1", 401)):
            answer = await world.http.get("/api/v1/symbols", headers=key | {"x-forwarded-for": address})
            assert answer.status_code == status, address


async def test_strangers_who_ask_for_passkey_challenges_push_out_nobodys_second_step(world: World) -> None:
    owner = Browser(world)
    await owner.sign_in()
    await owner.add_totp()
    world.clock.advance(30_000)
    challenge = (await owner.sign_in()).json()["challenge"]
    stranger = (await Browser(world).ask("POST", "session/passkey")).json()["challenge"]
    desk = world.gateway.people
    assert (stranger in desk.challenges.open, challenge in desk.challenges.open) == (False, True)
    answer = await owner.ask("POST", "session/second-factor", {"challenge": challenge, "totp": owner.code()})
    assert answer.status_code == 200


async def test_guessed_keys_do_not_shut_out_a_good_one_that_comes_from_the_same_address(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    key = await key_of(browser)
    assert (await world.http.get("/api/v1/symbols", headers=key)).status_code == 200
    world.clock.advance(31_000)
    for n in range(31):
        await world.http.get("/api/v1/symbols", headers={"authorization": f"Bearer ak_guess{n}"})
    assert (await world.http.get("/api/v1/symbols", headers=key)).status_code == 200


async def test_T13_a_spent_token_that_comes_for_ever_is_written_down_once(world: World) -> None:
    body = {"name": "ann", "password": PASSWORD}
    first = (await world.http.post("/api/v1/session/token", json=body)).json()["refresh_token"]
    for _ in range(5):
        await world.http.post("/api/v1/session/refresh", json={"refresh_token": first})
    assert len(trail(world, "authn_token_reuse")) == 1
    assert world.counters["refresh_tokens_reused"] == 4
