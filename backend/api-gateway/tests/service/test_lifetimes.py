"""Nothing lives for ever: sessions that are not used, sessions that are used, and too many of them."""

import pytest
from gateway_world import PASSWORD, World
from people_client import Browser

from api_gateway.domain.lifetimes import ABSOLUTE_MS, IDLE_MS, MAX_SESSIONS
from contracts.people import SessionKind

MINUTE, DAY = 60_000, 86_400_000


async def program(world: World) -> str:
    answer = await world.http.post("/api/v1/session/token", json={"name": "ann", "password": PASSWORD})
    return str(answer.json()["refresh_token"])


async def refreshed(world: World, token: str) -> str | None:
    answer = await world.http.post("/api/v1/session/refresh", json={"refresh_token": token})
    return str(answer.json()["refresh_token"]) if answer.status_code == 200 else None


async def test_a_browser_that_was_left_alone_for_half_an_hour_is_signed_out(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    world.clock.advance(IDLE_MS[SessionKind.BROWSER] + 1)
    assert (await browser.ask("GET", "session")).status_code == 401
    assert (await browser.ask("POST", "session/renew")).status_code == 401


async def test_a_page_that_stays_open_is_signed_out_after_twelve_hours_and_not_before(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in()
    opened, answers = world.clock.ms, []
    while world.clock.ms - opened <= ABSOLUTE_MS[SessionKind.BROWSER]:
        world.clock.advance(7 * MINUTE)
        answers.append((world.clock.ms - opened, (await browser.ask("POST", "session/renew")).status_code))
    lasted = max(age for age, status in answers if status == 200)
    assert ABSOLUTE_MS[SessionKind.BROWSER] - 8 * MINUTE <= lasted <= ABSOLUTE_MS[SessionKind.BROWSER]
    assert answers[-1][1] == 401


@pytest.mark.parametrize(("wait", "goes_on"), [(-MINUTE, True), (MINUTE, False)])
async def test_a_program_that_was_silent_for_a_week_has_to_sign_in_again(
    world: World, wait: int, goes_on: bool
) -> None:
    token = await program(world)
    world.clock.advance(IDLE_MS[SessionKind.PROGRAM] + wait)
    assert (await refreshed(world, token) is not None) is goes_on


async def test_a_busy_program_has_to_sign_in_again_after_thirty_days(world: World) -> None:
    token: str | None = await program(world)
    days = 0
    while token is not None and days < 40:
        world.clock.advance(DAY)
        days += 1
        token = await refreshed(world, token)
    assert days == ABSOLUTE_MS[SessionKind.PROGRAM] // DAY + 1


async def test_one_session_more_than_the_most_ends_the_oldest(world: World) -> None:
    oldest = Browser(world)
    await oldest.sign_in()
    for _ in range(MAX_SESSIONS):
        world.clock.advance(MINUTE // 10)
        newest = Browser(world)
        assert (await newest.sign_in()).status_code == 200
    assert (await oldest.ask("GET", "session")).status_code == 401
    listed = (await newest.ask("GET", "sessions")).json()["sessions"]
    assert len(listed) == MAX_SESSIONS
