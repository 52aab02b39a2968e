"""The whole connector with an EA's folder: it listens, hands over the token, and takes what an EA says."""

import asyncio
import base64
import json
import os

import ea_room as ea
import pytest

from kit.testing import eventually
from kit.testing.engines import free_port

pytestmark = pytest.mark.integration


async def test_a_connector_with_an_eas_folder_takes_an_ea_and_streams_on(world, bridge, tmp_path) -> None:
    files = tmp_path / "MQL5" / "Files"
    files.mkdir(parents=True)
    market = {"kind": "generator", "seed": 1, "symbols": ["EURUSD"], "ticks_per_second": 50.0}
    process = await world.start(
        world.terminal(market=market), free_port(), ea_files=str(files), ea_port=str(port := free_port())
    )
    try:
        await eventually(lambda: bridge.total() > 0, within_s=30)
        token = (files / "aitrading-ea.txt").read_text().split()[-1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ea HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        for frame in (ea.hello(), ea.margin_rates(2, "EURUSD", [(0, 1.0, 0.5)])):
            head = bytes([0x82, 0x80 | len(frame)]) if len(frame) < 126 else None
            assert head is not None
            writer.write(head + bytes(4) + frame)  # a mask of zeros changes nothing
        await asyncio.wait_for(reader.readexactly(2 + 20), 10)  # the hello is acknowledged
        kept = world.data / "ea.json"
        await eventually(kept.exists, within_s=20)
        assert "EURUSD" in json.loads(kept.read_text())["margin_rates"]
        before = bridge.total()
        await eventually(lambda: bridge.total() > before + 50, within_s=20)
        assert bridge.rewinds == 0
        assert not bridge.faults
    finally:
        process.terminate()
        await process.wait()
