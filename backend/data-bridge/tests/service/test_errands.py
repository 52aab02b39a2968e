"""Errands beside the terminal's connection: news are taken when the store has them, and judged before."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import bridge_rig as rig
import pytest
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from contracts.client_config import ConfigFound, ConfigQuestion, SignedConfig
from contracts.codec import decode, encode
from contracts.errands import MAX_FRAME_BYTES, ConfigWanted, DownErrand, NewsBatch, NewsTaken, NoNewer, NotNow
from contracts.news import MOST_AT_ONCE, NEWS_KEEP, CalendarEvent, NewsItem, NewsKeep, NewsKept
from contracts.revocations import Revocation, RevocationKind
from contracts.rpc import TERMINAL_CONFIG
from data_bridge.domain.errands import MOST_A_DAY, Allowance
from kit.errors import AnswerFault
from kit.revocations import revoke
from kit.tls import host_of

ITEM = NewsItem("a" * 64, "fed", "Rates stay", 5, 7)
EVENT = CalendarEvent("b" * 64, "ff", "CPI", 5, 7, forecast="2.7%")


@contextlib.asynccontextmanager
async def errands(app: Any, **claims: str) -> AsyncIterator[ClientConnection]:
    url, headers = app.url.replace("/terminal", "/errands"), {"Authorization": f"Bearer {app.token(**claims)}"}
    options = {"ssl": app.tls, "server_hostname": host_of("data-bridge"), "compression": None}
    async with connect(url, additional_headers=headers, **options) as socket:
        yield socket


async def said(socket: ClientConnection, batch: NewsBatch | ConfigWanted | bytes) -> Any:
    await socket.send(batch if isinstance(batch, bytes) else encode(batch))
    answer = await socket.recv()
    assert isinstance(answer, bytes)
    return decode(answer, DownErrand)  # type: ignore[arg-type]  # a union is a type to msgspec


@pytest.fixture
async def kept(app: Any) -> list[NewsKeep]:
    """What the store was given."""
    given: list[NewsKeep] = []

    async def keep(told: NewsKeep) -> NewsKept:
        given.append(told)
        return NewsKept(len(told.news) + len(told.events))

    await app.bus.answer(NEWS_KEEP, keep)
    return given


async def test_news_go_to_the_store_under_the_tenant_of_the_token(app: Any, kept: list[NewsKeep]) -> None:
    async with errands(app) as socket:
        assert await said(socket, NewsBatch((ITEM,))) == NewsTaken()
        assert await said(socket, NewsBatch((), (EVENT,))) == NewsTaken()
    now = app.clock.now_ms()
    assert kept == [
        NewsKeep(rig.TENANT, rig.TERMINAL, now, (ITEM,)),
        NewsKeep(rig.TENANT, rig.TERMINAL, now, (), (EVENT,)),
    ]


async def test_without_the_store_nothing_is_taken_and_the_pc_may_try_again(app: Any) -> None:
    async def away(_: NewsKeep) -> NewsKept:
        raise AnswerFault("unavailable", "the database is away")

    await app.bus.answer(NEWS_KEEP, away)
    async with errands(app) as socket:
        answer = await said(socket, NewsBatch((ITEM,)))
    assert isinstance(answer, NotNow)
    assert (answer.code, answer.retry) == ("unavailable", True)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(ITEM, key="x"), "key"),
        (replace(ITEM, source="../x"), "source"),
        (replace(ITEM, published_ms=-1), "range"),
        (replace(ITEM, published_ms=2**62), "range"),
        (replace(ITEM, version=0), "range"),
        (replace(ITEM, link="javascript:alert(1)"), "link"),
        (replace(ITEM, title="x" * 2_001), "title"),
        (replace(ITEM, summary="a\0b"), "control"),
        (replace(ITEM, title=""), "nothing"),
        (replace(ITEM, first_seen_ms=4_000_000_000_000), "future"),
        (replace(EVENT, impact="enormous"), "impact"),
        (replace(EVENT, forecast="9" * 65), "value"),
    ],
)
async def test_a_bad_item_is_named_with_its_reason_and_the_others_are_taken(
    app: Any, kept: list[NewsKeep], wrong: NewsItem | CalendarEvent, why: str
) -> None:
    news = (ITEM, wrong) if isinstance(wrong, NewsItem) else (ITEM,)
    events = (wrong,) if isinstance(wrong, CalendarEvent) else ()
    async with errands(app) as socket:
        answer = await said(socket, NewsBatch(news, events))
    ((key, reason),) = answer.refused
    assert key == wrong.key
    assert why in reason
    assert [(told.news, told.events) for told in kept] == [((ITEM,), ())]
    assert app.metric("bridge_refused_total", reason="bad_news") == 1


async def test_what_is_no_errand_is_kept_aside_and_must_not_come_again(app: Any, kept: list[NewsKeep]) -> None:
    async with errands(app) as socket:
        nonsense = await said(socket, b"\x00nonsense")
        much = await said(socket, NewsBatch((ITEM,) * (MOST_AT_ONCE + 1)))
    assert [(answer.code, answer.retry) for answer in (nonsense, much)] == [("malformed", False), ("too_much", False)]
    assert kept == []
    assert list((app.folder / "data-bridge" / "refused").iterdir())


async def test_a_frame_that_is_too_large_ends_the_connection(app: Any, kept: list[NewsKeep]) -> None:
    async with errands(app) as socket:
        with pytest.raises(ConnectionClosed):
            await said(socket, bytes(MAX_FRAME_BYTES + 1))


async def test_nobody_runs_errands_without_a_terminals_token(app: Any) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with errands(app, audience="api-gateway"):
            pass
    assert caught.value.response.status_code == 401


async def test_a_revoked_terminal_is_hung_up_on(app: Any, kept: list[NewsKeep]) -> None:
    async with errands(app) as socket:
        await said(socket, NewsBatch((ITEM,)))
        gone = Revocation(rig.TENANT, RevocationKind.TERMINAL, rig.TERMINAL, 2**50, "stolen", "operator")
        await revoke(app.bus, gone)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


def test_a_terminal_brings_no_more_than_a_days_worth() -> None:
    allowance = Allowance()
    assert allowance.take("t", "pc", MOST_A_DAY, 1)
    assert not allowance.take("t", "pc", 1, 2)
    assert allowance.take("t", "other", 1, 2)
    assert allowance.take("t", "pc", 1, 86_400_000)


async def test_settings_are_asked_for_under_the_account_of_the_token(app: Any) -> None:
    offered = SignedConfig(b"{}", "k", b"s")

    async def config(question: ConfigQuestion) -> ConfigFound:
        assert (question.tenant, question.account) == (rig.TENANT, rig.ACCOUNT)
        return ConfigFound(offered if question.revision < 3 else None)

    async with errands(app) as socket:
        unanswered = await said(socket, ConfigWanted(0))
        await app.bus.answer(TERMINAL_CONFIG, config)
        assert await said(socket, ConfigWanted(2)) == offered
        assert await said(socket, ConfigWanted(3)) == NoNewer()
    assert (unanswered.code, unanswered.retry) == ("unavailable", True)
