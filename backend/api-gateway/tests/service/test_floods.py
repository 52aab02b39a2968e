"""Whoever asks too much is slowed down, told so, and written down once; the others notice nothing."""

import asyncio
import contextlib
from pathlib import Path

import httpx
from gateway_world import World, running, trail
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api_gateway.domain.pace import LIMITS, Kind
from api_gateway.routes.stream import MAX_HEARD
from kit.testing import eventually


async def test_W25_a_user_over_the_limit_gets_429_with_a_time_and_others_go_on(tmp_path: Path) -> None:
    async with running(tmp_path, reads_per_minute=20) as world:
        statuses = [(await world.http.get("/api/v1/accounts", headers=world.bearer())).status_code for _ in range(30)]
        assert (statuses.count(200), statuses.count(429)) == (20, 10)
        slowed = await world.http.get("/api/v1/orders", headers=world.bearer())
        assert (slowed.status_code, slowed.json()["code"], slowed.headers["retry-after"]) == (429, "too_many", "60")
        assert (await world.http.get("/api/v1/accounts", headers=world.bearer(name="bob"))).status_code == 200
        world.clock.advance(60_000)
        assert (await world.http.get("/api/v1/accounts", headers=world.bearer())).status_code == 200
        records = await eventually(lambda: trail(world, "excess_rate_limit_exceeded"))
        assert {r.subject: r.detail["count"] for r in records if "accounts" in r.detail["what"]} == {"ann": "10"}


async def test_W25_a_spoofed_address_changes_nothing_unless_a_trusted_proxy_says_it(tmp_path: Path) -> None:
    most = LIMITS[Kind.OPEN].peer
    async with running(tmp_path) as world:
        found = [
            (await world.http.get("/api/v1/setup", headers={"x-forwarded-for": f"198.18.{n // 250}.{n % 250}"}))
            for n in range(most + 20)
        ]
        assert [a.status_code for a in found].count(429) == 20
    async with running(tmp_path / "behind", trusted_proxies=("127.0.0.0/8",)) as world:
        statuses = [
            (await world.http.get("/api/v1/setup", headers={"x-forwarded-for": "203.0.113.9"})).status_code
            for _ in range(most + 5)
        ]
        assert statuses.count(429) == 5
        other = await world.http.get("/api/v1/setup", headers={"x-forwarded-for": "203.0.113.10"})
        assert other.status_code == 200


async def test_W33_a_scanner_gets_404_then_429_and_is_one_line_in_the_trail(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<!doctype html><title>x</title>")
    (tmp_path / "web" / "csp.json").write_text('{"*": "default-src \'none\'"}')
    async with running(tmp_path, web_dir=tmp_path / "web") as world:

        async def scan(numbers: range, http: httpx.AsyncClient) -> list[int]:
            paths = ("/wp-admin/{}", "/.git/{}", "/api/v1/x{}", "/backup{}.zip")
            return [(await http.get(paths[n % 4].format(n), headers=world.bearer())).status_code for n in numbers]

        parts = await asyncio.gather(*(scan(range(n, 5_000, 4), world.http) for n in range(4)))
        statuses = [status for part in parts for status in part]
        assert set(statuses) == {404, 429}
        assert statuses.count(404) <= 300
        assert (await world.http.get("/api/v1/accounts", headers=world.bearer(name="bob"))).status_code == 200
        world.clock.advance(6_000)
        records = await eventually(lambda: trail(world, "malicious_excess_404"))
        assert len(records) <= 2  # by address for pages, by name for the API
        assert sum(int(r.detail["count"]) for r in records) == statuses.count(429)


async def test_W24_a_storm_of_subscriptions_is_cut_off_with_4429_and_changes_nothing(world: World) -> None:
    address = f"ws://127.0.0.1:{world.gateway.port}/api/v1/stream"
    async with connect(address, additional_headers=world.bearer()) as browser:
        with contextlib.suppress(ConnectionClosed):
            for n in range(MAX_HEARD * 10):
                await browser.send(f'{{"subscribe": ["*"], "n": {n}}}')
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                while True:
                    await browser.recv()
        await browser.wait_closed()
        assert browser.close_code == 4429
    assert (await world.http.get("/api/v1/accounts", headers=world.bearer())).status_code == 200
