"""A running engine on a real bus for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from engine_field import Field, engine_listens

from kit.keys import make_private_key
from kit.testing import eventually, write_service_keys
from kit.testing.engines import nats_server


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Field]:
    with nats_server(tmp_path) as server:
        write_service_keys(tmp_path / "secrets")
        make_private_key(tmp_path / "secrets" / "signal.key")
        bus = await server.connect("test")
        made = Field(tmp_path, server, bus)
        await made.store.serve(bus)
        await made.listen()
        try:
            made.start()
            await made.account_reports()
            # the first command proves that all consumers are there
            await eventually(lambda: engine_listens(bus), within_s=20)
            yield made
        finally:
            made.kill()
            await bus.close()
