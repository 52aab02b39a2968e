"""What is taken from somebody is gone at once: sessions, open streams, and everything else that was issued."""

import asyncio
import resource
import threading
import time
from pathlib import Path
from typing import Any

import argon2
import pytest
from gateway_world import CHEAP, PASSWORD, Platform, World, running, state, user
from people_client import Browser, code_of, listening
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api_gateway.adapters.argon2_hasher import CONCURRENT, MAX_WAITING, Argon2Hasher
from api_gateway.domain.refusals import RefusedError
from contracts import subjects
from contracts.codec import decode, encode
from contracts.revocations import Revocation, RevocationKind
from kit.testing import eventually

OTHER = "another long enough password"


async def town(tmp_path: Path) -> Any:
    people = {"root": user("root", "admin"), "ann": user()}
    return running(tmp_path, platform=Platform(people, [state()]))


@pytest.mark.parametrize(
    "act",
    [
        ("PATCH", "users/id-ann", {"disabled": True}),
        ("PATCH", "users/id-ann", {"role": "viewer"}),
        ("PATCH", "users/id-ann", {"reset_second_factor": True}),
        ("DELETE", "users/id-ann/sessions", None),
    ],
)
async def test_T12_what_an_administrator_takes_is_gone_within_a_second(tmp_path: Path, act: Any) -> None:
    async with await town(tmp_path) as world:
        ann, root = Browser(world), Browser(world)
        await ann.sign_in()
        await root.sign_in("root")
        programs = (await world.http.post("/api/v1/session/token", json={"name": "ann", "password": PASSWORD})).json()
        stream = await listening(ann)
        assert (await root.ask(*act)).status_code in (200, 204)
        assert await code_of(stream) == 4401
        assert (await ann.ask("GET", "symbols")).status_code == 401
        bearer = {"authorization": f"Bearer {programs['access_token']}"}
        assert (await world.http.get("/api/v1/symbols", headers=bearer)).status_code == 401
        renewed = await world.http.post("/api/v1/session/refresh", json={"refresh_token": programs["refresh_token"]})
        assert renewed.status_code == 401
        told = [decode(data, Revocation) for data in world.bus.on("revocations.default")]
        person = [r for r in told if r.kind is RevocationKind.USER]
        assert [(r.subject, r.name, r.closes_orders) for r in person] == [
            ("id-ann", "ann", "disabled" in str(act) or "role" in str(act))
        ]
        assert (await root.ask("GET", "session")).status_code == 200


async def test_T12_a_new_password_ends_all_other_sessions_and_this_one_goes_on(world: World) -> None:
    here, there = Browser(world), Browser(world)
    await here.sign_in()
    await there.sign_in()
    stream = await listening(there)
    wrong = await here.ask("POST", "me/password", {"current": "not it at all", "new": OTHER})
    assert wrong.status_code == 401
    common = await here.ask("POST", "me/password", {"current": PASSWORD, "new": "passwordpassword"})
    assert common.status_code == 422
    assert (await here.ask("POST", "me/password", {"current": PASSWORD, "new": OTHER})).status_code == 200
    assert await code_of(stream) == 4401
    assert (await there.ask("GET", "session")).status_code == 401
    assert (await here.ask("GET", "session")).status_code == 200
    assert (await here.sign_in(password=OTHER)).status_code == 200


async def test_T12_one_session_of_many_is_ended_by_its_owner(world: World) -> None:
    here, there = Browser(world), Browser(world)
    await here.sign_in()
    await there.sign_in()
    listed = (await here.ask("GET", "sessions")).json()["sessions"]
    assert [each["current"] for each in listed].count(True) == 1
    (other,) = [each["id"] for each in listed if not each["current"]]
    assert (await here.ask("DELETE", f"sessions/{other}")).status_code == 204
    assert (await there.ask("GET", "session")).status_code == 401
    assert (await here.ask("DELETE", f"sessions/{other}")).status_code == 404
    await there.sign_in()
    assert (await here.ask("DELETE", "sessions")).status_code == 204
    assert (await there.ask("GET", "session")).status_code == 401
    assert (await here.ask("GET", "session")).status_code == 200


async def test_T12_a_tenant_suspended_elsewhere_is_out_within_a_second(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    stream = await listening(browser)
    revocation = Revocation("default", RevocationKind.TENANT, "default", world.clock.ms + 1, "suspended", "operator")
    await world.bus.store(subjects.revocations("default"), encode(revocation))
    assert await code_of(stream) == 4401
    assert (await browser.ask("GET", "session")).status_code == 401


async def test_T12_what_was_revoked_is_still_refused_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        browser = Browser(world)
        await browser.sign_in()
        cookies = dict(browser.cookies)
        assert (await browser.ask("DELETE", "session")).status_code == 204
        bus = world.bus
    async with running(tmp_path, bus=bus) as again:
        late = Browser(again, cookies=cookies)
        assert (await late.ask("GET", "session")).status_code == 401


async def test_T12_signing_out_holds_although_nobody_else_can_be_told_and_is_told_later(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    cookies = dict(browser.cookies)
    world.bus.down = True
    assert (await browser.ask("DELETE", "session")).status_code == 204
    assert (await Browser(world, cookies=cookies).ask("GET", "session")).status_code == 401
    world.bus.down = False
    await eventually(lambda: world.bus.on("revocations.default"))


async def test_W17_a_form_of_another_site_changes_nothing(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    cookie = {"cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
    body = b'{"kind":"pause"}'
    for headers, status in (
        ({"content-type": "text/plain"}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 403),
        ({"content-type": "application/json"}, 403),
        ({"content-type": "application/json", "origin": "https://evil.example"}, 403),
        ({"content-type": "application/json", "sec-fetch-site": "cross-site", "x-csrf-token": browser.csrf}, 403),
        ({"content-type": "application/json", "sec-fetch-site": "same-site", "x-csrf-token": browser.csrf}, 403),
        ({"content-type": "text/plain", "sec-fetch-site": "same-origin", "x-csrf-token": browser.csrf}, 415),
        ({"content-type": "application/json", "sec-fetch-site": "same-origin", "x-csrf-token": browser.csrf}, 202),
    ):
        sent = headers | cookie | {"idempotency-key": "key-00000001"}
        answer = await world.http.post("/api/v1/commands", content=body, headers=sent)
        assert answer.status_code == status, (headers, answer.text)
    assert len(world.bus.on("commands.>")) == 1


async def first_words(browser: Browser, *words: str) -> int:
    """Open a stream and say this; the code that it was closed with, 0 when it lives."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    address = browser.origin.replace("http", "ws", 1) + "/api/v1/stream"
    async with connect(address, additional_headers={"cookie": cookie}, origin=browser.origin) as socket:  # type: ignore[arg-type]
        for word in words:
            await socket.send(word)
        try:
            async with asyncio.timeout(2):
                await socket.recv()
        except ConnectionClosed:
            return int(socket.close_code or 0)
    return 0


async def test_W19_a_stream_opens_with_a_ticket_of_its_own_session_once_and_in_time(world: World) -> None:
    browser, other = Browser(world), Browser(world)
    await browser.sign_in()
    await other.sign_in()

    async def ticket(of: Browser) -> str:
        return str((await of.ask("POST", "stream-ticket")).json()["ticket"])

    good = await ticket(browser)
    assert await first_words(browser, good) == 0
    assert await first_words(browser, good) == 4401
    assert await first_words(browser, "guess") == 4401
    assert await first_words(browser, "") == 4401
    assert await first_words(browser, await ticket(other)) == 4401
    late = await ticket(browser)
    world.clock.advance(30_000)
    assert await first_words(browser, late) == 4401
    assert world.counters["browsers_cut"] == 5


async def test_W26_two_hundred_sign_ins_at_once_stay_within_their_memory_and_others_are_served() -> None:
    hasher, served = Argon2Hasher(argon2.PasswordHasher()), 0

    async def others() -> None:
        nonlocal served
        while True:
            await asyncio.sleep(0.01)
            served += 1

    await hasher.fits("warm up", None)
    base_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    serving = asyncio.create_task(others())
    began = time.monotonic()
    answers = await asyncio.gather(*(hasher.fits("x", None) for _ in range(200)), return_exceptions=True)
    took_s = time.monotonic() - began
    serving.cancel()
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base_kb
    assert grown_kb < (CONCURRENT * 64 + 32) * 1024
    assert sum(isinstance(answer, RefusedError) for answer in answers) == 200 - CONCURRENT - 32
    assert served > took_s / 0.01 / 5


async def test_W32_nothing_of_a_signed_in_answer_may_be_kept_by_the_browser(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    for path in ("session", "me", "sessions", "api-keys", "symbols", "orders"):
        assert (await browser.ask("GET", path)).headers["cache-control"] == "no-store"
    gone = await browser.ask("DELETE", "session")
    assert gone.headers["cache-control"] == "no-store"
    assert (await browser.ask("GET", "me")).status_code == 401


async def test_W26_strangers_fill_no_place_of_those_who_were_here_before() -> None:
    hasher = Argon2Hasher(CHEAP)
    strangers = [asyncio.create_task(hasher.fits("x", None)) for _ in range(200)]
    await asyncio.sleep(0)
    assert await hasher.fits("gurke salat tomate", CHEAP.hash("gurke salat tomate"), known=True)
    assert await hasher.hash("gurke salat tomate")
    answers = await asyncio.gather(*strangers, return_exceptions=True)
    assert sum(isinstance(answer, RefusedError) for answer in answers) == 200 - CONCURRENT - 32


class HeldHasher(Argon2Hasher):
    """Judges no password before it is let go."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.go = threading.Event()

    def _verify(self, hashed: str, password: str) -> bool:
        assert self.go.wait(20)
        return super()._verify(hashed, password)


async def test_W26_a_known_browser_signs_in_while_strangers_from_everywhere_fill_the_queue(tmp_path: Path) -> None:
    hasher = HeldHasher()
    async with running(tmp_path, hasher=hasher, trusted_proxies=("127.0.0.0/8",)) as world:

        async def from_address(number: int) -> int:
            wish, address = {"name": f"n{number}", "password": PASSWORD}, {"x-forwarded-for": f"198.18.0.{number}"}
            return (await Browser(world).ask("POST", "session", wish, **address)).status_code

        hasher.go.set()
        known = Browser(world)
        await known.sign_in()
        hasher.go.clear()
        flood = [asyncio.create_task(from_address(number)) for number in range(CONCURRENT + MAX_WAITING)]
        await eventually(lambda: hasher.waiting[False] == MAX_WAITING)
        assert await from_address(250) == 503, "a stranger finds it full"
        waits = asyncio.create_task(known.sign_in())
        await eventually(lambda: waits.done() or hasher.waiting[True])
        hasher.go.set()
        assert (await waits).status_code == 200
        assert set(await asyncio.gather(*flood)) == {401}


async def test_two_administrators_who_demote_each_other_at_the_same_moment_leave_one(tmp_path: Path) -> None:
    people = {name: user(name, "admin") for name in ("root", "bob")}
    async with running(tmp_path, platform=Platform(people, [state()])) as world:
        browsers = {name: Browser(world) for name in people}
        for name, browser in browsers.items():
            await browser.sign_in(name)
        answers = await asyncio.gather(
            browsers["root"].ask("PATCH", "users/id-bob", {"role": "viewer"}),
            browsers["bob"].ask("PATCH", "users/id-root", {"role": "viewer"}),
        )
        first, second = sorted(answers, key=lambda answer: answer.status_code)
        assert first.status_code == 200
        assert second.status_code in (401, 409), second.json()
        assert second.json()["code"] in ("not_signed_in", "last_admin")
        assert sorted(each.role for each in world.platform.people.users.values()) == ["admin", "viewer"]


async def test_nobody_takes_their_own_rights_and_nobody_reaches_into_another_tenant(tmp_path: Path) -> None:
    people = {"root": user("root", "admin"), "eve": user("eve", "admin", tenant="other")}
    async with running(tmp_path, platform=Platform(people, [state()])) as world:
        root = Browser(world)
        await root.sign_in("root")
        own = await root.ask("PATCH", "users/id-root", {"role": "viewer"})
        assert (own.status_code, own.json()["code"]) == (409, "not_oneself")
        for method, path, body in (
            ("PATCH", "users/id-eve", {"disabled": True}),
            ("GET", "users/id-eve/sessions", None),
            ("DELETE", "users/id-eve/sessions", None),
        ):
            assert (await root.ask(method, path, body)).status_code == 404
        assert [each["name"] for each in (await root.ask("GET", "users")).json()["users"]] == ["root"]
        made = await root.ask("POST", "users", {"name": "bob", "role": "auditor", "password": "gurke salat tomate"})
        assert (made.status_code, made.json()["role"]) == (201, "auditor")
        king = await root.ask("POST", "users", {"name": "x", "role": "king", "password": "gurke salat tomate"})
        assert king.status_code == 422
