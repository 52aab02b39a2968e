"""The pages show the settings and change nothing."""

import asyncio
import http.client
import socket

import msgspec

from client_security.lifespan import opened
from config_manager.adapters.version_files import VersionFiles
from config_manager.app import create_app
from config_manager.domain.client_config import ClientConfig, Version
from config_manager.settings import Settings
from kit.testing import eventually


def get(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def test_the_current_version_and_the_history_are_shown(tmp_path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings = Settings(port=port, data_dir=tmp_path)
    files = VersionFiles(tmp_path / "config")
    async with opened("config-manager", settings) as app:
        await create_app(app, settings)
        await eventually(lambda: "no settings" in app.health.last["versions"].detail)
        files.save(ClientConfig(symbols=("EURUSD",)), "first", 1)
        await eventually(lambda: app.health.ready())
        status, body = await asyncio.to_thread(get, port, "/config")
        assert (status, msgspec.json.decode(body, type=Version).config.symbols) == (200, ("EURUSD",))
        status, body = await asyncio.to_thread(get, port, "/config/history")
        assert (status, len(msgspec.json.decode(body, type=list[Version]))) == (200, 1)
        assert (await asyncio.to_thread(get, port, "/other"))[0] == 404
