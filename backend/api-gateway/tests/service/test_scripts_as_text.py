"""Texts that would like to be scripts: never in an answer that a browser would run."""

from pathlib import Path

import pytest
from gateway_world import ACCOUNT, Platform, World, running, state
from gateway_world import user as somebody

from api_gateway.routes.docs import render

SCRIPTS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "javascript:alert(1)",
    "<svg/onload=alert(1)>", "</script><script>alert(1)</script>", "{{7*7}}", "${7*7}", "<iframe srcdoc='<script>'>",
    "\u003cscript\u003e", "<a href=\"data:text/html,<script>\">", "<!--", "]]>", "%3Cscript%3E",
]  # fmt: skip


async def no_page(world: World, method: str, path: str, text: str, **asked: object) -> None:
    answer = await world.http.request(method, path, headers=world.bearer("admin"), **asked)  # type: ignore[arg-type]
    kind = answer.headers.get("content-type", "")
    assert "html" not in kind or text not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("text", SCRIPTS)
async def test_W06_no_answer_makes_a_page_of_what_was_asked(tmp_path: Path, text: str) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "404.html").write_text("nothing here")
    (tmp_path / "web" / "csp.json").write_text('{"/404.html": "default-src \'none\'"}')
    async with running(tmp_path, web_dir=tmp_path / "web") as world:
        await no_page(world, "GET", "/" + text.replace("/", ""), text)
        await no_page(world, "GET", "/api/v1/ticks", text, params={"account": ACCOUNT, "symbol": text[:32]})
        await no_page(world, "GET", "/api/v1/" + text.replace("/", ""), text)
        await no_page(world, "POST", "/api/v1/session", text, json={"name": text, "password": text})
        await no_page(world, "POST", "/api/v1/commands", text, json={"kind": text})


async def test_W06_what_a_terminal_or_a_person_wrote_stays_text_in_json(tmp_path: Path) -> None:
    for text in SCRIPTS:
        platform = Platform({"ann": somebody()}, [state(company=text, server=text)])
        folder = tmp_path / str(SCRIPTS.index(text))
        async with running(folder, platform=platform) as world:
            answer = await world.http.get("/api/v1/accounts", headers=world.bearer())
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["accounts"][0]["company"] == text


def test_W06_the_documentation_escapes_what_it_shows() -> None:
    for text in SCRIPTS:
        schema = {
            "info": {"title": text, "version": text},
            "paths": {"/docs": {"get": {"description": text, "parameters": [{"name": text, "in": "query"}]}}},
            "components": {"schemas": {text: {"properties": {text: {"type": "string", "description": text}}}}},
        }
        page = render(schema)
        assert "<script" not in page
        assert "<img" not in page
        assert "<svg" not in page


async def test_W06_a_browsers_report_is_counted_and_its_text_is_harmless_in_the_log(world: World) -> None:
    before = world.counters.get("csp_reports", 0)
    report = b'{"csp-report": {"blocked-uri": "<script>\\r\\nforged"}}\x1b[31m'
    answer = await world.http.post("/csp-report", content=report, headers={"content-type": "application/csp-report"})
    assert answer.status_code == 204
    assert world.counters.get("csp_reports", 0) == before + 1
