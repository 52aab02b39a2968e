"""Second factors over HTTP: apps, passkeys, recovery codes, step-up, and what attackers try with them."""

import pytest
from gateway_world import PASSWORD, World
from people_client import Browser, passkey_of
from soft_authenticator import SoftPasskey

from contracts import people


async def signed_in_with_app(world: World) -> tuple[Browser, tuple[str, ...]]:
    browser = Browser(world)
    assert (await browser.sign_in()).status_code == 200
    codes = await browser.add_totp()
    world.clock.advance(30_000)
    return browser, codes


async def needed(browser: Browser) -> str:
    """The challenge of a sign-in whose password was right."""
    answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_needed")
    return str(answer.json()["challenge"])


async def second(browser: Browser, challenge: str, **proof: str) -> int:
    return (await browser.ask("POST", "session/second-factor", {"challenge": challenge, **proof})).status_code


async def test_an_app_is_asked_for_from_the_moment_its_first_code_was_shown(world: World) -> None:
    browser, codes = await signed_in_with_app(world)
    assert len(set(codes)) == 10
    assert world.platform.users["ann"].totp_secret not in (b"", browser.secret)
    other = Browser(world, secret=browser.secret)
    challenge = await needed(other)
    assert other.cookies == {}
    assert (await other.ask("GET", "session")).status_code == 401
    assert await second(other, challenge, totp=other.code()) == 200
    assert (await other.ask("GET", "session")).json()["amr"] == ["pwd", "otp", "mfa"]
    assert await second(other, challenge, totp=other.code(1)) == 401


async def test_T19_a_code_is_good_once_and_the_next_window_is_refused(world: World) -> None:
    browser, _ = await signed_in_with_app(world)
    assert await second(browser, await needed(browser), totp=browser.code()) == 200
    challenge = await needed(browser)
    assert await second(browser, challenge, totp=browser.code()) == 401
    assert await second(browser, challenge, totp=browser.code(-1)) == 401
    assert await second(browser, challenge, totp=browser.code(1)) == 401
    world.clock.advance(30_000)
    assert await second(browser, challenge, totp=browser.code()) == 200


async def test_T19_guessing_codes_locks_codes_with_back_off_and_leaves_the_owners_other_factor(world: World) -> None:
    browser, codes = await signed_in_with_app(world)
    thief = Browser(world, secret=browser.secret)
    tried = answered = 0
    for _ in range(60):
        challenge = await thief.sign_in()
        if challenge.status_code != 401:
            break
        for guess in range(4):
            wrong = f"{(int(thief.code()) + 1 + guess) % 1_000_000:06d}"
            tried += 1
            answered += await second(thief, challenge.json()["challenge"], totp=wrong) == 401
    assert answered == 5
    assert tried > 30
    kinds = [r.kind for r in world.platform.people.audit]
    assert "authn_login_success" in kinds
    locked = await needed(browser)
    assert await second(browser, locked, totp=browser.code()) == 429
    assert await second(browser, locked, recovery=codes[0]) == 200
    for wait_s in (30, 60, 120):
        world.clock.advance(wait_s * 1_000)
        challenge = await needed(browser)
        assert await second(browser, challenge, totp=browser.code(5)) == 401
        assert await second(browser, challenge, totp=browser.code()) == 429


async def test_T19_a_stranger_who_guesses_passwords_does_not_keep_the_owners_known_browser_out(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    stranger = Browser(world)
    answers = [(await stranger.sign_in(password="wrong")).status_code for _ in range(30)]
    assert answers.count(401) == 5
    assert (await stranger.sign_in()).status_code == 429
    assert (await browser.sign_in()).status_code == 200
    forged = Browser(world, cookies={"aitrading-device": "x." + browser.cookies["aitrading-device"].partition(".")[2]})
    assert (await forged.sign_in()).status_code == 429


async def test_a_recovery_code_is_good_once_however_it_is_typed(world: World) -> None:
    browser, codes = await signed_in_with_app(world)
    assert await second(browser, await needed(browser), recovery=codes[0].lower().replace("-", " ")) == 200
    assert await second(browser, await needed(browser), recovery=codes[0]) == 401
    assert (await browser.ask("GET", "me")).json()["recovery_left"] == 9
    fresh = (await browser.ask("POST", "me/recovery-codes")).json()["recovery_codes"]
    assert await second(browser, await needed(browser), recovery=codes[1]) == 401
    assert await second(browser, await needed(browser), recovery=fresh[1]) == 200


async def test_a_passkey_signs_in_without_a_password_and_is_two_factors(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    passkey = await passkey_of(browser)
    other = Browser(world)
    offer = (await other.ask("POST", "session/passkey")).json()
    assert await second(other, offer["challenge"], passkey=passkey.get(offer["options"])) == 200
    assert (await other.ask("GET", "session")).json()["amr"] == ["hwk", "mfa"]
    (shown,) = (await other.ask("GET", "me")).json()["passkeys"]
    assert shown["used_ms"] == world.clock.ms


async def test_T20_a_passkey_signed_for_another_page_or_another_domain_is_refused(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    passkey = await passkey_of(browser)
    good = passkey.origin
    for origin, domain in (
        ("https://evil.example", "localhost"),
        (good, "evil.example"),
        ("http://localhost:1", "localhost"),
    ):
        passkey.origin, passkey.rp_id = origin, domain
        offer = (await browser.ask("POST", "session/passkey")).json()
        assert await second(browser, offer["challenge"], passkey=passkey.get(offer["options"])) == 401


async def test_T20_a_challenge_is_signed_once_and_only_the_one_that_was_given(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    passkey = await passkey_of(browser)
    offer = (await browser.ask("POST", "session/passkey")).json()
    answer = passkey.get(offer["options"])
    assert await second(browser, offer["challenge"], passkey=answer) == 200
    assert await second(browser, offer["challenge"], passkey=answer) == 401
    another = (await browser.ask("POST", "session/passkey")).json()
    assert await second(browser, another["challenge"], passkey=answer) == 401
    late = (await browser.ask("POST", "session/passkey")).json()
    world.clock.advance(300_000)
    assert await second(browser, late["challenge"], passkey=passkey.get(late["options"])) == 401


async def test_T20_a_copy_whose_counter_does_not_rise_is_refused(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    passkey = await passkey_of(browser)
    copy = SoftPasskey(passkey.origin, counter=0, identity=passkey.identity, key=passkey.key)
    for which, expected in ((passkey, 200), (copy, 401), (copy, 401), (passkey, 200)):
        offer = (await browser.ask("POST", "session/passkey")).json()
        assert await second(browser, offer["challenge"], passkey=which.get(offer["options"])) == expected


async def test_T20_without_a_finger_or_pin_a_passkey_neither_signs_in_nor_is_registered(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    passkey = await passkey_of(browser)
    passkey.verified = False
    offer = (await browser.ask("POST", "session/passkey")).json()
    assert await second(browser, offer["challenge"], passkey=passkey.get(offer["options"])) == 401
    unverified = SoftPasskey(browser.origin, verified=False)
    offer = (await browser.ask("POST", "me/passkeys/challenge")).json()
    body = {"challenge": offer["challenge"], "credential": unverified.create(offer["options"]), "name": "x"}
    assert (await browser.ask("POST", "me/passkeys", body)).status_code == 401


async def test_T20_somebody_elses_passkey_and_nonsense_are_refused(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    await passkey_of(browser)
    offer = (await browser.ask("POST", "session/passkey")).json()
    stranger = SoftPasskey(browser.origin)
    assert await second(browser, offer["challenge"], passkey=stranger.get(offer["options"])) == 401
    for nonsense in ("{}", "x", "[]", '{"id":1}', '{"id":"a","rawId":"a","type":"public-key","response":{}}'):
        offer = (await browser.ask("POST", "session/passkey")).json()
        assert await second(browser, offer["challenge"], passkey=nonsense) == 401


async def test_at_an_ip_address_passkeys_are_refused_with_the_way_out(world: World) -> None:
    browser = Browser(world, origin=world.origin)
    await browser.sign_in()
    assert not (await browser.ask("GET", "me")).json()["passkeys_possible"]
    for path in ("me/passkeys/challenge", "session/passkey"):
        answer = await browser.ask("POST", path)
        assert (answer.status_code, answer.json()["code"]) == (409, "no_passkeys_here")
        assert "localhost" in answer.json()["reason"]


async def test_after_five_minutes_a_fresh_proof_is_asked_for_and_a_step_up_gives_it(world: World) -> None:
    browser, _ = await signed_in_with_app(world)
    world.clock.advance(300_000)
    refused = await browser.ask("DELETE", "me/totp")
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    challenge = (await browser.ask("POST", "session/challenge")).json()
    assert challenge["methods"] == ["totp", "recovery"]
    body = {"challenge": challenge["challenge"], "password": PASSWORD}
    assert (await browser.ask("POST", "session/step-up", body)).status_code == 401
    body = {"challenge": challenge["challenge"], "totp": browser.code()}
    assert (await browser.ask("POST", "session/step-up", body)).status_code == 200
    assert (await browser.ask("DELETE", "me/totp")).status_code == 204


async def test_a_challenge_of_one_session_is_worth_nothing_in_another(world: World) -> None:
    browser, _ = await signed_in_with_app(world)
    challenge = (await browser.ask("POST", "session/challenge")).json()["challenge"]
    assert await second(browser, challenge, totp=browser.code()) == 401
    other = Browser(world, secret=browser.secret)
    await second(other, await needed(other), totp=browser.code())
    world.clock.advance(30_000)
    body = {"challenge": challenge, "totp": browser.code()}
    assert (await other.ask("POST", "session/step-up", body)).status_code == 401
    assert (await browser.ask("POST", "session/step-up", body)).status_code == 200


async def test_where_a_second_factor_is_required_nothing_else_is_possible_before_there_is_one(world: World) -> None:
    world.platform.people.mfa_required.add("default")
    browser = Browser(world)
    told = await browser.sign_in()
    assert told.json()["second_factor_due"]
    refused = await browser.ask("GET", "symbols")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_in_key")
    await browser.add_totp()
    assert not (await browser.ask("POST", "session/renew")).json()["second_factor_due"]
    assert (await browser.ask("GET", "symbols")).status_code == 200
    last = await browser.ask("DELETE", "me/totp")
    assert (last.status_code, last.json()["code"]) == (409, "last_factor")


@pytest.mark.parametrize("field", ["totp", "recovery", "passkey", "password"])
async def test_a_challenge_ends_after_five_wrong_answers(world: World, field: str) -> None:
    browser, _ = await signed_in_with_app(world)
    challenge = await needed(browser)
    answers = [await second(browser, challenge, **{field: "nonsense"}) for _ in range(6)]
    assert set(answers) <= {401, 429}
    assert await second(browser, challenge, totp=browser.code()) in (401, 429)
    assert world.platform.people.sessions_list(people.SessionsQuestion("default")).sessions
