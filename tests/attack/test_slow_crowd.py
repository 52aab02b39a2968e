"""Five hundred who are slow on purpose, at the running platform: others are served meanwhile, and the slow are cut."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest
from town import Town

Counted = Callable[[int, int], None]

CROWD = 500
PATIENCE_S = 25.0
BEGUN = {
    "slow heads": b"GET /api/v1/symbols HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "slow bodies": b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 60\r\n\r\n{",
    "silence": b"",
}


@pytest.mark.parametrize("kind", BEGUN)
async def test_W11_a_slow_crowd_is_cut_and_others_are_served(kind: str, town: Town, counted: Counted) -> None:
    wire, crowd = town.gateway(), []
    for _ in range(CROWD):
        reader, writer = await wire.open()
        writer.write(BEGUN[kind])
        crowd.append((reader, writer))
    try:
        started = time.monotonic()
        answer = await wire.ask(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.status == 200
        assert time.monotonic() - started < 6.0, "others wait for the slow, who are cut after eight seconds"

        async def cut(reader: asyncio.StreamReader) -> bool:
            with contextlib.suppress(ConnectionError):
                while await reader.read(4_096):
                    pass
            return True

        async with asyncio.timeout(PATIENCE_S):
            done = await asyncio.gather(*(cut(reader) for reader, _ in crowd))
        counted(sum(done), CROWD)
    finally:
        for _, writer in crowd:
            writer.close()
        await wire.close()
