"""The dashboards' files and their headers."""

import gzip
import json
import os
from pathlib import Path

import pytest
from gateway_world import running

from api_gateway.adapters.dist_pages import DistPages

POLICY = "default-src 'none'; script-src 'self'"


def dist(folder: Path, index: str = "<h1>trading</h1>") -> Path:
    """A small build."""
    files = {
        "index.html": index,
        "login/index.html": "login",
        "404.html": "nothing here",
        "admin/index.html": "admin",
        "admin/404.html": "no admin page",
        "index.txt": "flight data",
        "_next/static/chunks/a.js": "let a = 1;" * 200,
        "_next/static/chunks/tick-worker.js": "onmessage = 1",
        "admin/_next/static/b.css": "p{}",
        "icon.svg": "<svg/>",
        "font.woff2": "x" * 2_000,
        "odd.bin": "?",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    pages = [name for name in files if name.endswith(".html")]
    policies = {f"/{name}": f"{POLICY}; report-uri /{name}" for name in pages}
    policies |= {"*": "default-src 'none'", "*worker": "default-src 'none'; connect-src 'self'"}
    (folder / "csp.json").write_text(json.dumps(policies))
    return folder


async def test_pages_have_their_own_policy_and_are_asked_for_anew(tmp_path: Path) -> None:
    async with running(tmp_path, web_dir=dist(tmp_path / "web")) as world:
        for path, file, text in (
            ("/", "index.html", "<h1>trading</h1>"),
            ("/index.html", "index.html", "<h1>trading</h1>"),
            ("/login/", "login/index.html", "login"),
            ("/admin/", "admin/index.html", "admin"),
            ("/login/?next=admin", "login/index.html", "login"),
        ):
            answer = await world.http.get(path)
            assert (answer.status_code, answer.text) == (200, text)
            assert answer.headers["content-security-policy"] == f"{POLICY}; report-uri /{file}"
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.headers["x-frame-options"] == "DENY"
            again = await world.http.get(path, headers={"if-none-match": f'"other", {answer.headers["etag"]}'})
            assert (again.status_code, again.content) == (304, b"")


async def test_assets_last_for_ever_and_workers_have_the_workers_policy(tmp_path: Path) -> None:
    async with running(tmp_path, web_dir=dist(tmp_path / "web")) as world:
        for path in ("/_next/static/chunks/a.js", "/admin/_next/static/b.css"):
            headers = (await world.http.get(path)).headers
            assert headers["cache-control"] == "public, max-age=31536000, immutable"
            assert headers["content-security-policy"] == "default-src 'none'"
        worker = await world.http.get("/_next/static/chunks/tick-worker.js")
        assert worker.headers["content-security-policy"].endswith("connect-src 'self'")
        types = {p: (await world.http.get(p)).headers["content-type"] for p in ("/icon.svg", "/index.txt", "/odd.bin")}
        assert types["/icon.svg"] == "image/svg+xml"
        assert types["/index.txt"].startswith("text/plain")
        assert types["/odd.bin"] == "application/octet-stream"


async def test_files_are_sent_compressed_to_those_who_take_it(tmp_path: Path) -> None:
    folder = dist(tmp_path / "web")
    script = "/_next/static/chunks/a.js"
    (folder / (script[1:] + ".br")).write_bytes(b"brotli bytes")
    pages = DistPages(folder)
    assert pages.refresh()
    plain = pages.answer(script, b"", "identity", "")
    packed = pages.answer(script, b"", "gzip, deflate", "")
    best = pages.answer(script, b"", "gzip, br;q=0.9", "")
    assert plain and packed and best  # noqa: PT018 all three are answers
    assert gzip.decompress(packed.body) == plain.body
    assert (b"content-encoding", b"gzip") in packed.headers
    assert best.body == b"brotli bytes"
    refused = pages.answer(script, b"", "gzip;q=0, br;q=0", "")
    assert refused is not None
    assert refused.body == plain.body
    font = pages.answer("/font.woff2", b"", "gzip", "")
    assert font is not None
    assert font.body == b"x" * 2_000
    assert (b"vary", b"accept-encoding") in packed.headers


async def test_a_folder_without_its_slash_leads_to_it(tmp_path: Path) -> None:
    async with running(tmp_path, web_dir=dist(tmp_path / "web")) as world:
        for path, location in (("/admin", "/admin/"), ("/login?code=a%20b", "/login/?code=a%20b")):
            answer = await world.http.get(path)
            assert (answer.status_code, answer.headers["location"]) == (308, location)


@pytest.mark.parametrize(
    "path",
    ["/csp.json", "/../csp.json", "/%2e%2e/csp.json", "/..%2fcsp.json", "/_next/static/..%2f..%2fcsp.json", "/secret",
     "/linked.txt", "/login/index", "/nothing/", "/%00", "/_next"],
)  # fmt: skip
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    folder = dist(tmp_path / "web")
    (tmp_path / "secret").write_text("secret words")
    os.symlink(tmp_path / "secret", folder / "linked.txt")
    async with running(tmp_path, web_dir=folder) as world:
        answer = await world.http.get(path)
        assert (answer.status_code, answer.text) == (404, "nothing here")
        assert answer.headers["content-security-policy"].startswith(POLICY)
        missing = await world.http.get("/admin/nothing")
        assert (missing.status_code, missing.text) == (404, "no admin page")
        assert (await world.http.post("/login/")).status_code == 405


async def test_head_has_the_headers_of_get_and_no_body(tmp_path: Path) -> None:
    async with running(tmp_path, web_dir=dist(tmp_path / "web")) as world:
        got, head = await world.http.get("/"), await world.http.head("/")
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        answer = await world.http.get("/")
        assert answer.status_code == 503
        assert answer.json()["reason"] == "The dashboards are not built: run `make web`."


async def test_a_new_build_is_served_without_a_restart_and_a_missing_one_changes_nothing(tmp_path: Path) -> None:
    folder = dist(tmp_path / "web")
    pages = DistPages(folder)
    assert pages.refresh()
    assert not pages.refresh()
    folder.rename(tmp_path / "old")
    assert not pages.refresh()
    dist(folder, "<h1>new</h1>")
    assert pages.refresh()
    answer = pages.answer("/", b"", "", "")
    assert answer is not None
    assert answer.body == b"<h1>new</h1>"


def test_a_build_without_its_404_page_still_says_404(tmp_path: Path) -> None:
    (tmp_path / "csp.json").write_text("{}")
    (tmp_path / "index.html").write_text("x")
    pages = DistPages(tmp_path)
    pages.refresh()
    answer = pages.answer("/nothing", b"", "", "")
    assert answer is not None
    assert answer.status == 404
    found = pages.answer("/", b"", "", "")
    assert found is not None
    assert dict(found.headers)[b"content-security-policy"].startswith(b"default-src 'none'")
