"""Every kind of answer carries the same protection, whoever in the gateway gives it."""

import json
from pathlib import Path

import pytest
from gateway_world import HOST, World, running, talk

from api_gateway.domain.headers import SESSION, cookie_of
from api_gateway.routes.people import cookie

NEEDED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
PAGE = "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; report-uri /csp-report"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def dist(folder: Path) -> Path:
    for name in ("index.html", "404.html", "_next/static/a.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "csp.json").write_text(json.dumps({"/index.html": PAGE, "/404.html": PAGE}))
    return folder


def head(raw: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = raw.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    names = [name.lower() for name, _, _ in pairs]
    assert len(names) == len(set(names)), f"a header stands twice: {sorted(names)}"
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}


async def every_kind(world: World) -> dict[str, tuple[int, dict[str, str]]]:
    """An answer of each kind the gateway gives."""
    signed = b"Authorization: " + world.bearer()["authorization"].encode() + b"\r\n"
    tag = (await world.http.get("/")).headers["etag"].encode()
    get = b"GET %b HTTP/1.1\r\n" + HOST
    asked = {
        "page": get % b"/",
        "page unchanged": get % b"/" + b"If-None-Match: " + tag + b"\r\n",
        "asset": get % b"/_next/static/a.js",
        "missing page": get % b"/nothing",
        "api": get % b"/api/v1/symbols" + signed,
        "api refused": get % b"/api/v1/symbols",
        "api missing": get % b"/api/v1/nothing" + signed,
        "api method": b"DELETE /api/v1/symbols HTTP/1.1\r\n" + HOST + signed,
        "page method": b"POST / HTTP/1.1\r\n" + HOST,
        "docs": get % b"/docs" + signed,
        "health": get % b"/health/live",
        "metrics": get % b"/metrics",
        "openapi": get % b"/openapi.json",
        "no json": b"POST /api/v1/session HTTP/1.1\r\nContent-Length: 1\r\n" + HOST,
        "malformed": b"GARBAGE\r\n",
        "too long": get % (b"/" + b"a" * 9_000),
        "too large": get % b"/" + b"X: " + b"a" * 40_000 + b"\r\n",
        "socket refused": get % b"/api/v1/stream" + UPGRADE + KEY,
        "socket missing": get % b"/api/v1/nothing" + UPGRADE + KEY + signed,
        "socket malformed": get % b"/api/v1/stream" + UPGRADE,
        "late": b"GET /late",
    }
    answers = {}
    for kind, request in asked.items():
        close = b"" if kind in ("malformed", "late") or kind.startswith("socket") else b"Connection: close\r\n"
        answers[kind] = head(await talk(world, request + (b"" if kind == "late" else close + b"\r\n")))
    return answers


@pytest.mark.parametrize("public_url", ["", "https://trade.example.org"])
async def test_every_kind_of_answer_is_protected(tmp_path: Path, public_url: str) -> None:
    async with running(tmp_path, web_dir=dist(tmp_path / "web"), public_url=public_url, patience_s=1.0) as world:
        answers = await every_kind(world)
    assert {status for status, _ in answers.values()} == {200, 304, 400, 401, 404, 405, 408, 414, 415, 431}
    for kind, (status, headers) in answers.items():
        for name, value in NEEDED.items():
            assert headers.get(name) == value, f"{kind} ({status}) lacks {name}"
        policy = headers["content-security-policy"]
        for directive in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert directive in policy, kind
        assert "unsafe" not in policy, kind
        assert "camera=()" in headers["permissions-policy"], kind
        assert "server" not in headers, kind
        assert "x-powered-by" not in headers, kind
        assert not [name for name in headers if name.startswith("access-control")], kind
        assert ("strict-transport-security" in headers) is bool(public_url), kind
        if public_url:
            assert int(headers["strict-transport-security"].partition("=")[2].partition(";")[0]) >= 31_536_000
        if kind not in ("page", "page unchanged", "asset", "missing page"):
            assert headers["cache-control"] == "no-store", kind
    assert "report-uri /csp-report" in answers["page"][1]["content-security-policy"]
    assert answers["asset"][1]["cache-control"].endswith("immutable")


def test_the_cookie_is_bound_to_its_host_over_https() -> None:
    over_https = cookie(SESSION, "t", 900, https=True).to_header(header="")
    assert over_https.strip() == "__Host-aitrading=t; HttpOnly; Max-Age=900; Path=/; SameSite=strict; Secure"
    gone = cookie(SESSION, "", 0, https=False).to_header(header="")
    assert gone.strip() == 'aitrading=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict'
    assert cookie_of("a=1; __Host-aitrading=t", https=True) == "t"
    # what a neighbour or an http page could have set does not count
    assert cookie_of("aitrading=t", https=True) == ""
    assert cookie_of("aitrading=mine; aitrading=planted", https=False) == ""
