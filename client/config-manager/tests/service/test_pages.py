"""The pages show the settings and change nothing."""

import asyncio
from pathlib import Path

import msgspec

from client_security.adapters.local_ca import DESKTOP, local_files
from client_security.lifespan import opened
from config_manager.adapters.version_files import VersionFiles
from config_manager.app import create_app
from config_manager.domain.client_config import ClientConfig, Version
from config_manager.settings import Settings
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
        files.save(ClientConfig(symbols=("EURUSD",)), "first", 1)
        await eventually(lambda: app.health.ready())
        status, body = await asyncio.to_thread(get, tmp_path, port, "/config")
        assert (status, msgspec.json.decode(body, type=Version).config.symbols) == (200, ("EURUSD",))
        status, body = await asyncio.to_thread(get, tmp_path, port, "/config/history")
        assert (status, len(msgspec.json.decode(body, type=list[Version]))) == (200, 1)
        assert (await asyncio.to_thread(get, tmp_path, port, "/other"))[0] == 404
