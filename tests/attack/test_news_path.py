"""From a hostile feed to the store: what arrives is plain, under the right tenant, once, and by the courier only."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import terminal_rig as rig
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_hub.adapters.client_config_files import ClientConfigFiles
from client_security.adapters.local_ca import DESKTOP, local_files
from client_security.app import create_app as create_security
from client_security.lifespan import App, opened
from client_security.settings import Settings as SecuritySettings
from config_manager.adapters.version_files import VersionFiles
from config_manager.app import create_app as create_manager
from config_manager.settings import Settings as ManagerSettings
from contracts.client_config import ClientConfigOffer, ConfigFound, ConfigQuestion
from contracts.codec import encode
from contracts.errands import CONFIG_INBOX
from contracts.news import NEWS_KEEP, NewsKeep, NewsKept
from contracts.rpc import TERMINAL_CONFIG
from data_collector.app import create_app as create_collector
from data_collector.domain.politeness import Fetched
from data_collector.routes import StatusView
from data_collector.settings import Settings as CollectorSettings
from kit.client_config import sign_config
from kit.free_ports import free_port
from kit.testing import eventually
from kit.testing.pki import page
from kit.tls import client_context, host_of

HOSTILE = (
    "<rss version='2.0'><channel><item><guid>1</guid>"
    "<title>&lt;script&gt;alert(1)&lt;/script&gt; Rates \u202estay</title>"
    "<link>javascript:alert(1)</link><description>&lt;img src=x onerror=alert(2)&gt; as expected</description></item>"
    "<item><guid>2</guid><title>'; drop table news_items; --</title><link>https://a.b/2</link></item></channel></rss>"
).encode()
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
WEEK = b'[{"title":"CPI","country":"USD","date":"2026-04-01T08:30:00-04:00","impact":"High","forecast":"2.7%"}]'
DOCUMENTS = {"https://hostile.example/": HOSTILE, "https://bomb.example/": BOMB, "https://week.example/": WEEK}
SOURCES = ("hostile:rss=https://hostile.example/", "bomb:rss=https://bomb.example/", "ff:ff-json=https://week.example/")


def fetch(url: str, etag: str = "", last_modified: str = "", key: str = "") -> Fetched:
    return Fetched(DOCUMENTS[url], "", "")


@asynccontextmanager
async def collecting(data: Path, courier: bool = True) -> AsyncIterator[tuple[App, App | None]]:
    """Both apps of one PC."""
    mine = CollectorSettings(port=free_port(), data_dir=data, sources=SOURCES)
    theirs = SecuritySettings(port=free_port(), data_dir=data, collector_port=mine.port, look_every_s=0.05)
    async with opened("data-collector", mine) as collector:
        await create_collector(collector, mine, fetch=fetch)
        if not courier:
            yield collector, None
            return
        async with opened("security", theirs) as security:
            await create_security(security, theirs)
            yield collector, security


async def status(data: Path, app: App) -> StatusView:
    answer = await asyncio.to_thread(page, app.settings.port, "data-collector", local_files(data, DESKTOP), "/sources")
    return msgspec.json.decode(answer[1], type=StatusView)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[rig.Server]:
    async with rig.opened(tmp_path) as made:
        yield made


async def joined(server: rig.Server, folder: Path) -> rig.Pc:
    """A PC whose connector has joined and knows where the server is."""
    pc = rig.Pc(folder, server.enrol())
    (await pc.connect()).hang_up()
    return pc


async def test_D17_a_hostile_feed_reaches_the_store_as_plain_text_and_once(server, tmp_path) -> None:
    kept: list[NewsKeep] = []

    async def keep(told: NewsKeep) -> NewsKept:
        kept.append(told)
        return NewsKept(1)

    await server.bus.answer(NEWS_KEEP, keep)
    pc = await joined(server, tmp_path / "pc")
    data = pc.folder / "data"
    async with collecting(data) as (collector, _):
        await eventually(lambda: sum(len(told.news) + len(told.events) for told in kept) == 3)
        seen = await status(data, collector)
        for _ in range(100):
            if seen.tally.waiting == 0:
                break
            await asyncio.sleep(0.05)
            seen = await status(data, collector)
    news = {item.title: item for told in kept for item in told.news}
    assert sorted(news) == ["'; drop table news_items; --", "alert(1) Rates stay"]
    assert news["alert(1) Rates stay"].link == ""
    assert news["alert(1) Rates stay"].summary == "as expected"
    assert [event.forecast for told in kept for event in told.events] == ["2.7%"]
    assert {(told.tenant, told.terminal) for told in kept} == {("default", pc.member.joined.terminal)}
    assert (seen.tally.items, seen.tally.waiting, seen.tally.refused) == (3, 0, 0)
    troubles = {view.name: view.trouble for view in seen.sources}
    assert troubles["hostile"] == troubles["ff"] == ""
    assert "EntitiesForbidden" in troubles["bomb"] or "DTDForbidden" in troubles["bomb"]


async def test_F18_settings_of_the_server_arrive_and_a_document_put_in_by_hand_does_not_count(server, tmp_path) -> None:
    offers, pc = ClientConfigFiles(tmp_path / "hub"), await joined(server, tmp_path / "pc")
    await server.bus.answer(TERMINAL_CONFIG, _answering(offers))
    offers.put("default", "", {"poll_ms": 50}, server.token_key, 1)
    data = pc.folder / "data"
    settings = ManagerSettings(port=free_port(), data_dir=data)
    async with collecting(data), opened("config-manager", settings) as manager:
        await create_manager(manager, settings)
        versions = VersionFiles(data / "config")
        await eventually(lambda: (now := versions.current()) is not None and now.config.poll_ms == 50.0)
        forged = sign_config(ClientConfigOffer("default", "", 9, 1, {"poll_ms": 1}), Ed25519PrivateKey.generate())
        (data / CONFIG_INBOX).write_bytes(encode(forged))
        await eventually(lambda: "offer was left" in manager.health.last["versions"].detail)
        assert versions.current().config.poll_ms == 50.0


def _answering(offers: ClientConfigFiles):
    async def answer(question: ConfigQuestion) -> ConfigFound:
        return offers.newer(question)

    return answer


async def test_without_the_store_news_wait_on_the_pc_and_come_later(server, tmp_path) -> None:
    pc = await joined(server, tmp_path / "pc")
    data = pc.folder / "data"
    kept: list[NewsKeep] = []

    async def keep(told: NewsKeep) -> NewsKept:
        kept.append(told)
        return NewsKept(1)

    async with collecting(data, courier=False) as (collector, _):
        await eventually(lambda: "3 wait for the server" in collector.health.last["sources"].detail)
    await server.bus.answer(NEWS_KEEP, keep)
    async with collecting(data):
        await eventually(lambda: len(kept) >= 1)
    assert sum(len(told.news) + len(told.events) for told in kept) == 3


async def test_nobody_but_the_courier_may_say_what_the_server_has(tmp_path) -> None:
    async with collecting(tmp_path, courier=False) as (collector, _):
        await eventually(lambda: "3 wait for the server" in collector.health.last["sources"].detail)

        def post(who: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", collector.settings.port, timeout=5)
            connection.connect()
            context = client_context(local_files(tmp_path, who))
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of("data-collector"))
            connection.request("GET", "/outbox?stored=3&refused=0")
            return connection.getresponse().status

        assert [await asyncio.to_thread(post, who) for who in (DESKTOP, "config-manager")] == [403, 403]
        assert (await status(tmp_path, collector)).tally.waiting == 3
        assert await asyncio.to_thread(post, "security") == 200
        assert (await status(tmp_path, collector)).tally.waiting == 0
