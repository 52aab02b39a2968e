"""Peers that are slow, large or rude on purpose."""

import asyncio
import socket
from pathlib import Path

import pytest
from gateway_world import HOST, Platform, World, running, state, talk

from api_gateway.adapters.uvicorn_server import HttpServer
from api_gateway.app import create_app
from api_gateway.settings import Settings
from kit.errors import SettingsError
from kit.lifespan import opened
from kit.testing import FakeBus, FakeClock


async def test_slow_headers_are_cut(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.3) as world:
        drip = [b"GET /health/live HTTP/1.1\r\n", *[b"X-Slow: %d\r\n" % n for n in range(100)]]
        assert (await talk(world, *drip[:2])).startswith(TIMED_OUT)
        assert (await talk(world, *drip, every_s=0.05, patience_s=2))[: len(TIMED_OUT)] in (b"", TIMED_OUT)
        assert (await talk(world)).startswith(TIMED_OUT)


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\n"


async def test_slow_bodies_are_cut(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.3) as world:
        head = (
            b"POST /api/v1/session HTTP/1.1\r\n"
            + HOST
            + b"Content-Type: application/json\r\nContent-Length: 60\r\n\r\n"
        )
        assert b"200" not in await talk(world, head, b"{", patience_s=2)


async def test_a_second_request_on_a_kept_connection_has_its_own_deadline(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.3) as world:
        whole = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        answers = await talk(world, whole, b"GET /health/live HTTP/1.1\r\n", patience_s=2)
        assert answers.count(b"HTTP/1.1 200 OK") == 1
        assert answers.count(TIMED_OUT) == 1


async def test_a_kept_connection_outlives_the_deadline_of_its_requests(tmp_path: Path) -> None:
    async with running(tmp_path, patience_s=0.2) as world:
        whole = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /health/live HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
        answers = await talk(world, whole, whole, last, every_s=0.35)
        assert answers.count(b"HTTP/1.1 200 OK") == 3


async def test_a_head_without_end_is_refused(world: World) -> None:
    answer = await talk(world, b"GET / HTTP/1.1\r\n", *[b"X-%d: " % n + b"a" * 4096 + b"\r\n" for n in range(12)])
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"GET // HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_and_the_gateway_lives(world: World, request_: bytes) -> None:
    answer = await talk(world, request_ + b"", patience_s=10)
    assert b"Traceback" not in answer
    assert b"uvicorn" not in answer.lower()
    assert (await world.http.get("/health/live")).status_code == 200


async def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="AITRADING_API_GATEWAY_PORT"):
            HttpServer(None).listen("api-gateway", "127.0.0.1", taken.getsockname()[1])


async def test_a_missing_token_key_is_told_in_a_sentence(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=tmp_path)
    async with opened("api-gateway", settings, bus=FakeBus(), clock=FakeClock()) as service:
        with pytest.raises(SettingsError, match="AITRADING_API_GATEWAY_TOKEN_KEY"):
            await create_app(service, settings)


async def test_a_stop_closes_streams_and_writes_what_is_left_to_write(tmp_path: Path) -> None:
    async with running(tmp_path, platform=Platform(states=[state()])) as world:
        await world.http.post("/api/v1/session", json={"name": "x", "password": "y"})
        bus, address = world.bus, world.origin
    assert bus.on("audit.default")
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", int(address.rsplit(":", 1)[1]))


def test_paths_are_found_below_the_data_directory_unless_set(tmp_path: Path) -> None:
    found = Settings(data_dir=tmp_path)
    assert found.token_key_file() == tmp_path / "secrets" / "token.key"
    assert found.setup_code_file() == tmp_path / "secrets" / "setup.code"
    assert found.web_folder().parts[-2:] == ("web", "dist")
    named = Settings(data_dir=tmp_path, token_key=Path("/k"), setup_code_path=Path("/c"), web_dir=Path("/w"))
    assert (named.token_key_file(), named.setup_code_file(), named.web_folder()) == (Path("/k"), Path("/c"), Path("/w"))
