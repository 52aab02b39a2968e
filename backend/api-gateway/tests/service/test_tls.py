"""The gateway over https: when it must, with whose certificate, and what its answers then carry."""

import asyncio
import ssl
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_world import HOST, PASSWORD, Platform, running, user

from api_gateway.adapters.edge_tls import EdgeTls
from api_gateway.app import NAME, build
from api_gateway.settings import Settings
from kit.errors import SettingsError
from kit.keys import make_private_key
from kit.lifespan import opened
from kit.listening import Wire, address_of, is_loopback, origins, wire_of
from kit.settings import load
from kit.testing import FakeBus, FakeClock, eventually
from kit.testing.pki import TestAuthority
from kit.tls import Identity, TlsFiles, client_context, host_of, spki_pin


def own_leaf(folder: Path) -> tuple[TestAuthority, TlsFiles]:
    """The platform's leaf where the hub puts it."""
    authority = TestAuthority(folder / "secrets" / "tls")
    return authority, authority.service(NAME)


@pytest.mark.parametrize(
    ("host", "tls", "published", "certificate", "wire"),
    [
        ("127.0.0.1", "auto", False, False, Wire.HTTP),
        ("::1", "auto", False, False, Wire.HTTP),
        ("localhost", "auto", False, False, Wire.HTTP),
        ("127.9.9.9", "auto", False, False, Wire.HTTP),
        ("127.0.0.1", "always", False, False, Wire.HTTPS),
        ("127.0.0.1", "auto", False, True, Wire.HTTPS),
        ("0.0.0.0", "auto", False, False, Wire.HTTPS),
        ("::", "auto", False, False, Wire.HTTPS),
        ("192.168.1.5", "auto", False, False, Wire.HTTPS),
        ("trade.example.org", "auto", False, False, Wire.HTTPS),
        ("localhost.example.org", "auto", False, False, Wire.HTTPS),
        ("", "auto", False, False, Wire.HTTPS),
        ("0.0.0.0", "auto", True, False, Wire.HTTP),
        ("0.0.0.0", "always", True, False, Wire.HTTPS),
        ("0.0.0.0", "auto", True, True, Wire.HTTPS),
    ],
)
def test_plain_http_is_spoken_on_loopback_only(
    host: str, tls: str, published: bool, certificate: bool, wire: Wire
) -> None:
    assert wire_of(host, tls, published_on_loopback=published, certificate=certificate) is wire
    assert is_loopback("127.0.0.1")
    assert not is_loopback("::ffff:10.0.0.1")


def test_pages_may_come_from_the_names_of_the_certificate_only() -> None:
    assert origins(("trade.example.org", "10.0.0.5", "::1", "*.example.org"), 8000) == {
        "https://trade.example.org:8000",
        "https://10.0.0.5:8000",
        "https://[::1]:8000",
    }
    assert origins(("trade.example.org",), 443) == {"https://trade.example.org"}


def test_the_address_that_is_told_is_the_one_that_answers() -> None:
    assert address_of({}, 8000) == "http://127.0.0.1:8000"
    assert address_of({"AITRADING_API_GATEWAY_TLS": "always"}, 8000) == "https://localhost:8000"
    assert address_of({"AITRADING_HOST": "0.0.0.0"}, 8000) == "https://localhost:8000"
    inside = {"AITRADING_HOST": "0.0.0.0", "AITRADING_API_GATEWAY_PUBLISHED_ON_LOOPBACK": "1"}
    assert address_of(inside, 8000) == "http://127.0.0.1:8000"
    assert address_of({"AITRADING_API_GATEWAY_PUBLIC_URL": "https://x.example"}, 8000) == "https://x.example"


async def test_without_a_certificate_it_does_not_listen_beyond_loopback(tmp_path: Path) -> None:
    make_private_key(tmp_path / "secrets" / "token.key")
    (tmp_path / "secrets" / "people.key").write_text("11" * 32)
    settings = Settings(port=0, host="0.0.0.0", data_dir=tmp_path)
    async with opened(NAME, settings, bus=FakeBus(), clock=FakeClock()) as service:
        with pytest.raises(SettingsError, match="plain HTTP on loopback only") as refused:
            await build(service, settings)
    assert "AITRADING_API_GATEWAY_TLS_CERT" in str(refused.value)


def test_settings_that_contradict_each_other_are_told() -> None:
    base = {"AITRADING_DATA_DIR": "/d"}
    for wrong, word in (
        ({"AITRADING_API_GATEWAY_TLS": "perhaps"}, "auto or always"),
        ({"AITRADING_API_GATEWAY_TLS_CERT": "/c"}, "both"),
        ({"AITRADING_API_GATEWAY_TLS_KEY": "/k"}, "both"),
    ):
        with pytest.raises(SettingsError, match=word):
            load(Settings, base | wrong, NAME)


async def test_over_https_the_cookie_is_bound_and_browsers_are_told_to_stay(tmp_path: Path) -> None:
    _, files = own_leaf(tmp_path)
    async with running(tmp_path, platform=Platform({"ann": user()}), tls="always") as world:
        base = f"https://localhost:{world.gateway.port}"
        async with httpx.AsyncClient(verify=client_context(files.ca), base_url=base) as http:
            answer = await http.post(
                "/api/v1/session", json={"name": "ann", "password": PASSWORD}, headers={"origin": base}
            )
            assert answer.status_code == 200
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-aitrading=")
            assert "; Secure" in cookie
            assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
            assert (await http.get("/api/v1/session")).json()["name"] == "ann"
            foreign = await http.post("/api/v1/session", json={}, headers={"origin": "https://evil.example"})
            assert foreign.json()["code"] == "origin_refused"


async def test_nothing_older_than_tls_1_3_and_no_plain_http_is_answered(tmp_path: Path) -> None:
    _, files = own_leaf(tmp_path)
    async with running(tmp_path, tls="always") as world:
        old = client_context(files.ca)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", world.gateway.port, ssl=old, server_hostname="localhost")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
        writer.write(b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert b"HTTP/" not in answer
        writer.close()


async def _shown(port: int, trusted: Path, name: str) -> str:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(trusted), server_hostname=name)
    der = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return spki_pin(der)


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    authority, files = own_leaf(tmp_path)
    async with running(tmp_path, tls="always") as world:
        first = await _shown(world.gateway.port, files.ca, "localhost")
        authority.service(NAME)
        async with asyncio.timeout(10):
            while await _shown(world.gateway.port, files.ca, "localhost") == first:
                await asyncio.sleep(0.1)


async def test_the_operators_certificate_is_shown_to_browsers_and_ours_to_our_own_programs(tmp_path: Path) -> None:
    _, files = own_leaf(tmp_path)
    theirs = TestAuthority(tmp_path / "elsewhere")
    bought = theirs.issue(Identity.service("bought"), folder="bought", dns=("localhost",), server=True)
    async with running(tmp_path, tls_cert=bought.cert, tls_key=bought.key) as world:
        port = world.gateway.port
        assert await _shown(port, bought.ca, "localhost") != await _shown(port, files.ca, host_of(NAME))
        with pytest.raises(ssl.SSLError):
            await _shown(port, files.ca, "localhost")


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    _, files = own_leaf(tmp_path)
    loose = tmp_path / "loose.pem"
    loose.write_bytes(files.key.read_bytes())
    loose.chmod(stat.S_IRUSR | stat.S_IRGRP)
    with pytest.raises(SettingsError, match="chmod go="):
        EdgeTls(files, files.cert, loose)
    with pytest.raises(SettingsError, match="AITRADING_API_GATEWAY_TLS_KEY"):
        EdgeTls(files, files.cert, tmp_path / "nothing")


async def test_streams_work_over_https(tmp_path: Path) -> None:
    from websockets.asyncio.client import connect

    _, files = own_leaf(tmp_path)
    async with running(tmp_path, tls="always") as world:
        origin = f"https://localhost:{world.gateway.port}"
        headers = {"cookie": f"__Host-aitrading={world.token()}"}
        address = f"wss://localhost:{world.gateway.port}/api/v1/stream"
        async with connect(address, additional_headers=headers, origin=origin, ssl=client_context(files.ca)) as browser:  # type: ignore[arg-type]
            await eventually(lambda: world.gateway.fanout.browsers == 1)
            asked = headers | {"origin": origin, "x-csrf-token": "csrf-of-ann"}
            base = f"https://localhost:{world.gateway.port}"
            async with httpx.AsyncClient(verify=client_context(files.ca), base_url=base) as http:
                told = await http.post("/api/v1/stream-ticket", headers=asked)
            await browser.send(told.json()["ticket"])
            assert await browser.recv()


@pytest.mark.parametrize("bought", [False, True])
async def test_T14_a_programs_tokens_are_worth_nothing_over_another_certificate_or_none(
    tmp_path: Path, bought: bool
) -> None:
    authority, files = own_leaf(tmp_path)
    mine = authority.issue(Identity.program("default", "robot"), folder="robot")
    theirs = authority.issue(Identity.program("default", "thief"), folder="thief")
    settings: dict[str, Any] = {"tls": "always", "program_certificates": True}
    root = files.ca
    if bought:
        elsewhere = TestAuthority(tmp_path / "elsewhere")
        outer = elsewhere.issue(Identity.service("bought"), folder="bought", dns=("localhost",), server=True)
        settings |= {"tls_cert": outer.cert, "tls_key": outer.key}
        root = outer.ca
    async with running(tmp_path, platform=Platform({"ann": user()}), **settings) as world:

        async def ask(shown: TlsFiles | None, path: str, body: object = None, **headers: str) -> httpx.Response:
            context = client_context(root)
            if shown is not None:
                context.load_cert_chain(shown.cert, shown.key)
            base = f"https://localhost:{world.gateway.port}/api/v1/"
            async with httpx.AsyncClient(verify=context, base_url=base) as http:
                return await http.request("GET" if body is None else "POST", path, json=body, headers=headers)

        got = (await ask(mine, "session/token", {"name": "ann", "password": PASSWORD})).json()
        bearer = {"authorization": f"Bearer {got['access_token']}"}
        assert (await ask(mine, "session", **bearer)).status_code == 200
        for other in (theirs, None):
            assert (await ask(other, "session", **bearer)).status_code == 401
            stolen = await ask(other, "session/refresh", {"refresh_token": got["refresh_token"]})
            assert stolen.status_code == 401
        assert (await ask(mine, "session/refresh", {"refresh_token": got["refresh_token"]})).status_code == 200


def test_browsers_are_asked_for_no_certificate_unless_the_operator_wants_it(tmp_path: Path) -> None:
    _, files = own_leaf(tmp_path)
    assert EdgeTls(files).context.verify_mode is ssl.CERT_NONE
    assert EdgeTls(files, programs=True).context.verify_mode is ssl.CERT_OPTIONAL
