"""The pages show the settings and change nothing."""

import asyncio
from pathlib import Path

import msgspec

from client_security.adapters.local_ca import DESKTOP, local_files
from client_security.adapters.papers import ENROLMENT
from client_security.lifespan import opened
from client_security.vaults import vault_in
from config_manager.adapters.secret_box import SecretBox
from config_manager.adapters.version_files import VersionFiles
from config_manager.app import create_app
from config_manager.domain.versions import Choice
from config_manager.routes import ConfigView, HistoryView
from config_manager.settings import Settings
from contracts.errands import NEWS_KEYS_PAGE
from kit.free_ports import free_port
from kit.testing import eventually
from kit.testing.pki import page


def get(data: Path, port: int, path: str) -> tuple[int, bytes]:
    return page(port, "config-manager", local_files(data, DESKTOP), path)


async def test_the_current_version_and_the_history_are_shown(tmp_path) -> None:
    port = free_port()
    settings = Settings(port=port, data_dir=tmp_path)
    files = VersionFiles(tmp_path / "config")
    async with opened("config-manager", settings) as app:
        await create_app(app, settings)
        await eventually(lambda: "no settings" in app.health.last["versions"].detail)
        files.change(lambda _: (Choice({"symbols": ("EURUSD",)}), "first"), 1)
        await eventually(lambda: app.health.ready())
        status, body = await asyncio.to_thread(get, tmp_path, port, "/config")
        shown = msgspec.json.decode(body, type=ConfigView)
        assert (status, shown.config.symbols) == (200, ("EURUSD",))
        assert [(s.name, s.origin) for s in shown.settings if s.origin != "default"] == [("symbols", "yours")]
        status, body = await asyncio.to_thread(get, tmp_path, port, "/config/history")
        assert (status, len(msgspec.json.decode(body, type=list[HistoryView]))) == (200, 1)
        assert (await asyncio.to_thread(get, tmp_path, port, "/other"))[0] == 404
        (tmp_path / "config" / "00000002.json").write_bytes(b"torn")
        await eventually(lambda: "set aside: 00000002.bad" in app.health.last["versions"].detail)
        assert app.health.ready()


async def test_F17_a_key_of_a_news_source_is_told_to_the_collector_and_to_nobody_else(tmp_path) -> None:
    vault = vault_in(tmp_path)
    vault.create("file", {ENROLMENT: b"{}"})
    files, box = VersionFiles(tmp_path / "config"), SecretBox(vault)
    sealed = {"news.fred": box.seal("news.fred", "k1"), "other": box.seal("other", "k2"), "news.bad": "00" * 40}
    files.change(lambda _: (Choice(secrets=sealed), "sealed"), 1)
    settings = Settings(port=free_port(), data_dir=tmp_path)
    async with opened("config-manager", settings) as app:
        await create_app(app, settings)

        def asked(who: str) -> tuple[int, bytes]:
            return page(settings.port, "config-manager", local_files(tmp_path, who), NEWS_KEYS_PAGE)

        assert await asyncio.to_thread(asked, "data-collector") == (200, b'{"fred":"k1"}')
        for who in (DESKTOP, "security", "metatrader-connector"):
            assert (await asyncio.to_thread(asked, who))[0] == 403
        shown = await asyncio.to_thread(get, tmp_path, settings.port, "/config")
        assert b"news.fred" in shown[1]
        assert b"k1" not in shown[1]
