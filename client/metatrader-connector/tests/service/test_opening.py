"""A fast link is opened by the server's answer to a question behind a full window; the store needs not have spoken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from contracts.codec import decode, encode
from contracts.ticks import TickBatch, pack
from kit.testing import FakeClock, eventually
from metatrader_connector.domain.pace import LEAST, PROMPT_MS
from metatrader_connector.tick_flow import Forwarder


class Line:
    """A connection that counts what is sent; questions are stamped 1, 2, …"""

    connected = True

    def __init__(self) -> None:
        self.ticks = self.asked = 0

    def writable(self) -> bool:
        return True

    async def until_writable(self) -> None:
        return

    def send_ticks(self, frame: bytes) -> bool:
        self.ticks += decode(frame, TickBatch).count
        return True

    def ask(self) -> int:
        self.asked += 1
        return self.asked


def batch(first: int, count: int) -> TickBatch:
    longs, doubles = pack("q", range(count)), pack("d", range(count))
    return TickBatch("default", "1000001", "EURUSD", 1, first, count, longs, longs, doubles, doubles,
                     pack("I", [6] * count), bytes(count))  # fmt: skip


class Spool:
    """Has every tick."""

    epoch = 1

    async def read(self, symbol: str, from_seq: int, most: int) -> TickBatch:
        return batch(from_seq, most)

    async def trim(self, stored: dict[str, int]) -> None:
        return


@pytest.fixture
async def way() -> AsyncIterator[Forwarder]:
    """A forwarder with a million ticks to send over a new connection, and a full window on its way."""
    made = Forwarder(Spool(), Line(), FakeClock())
    made.begin({"EURUSD": 1_000_000}, {})
    pump = asyncio.create_task(made.pump())
    await eventually(lambda: made.line.asked == 1)
    yield made
    pump.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pump


async def test_a_prompt_answer_lets_more_ticks_go_before_the_store_has_any(way) -> None:
    assert way.line.ticks == LEAST
    way.clock.advance(PROMPT_MS)
    way.ponged(1)
    await eventually(lambda: way.line.ticks > 5 * LEAST)
    await eventually(lambda: way.line.asked == 2)


async def test_an_answer_that_took_longer_opens_nothing(way) -> None:
    way.clock.advance(PROMPT_MS + 1)
    way.ponged(1)
    await asyncio.sleep(0)
    assert (way.line.ticks, way.line.asked, way.pace.limit) == (LEAST, 1, LEAST)


async def test_the_answer_to_a_question_before_the_window_says_nothing_about_it(way) -> None:
    way.ponged(0)
    assert way.pace.limit == LEAST


async def test_a_live_batch_that_does_not_fit_is_reason_to_ask(way) -> None:
    way.begin({"EURUSD": 0}, {"EURUSD": 1_000_000})
    asked = way.line.asked
    for first in range(1_000_001, 1_000_241, 80):
        made = batch(first, 80)
        way.spooled(((made, encode(made)),))
    await eventually(lambda: way.line.asked > asked)
