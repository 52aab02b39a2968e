"""The table of lying tokens at every door of the running platform: HTTP, the browsers' WebSocket, the terminals'."""

import time
from collections.abc import Callable

import pytest
from token_corpus import Forge, chosen
from town import Town
from wire import Answer, Wire, listener

Counted = Callable[[int, int], None]

REFUSED = {400, 401, 403, 413, 431}
"""403 is the answer of a door that wants another proof first; 400, 413 and 431 are for what is no HTTP any more."""
LONGEST_S = 31 * 86_400
"""No terminal's token lives longer."""


def request(path: str, token: str, upgrade: bool) -> bytes:
    head = [f"GET {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Authorization: Bearer " + token.encode("utf-8")]
    if upgrade:
        head += [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"]
        head += [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    return b"\r\n".join(head) + b"\r\n\r\n"


async def all_refused(wire: Wire, path: str, forge: Forge, welcome: int, upgrade: bool) -> tuple[int, list[float]]:
    async def try_(token: str) -> Answer:
        return await wire.ask(request(path, token, upgrade))

    assert (await try_(forge.genuine)).status == welcome, "the truth must get in, or refusing proves nothing"
    got_in, took, plainly = [], [], 0
    wanted = chosen(forge)
    for lie in wanted:
        await wire.connect()
        started = time.perf_counter()
        status = (await try_(lie.token)).status
        took.append(time.perf_counter() - started)
        plainly += status == 401
        if status and status not in REFUSED:
            got_in.append((lie.fault, lie.name, status))
    assert got_in == []
    assert plainly > 0.9 * len(wanted), "most lies must be refused as lies, not for another reason"
    assert (await try_(forge.genuine)).status == welcome, "the door must still be open to the truth"
    await wire.close()
    return len(wanted), took


def quick(took: list[float]) -> None:
    middle = sorted(took)[len(took) // 2]
    assert middle < 0.02, f"half of the lies took more than {middle * 1000:.0f} ms"


@pytest.mark.parametrize("upgrade", [False, True], ids=["http", "websocket"])
async def test_T01_T02_T03_T04_T05_T06_T07_T08_T09_T10_T11_no_lie_gets_past_the_gateway(
    town: Town, upgrade: bool, counted: Counted
) -> None:
    path, welcome = ("/api/v1/stream", 101) if upgrade else ("/api/v1/session", 200)
    async with listener() as (url, callers):
        forge = Forge(town.person("alice").token, town.token_key, int(time.time()), 900, url)
        tried, took = await all_refused(town.gateway(), path, forge, welcome, upgrade)
    assert callers == [], "a token made the gateway call somebody"
    quick(took)
    counted(tried, 400)


async def test_T01_T02_T03_T04_T05_T06_T07_T08_T09_T10_T11_no_lie_gets_past_the_bridge(
    town: Town, counted: Counted
) -> None:
    async with listener() as (url, callers):
        forge = Forge(town.terminal.token, town.token_key, int(time.time()), LONGEST_S, url)
        tried, took = await all_refused(town.bridge(), "/terminal", forge, 101, True)
    assert callers == [], "a token made the bridge call somebody"
    quick(took)
    counted(tried, 400)


async def test_T14_a_token_bound_to_one_certificate_is_worth_nothing_over_another_of_the_same_terminal(
    town: Town, counted: Counted
) -> None:
    wanted = request("/terminal", town.terminal.token, True)
    assert (await town.bridge().ask(wanted)).status == 101
    other = town.certificate("same-terminal-other-key", time.time_ns() // 1_000_000)
    assert (await town.bridge(other).ask(wanted)).status == 401
    counted(2, 2)
