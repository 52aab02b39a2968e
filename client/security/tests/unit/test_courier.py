"""The courier: what waits is carried in order, and nothing counts as carried that the server did not say it has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from client_security.courier import Courier
from contracts.client_config import ClientConfigOffer, SignedConfig
from contracts.errands import ConfigWanted, DownErrand, NewsBatch, NewsTaken, NoNewer, NotNow, OutboxPage, UpErrand
from contracts.news import NewsItem
from kit.backoff import Backoff
from kit.testing import eventually

OFFER = SignedConfig(msgspec.json.encode(ClientConfigOffer("default", "", 3, 1, {})), "k", b"s")


class Collector:
    """An outbox of numbered items, two to a page."""

    def __init__(self, items: int) -> None:
        self.items = [NewsItem(f"{n:064x}", "fed", f"item {n}", 1, 1) for n in range(1, items + 1)]
        self.stored = self.refused = 0

    async def outbox(self, stored: int, refused: int) -> OutboxPage:
        if stored > self.stored:
            self.stored, self.refused = stored, self.refused + refused
        rest = self.items[self.stored : self.stored + 2]
        return OutboxPage(self.stored + len(rest), NewsBatch(tuple(rest)))


class Server:
    """Says what it is told to say, then takes everything."""

    def __init__(self, *answers: DownErrand | OSError) -> None:
        self.answers, self.heard, self.opened = list(answers), [], 0
        self.offers: list[SignedConfig] = []
        self.wanted: list[int] = []
        self.settings: DownErrand | None = None

    @asynccontextmanager
    async def line(self) -> AsyncIterator["Server"]:
        self.opened += 1
        yield self

    async def ask(self, errand: UpErrand) -> DownErrand:
        if isinstance(errand, ConfigWanted):
            self.wanted.append(errand.revision)
            return self.settings or (OFFER if errand.revision < 3 else NoNewer())
        answer = self.answers.pop(0) if self.answers else NewsTaken()
        if isinstance(answer, OSError):
            raise answer
        self.heard += [item.title for item in errand.news] if isinstance(answer, NewsTaken) else []
        return answer


def courier(collector: Collector, server: Server) -> Courier:
    async def keep(signed: SignedConfig) -> None:
        server.offers.append(signed)

    return Courier(collector.outbox, server.line, keep, 0.001, Backoff(0.001, 0.001), rounds_to_config=10**6)


async def test_everything_that_waits_is_carried_in_order_on_one_connection() -> None:
    collector, server = Collector(5), Server()
    one = courier(collector, server)
    await one.round()
    assert server.heard == [f"item {n}" for n in range(1, 6)]
    assert (server.opened, collector.stored, one.carried) == (1, 5, 5)
    assert await one.probe() == "5 item(s) brought to the server since the start"


async def test_where_nothing_waits_nobody_is_bothered() -> None:
    collector, server = Collector(0), Server()
    await courier(collector, server).round()
    assert server.opened == 0


@pytest.mark.parametrize("trouble", [OSError("cut"), NotNow("unavailable", "the store does not take news just now")])
async def test_what_the_server_did_not_take_is_carried_again(trouble: DownErrand | OSError) -> None:
    collector, server = Collector(3), Server(NewsTaken(), trouble)
    one = courier(collector, server)
    running = asyncio.create_task(one.run())
    try:
        await eventually(lambda: collector.stored == 3)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert server.heard == ["item 1", "item 2", "item 3"]
    assert one.trouble == ""


async def test_why_news_wait_is_told_and_is_no_reason_not_to_be_ready() -> None:
    one = courier(Collector(3), Server(*[OSError("no route")] * 10**4))
    running = asyncio.create_task(one.run())
    try:
        await eventually(lambda: one.trouble == "no route")
        assert "the rest waits: no route" in await one.probe()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_the_server_will_never_take_is_counted_and_holds_up_nothing() -> None:
    refusal = NewsTaken((("1" * 64, "its source has no proper name"),))
    collector, server = Collector(5), Server(refusal, NotNow("malformed", "no errand", retry=False))
    one = courier(collector, server)
    await one.round()
    assert (collector.stored, collector.refused, one.refused, one.carried) == (5, 3, 3, 2)


async def test_settings_of_the_server_are_brought_once_and_asked_for_again_later() -> None:
    collector, server = Collector(1), Server()
    one = courier(collector, server)
    one.rounds_to_config = 0
    await one.round()
    await one.round()
    assert (server.wanted, server.offers, server.heard) == ([0], [OFFER], ["item 1"])
    one.rounds_to_config = 0
    await one.round()
    assert (server.wanted, server.offers) == ([0, 3], [OFFER])


async def test_a_server_that_can_not_tell_its_settings_holds_up_no_news() -> None:
    collector, server = Collector(1), Server()
    server.settings = NotNow("unavailable", "the hub does not tell settings just now")
    one = courier(collector, server)
    one.rounds_to_config = 0
    await one.round()
    assert (server.heard, one.rounds_to_config > 1) == (["item 1"], True)
    assert "no settings from the server: the hub does not tell" in await one.probe()
