"""The status page: for the person in front of this PC, once per link, read-only, and nothing of it can be forged."""

import asyncio
import json
import os
import stat
import time

import pytest

from contracts.audit import DependencyHealth, Health
from desktop.health import Answer
from desktop.page_link import page_link
from desktop.status_page import FILE, MOST_CALLERS, MOST_HEADER, StatusPage, page_of
from desktop.tickets import MOST_VIEWS, TICKET_MS, Door, make_ticket
from kit.errors import KitError

KEY, NOW = b"k" * 32, 1_795_348_800_000
EVIL = "<script>alert(1)</script>"


def answer(ready: bool = True, detail: str = "account 1, 2 symbol(s)") -> Answer:
    health = Health.OK if ready else Health.FAILED
    return Answer("metatrader-connector", ready, (DependencyHealth("terminal", health, detail, 1),))


@pytest.fixture
async def page(tmp_path):
    made = StatusPage(tmp_path, "1000001", lambda: [answer()])
    await made.start()
    yield made
    await made.stop()


async def call(
    page: StatusPage, target: str, *, method: str = "GET", host: str = "", cookie: str = ""
) -> tuple[str, str]:
    """(status line and headers, body)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    head = f"{method} {target} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{page.port}'}\r\n"
    writer.write((head + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode())
    said = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    top, _, body = said.decode().partition("\r\n\r\n")
    return top, body


def header(top: str, name: str) -> str:
    return next((line.partition(": ")[2] for line in top.split("\r\n") if line.lower().startswith(name.lower())), "")


async def entered(page: StatusPage) -> tuple[str, str]:
    """(path, cookie) as a browser has them after the link."""
    top, _ = await call(page, page_link(page.data).partition(f":{page.port}")[2])
    assert top.startswith("HTTP/1.1 303")
    return header(top, "Location"), header(top, "Set-Cookie").partition(";")[0]


async def test_the_link_leads_to_the_page_and_the_page_says_how_it_is(page) -> None:
    path, cookie = await entered(page)
    top, body = await call(page, path, cookie=cookie)
    assert top.startswith("HTTP/1.1 200")
    assert "account 1000001" in body
    assert "Everything is ready." in body
    assert "terminal: account 1, 2 symbol(s)" in body


async def test_a_link_opens_once(page) -> None:
    target = page_link(page.data).partition(f":{page.port}")[2]
    assert (await call(page, target))[0].startswith("HTTP/1.1 303")
    assert (await call(page, target))[0].startswith("HTTP/1.1 404")


async def test_the_address_of_an_open_page_is_nothing_without_its_cookie_and_no_cookie_fits_another_page(page) -> None:
    (one, cookie), (two, other) = await entered(page), await entered(page)
    for path, shown in ((one, ""), (one, other), (two, cookie), (one, "view="), ("/view/", cookie), ("/", cookie)):
        assert (await call(page, path, cookie=shown))[0].startswith("HTTP/1.1 404")


async def test_a_name_that_was_bound_to_this_machine_gets_nothing(page) -> None:
    path, cookie = await entered(page)
    for host in ("evil.example", f"localhost:{page.port}", "127.0.0.1", f"127.0.0.1:{page.port}, evil.example"):
        assert (await call(page, path, host=host, cookie=cookie))[0].startswith("HTTP/1.1 421")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_it_can_only_be_read(page, method) -> None:
    path, cookie = await entered(page)
    assert (await call(page, path, method=method, cookie=cookie))[0].startswith("HTTP/1.1 405")


async def test_a_browser_is_told_to_run_nothing_to_keep_nothing_and_to_show_it_in_no_frame(page) -> None:
    top, _ = await call(page, "/")
    policy = header(top, "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert header(top, "Cache-Control") == "no-store"
    assert header(top, "Referrer-Policy") == "no-referrer"
    link, _ = await call(page, page_link(page.data).partition(f":{page.port}")[2])
    kept = header(link, "Set-Cookie")
    assert "HttpOnly" in kept
    assert f"Path={header(link, 'Location')}" in kept


def test_what_apps_say_is_text_and_never_markup() -> None:
    assert EVIL.encode() not in page_of([answer(detail=EVIL)], EVIL, EVIL)
    assert b"&lt;script&gt;" in page_of([answer(detail=EVIL)], EVIL, EVIL)
    assert b"Something is not ready" in page_of([answer(ready=False)], "1", "")
    assert b"Something is not ready" in page_of([], "1", "")


async def test_it_listens_on_loopback_only_and_its_key_is_for_its_owner(page, tmp_path) -> None:
    assert {one.getsockname()[0] for one in page._server.sockets} == {"127.0.0.1"}
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


async def test_after_the_end_no_link_is_made(tmp_path) -> None:
    page = StatusPage(tmp_path, "1", list)
    await page.start()
    await page.stop()
    with pytest.raises(KitError, match="start the client"):
        page_link(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({"port": "x"}))
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(KitError, match="can't be opened"):
        page_link(tmp_path)


async def test_nobody_can_hold_it_up(page) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(MOST_CALLERS)]
    crowd[0][1].write(b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEADER * 2)
    for _, writer in crowd:
        writer.close()
    began = time.monotonic()
    path, cookie = await entered(page)
    assert (await call(page, path, cookie=cookie))[0].startswith("HTTP/1.1 200")
    assert time.monotonic() - began < 5


def test_a_ticket_is_good_for_its_time_and_with_its_mark_only() -> None:
    ticket = make_ticket(KEY, NOW, "ab")
    assert Door(KEY).opened(ticket, NOW + TICKET_MS) is not None
    assert Door(KEY).opened(ticket, NOW + TICKET_MS + 1) is None
    assert Door(KEY).opened(ticket, NOW - 1) is None
    assert Door(b"o" * 32).opened(ticket, NOW) is None
    for broken in ("", ".", "..", ticket[:-1], ticket.replace("ab", "cd"), "1" + ticket, "é.é.é"):
        assert Door(KEY).opened(broken, NOW) is None


def test_views_are_bounded_and_end() -> None:
    door = Door(KEY)
    views = [door.opened(make_ticket(KEY, NOW, str(i)), NOW) for i in range(MOST_VIEWS + 1)]
    assert not door.may_read(*views[0], NOW)
    assert door.may_read(*views[-1], NOW)
    assert not door.may_read(*views[-1], NOW + 13 * 3_600_000)
