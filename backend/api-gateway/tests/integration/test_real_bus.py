"""The gateway as its own process on a real NATS server."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from gateway_world import ACCOUNT, PASSWORD, Platform, batch, execution, state, user
from websockets.asyncio.client import connect

from api_gateway.adapters.token_office import AUDIENCE, KIND
from contracts import subjects
from contracts.codec import decode, encode
from contracts.commands import Command, PauseTrading
from contracts.views import StreamAccount, StreamMessage, StreamTicks
from kit import tokens
from kit.bus import Delivery
from kit.clock import SystemClock
from kit.free_ports import free_port
from kit.keys import key_id, make_private_key
from kit.testing import eventually, guard_of, write_service_keys
from kit.testing.engines import nats_server

pytestmark = pytest.mark.integration


@asynccontextmanager
async def process(*command: str, env: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that is ended with the test."""
    started = await asyncio.create_subprocess_exec(
        *command, env=os.environ | (env or {}), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def answers(http: httpx.AsyncClient, path: str, status: int = 200) -> bool:
    try:
        return (await http.get(path)).status_code == status
    except httpx.TransportError:
        return False


async def test_a_browser_signs_in_hears_prices_and_gives_a_command_over_the_real_bus(tmp_path: Path) -> None:
    port = free_port()
    key = make_private_key(tmp_path / "secrets" / "token.key")
    write_service_keys(tmp_path / "secrets")
    (tmp_path / "secrets" / "people.key").write_text("11" * 32)
    env = {
        "AITRADING_DATA_DIR": str(tmp_path),
        "AITRADING_API_GATEWAY_PORT": str(port),
        "AITRADING_WEB_DIR": str(tmp_path / "none"),
    }
    with nats_server(tmp_path / "nats") as nats:
        env |= nats.environ("api-gateway")
        guard = guard_of("database-service", SystemClock().now_ms, {key_id(key): key.public_key()})
        bus = await nats.connect("test", guard=guard)
        await Platform({"ann": user()}, [state()]).answer_on(bus)  # type: ignore[arg-type]
        async with (
            process(sys.executable, "-m", "api_gateway", env=env) as gateway,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            await eventually(lambda: answers(http, "/health/ready"), within_s=20)
            signed_in = await http.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
            assert signed_in.status_code == 200
            token = tokens.mint(
                key, KIND, AUDIENCE, "ann", int(time.time()), 900, tenant="default", role="trader", csrf="c"
            )
            headers = {"authorization": f"Bearer {token}"}

            async with connect(f"ws://127.0.0.1:{port}/api/v1/stream", additional_headers=headers) as browser:
                first = msgspec.json.decode(await browser.recv(), type=StreamMessage)
                assert isinstance(first, StreamAccount)
                await bus.store(subjects.ticks("default", ACCOUNT, "EURUSD"), encode(batch(1, (1.1, 1.2))))
                await bus.store(subjects.executions("default", ACCOUNT), encode(execution()))
                kinds = set()
                while not {StreamTicks} <= kinds or len(kinds) < 3:
                    async with asyncio.timeout(5):
                        kinds.add(type(msgspec.json.decode(await browser.recv(), type=StreamMessage)))
            (symbol,) = (await http.get("/api/v1/symbols", headers=headers)).json()["symbols"]
            assert symbol["bid"] == 1.2

            heard: list[Command] = []

            async def take(deliveries: list[Delivery]) -> None:
                for delivery in deliveries:
                    heard.append(decode(delivery.data, Command))
                    await delivery.ack()

            await bus.consume("COMMANDS", "test", "commands.>", take)
            for _ in range(2):
                given = await http.post(
                    "/api/v1/commands", json={"kind": "pause"}, headers=headers | {"idempotency-key": "key-00000001"}
                )
                assert given.status_code == 202
            await eventually(lambda: heard)
            assert [(c.id, c.body) for c in heard] == [(given.json()["id"], PauseTrading(""))]

            gateway.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(gateway.wait(), 10) == 0
        await bus.close()
