"""The status page of this PC: one page on the loopback address, read-only, for the person in front of it.

Plain HTTP, because a browser would warn of a certificate that only this PC knows; it never leaves the machine. What
keeps others out: a ticket (tickets.py), the exact Host header (a name that was re-bound to 127.0.0.1 gets nothing), no
script, no form, and no way to change anything.
"""

import asyncio
import contextlib
import hashlib
import html
import json
import os
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from client_security.adapters.private_file import write_private
from desktop.health import Answer
from desktop.supervisor import trouble_of
from desktop.tickets import COOKIE, VIEW_MS, Door

FILE = "status-page.json"
READ_S = 5.0
MOST_HEADER = 8_192
MOST_CALLERS = 16
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2530;background:#fff}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .8rem;"
    "border-bottom:1px solid #d8dee6;vertical-align:top}.ok{color:#0a6b3d}.no{color:#a4161a;font-weight:600}"
    "@media(prefers-color-scheme:dark){body{color:#e6ebf1;background:#12171d}td,th{border-color:#2c3640}"
    ".ok{color:#63d297}.no{color:#ff8f8f}}"
)
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = (
    f"Content-Security-Policy: default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\nConnection: close\r\n"
)
Ask = Callable[[], Sequence[Answer]]


def page_of(answers: Sequence[Answer], account: str, since: str) -> bytes:
    """The whole page. Everything that came from elsewhere is escaped."""
    ready = bool(answers) and all(answer.ready for answer in answers)
    rows = "".join(
        f"<tr><th>{html.escape(answer.service)}</th><td class={'ok' if answer.ready else 'no'}>"
        f"{'ready' if answer.ready else 'not ready'}</td><td>{html.escape(_details(answer))}</td></tr>"
        for answer in answers
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<meta http-equiv=refresh content=5>"
        f"<title>{'Connected' if ready else 'Not connected'} – trading client</title>"
        f"<style>{STYLE}</style><h1>Trading client, account {html.escape(account)}</h1>"
        f"<p class={'ok' if ready else 'no'}>{'Everything is ready.' if ready else 'Something is not ready.'}</p>"
        f"<table><tr><th>Part<th>State<th>What it says</tr>{rows}</table>"
        f"<p>Running since {html.escape(since)}. This page shows and changes nothing. For more: "
        "<code>aitrading-client doctor</code>. To stop all orders at once: "
        "<code>aitrading-client limits halt</code>.</p>"
    ).encode()


def _details(answer: Answer) -> str:
    told = [f"{each.name}: {each.detail}" for each in answer.dependencies if each.detail and each.name != "process"]
    return "; ".join(told) or trouble_of(answer)


@dataclass(slots=True)
class StatusPage:
    """`start()` listens on any free port and writes where, and the key, into a private file; `stop()` removes it."""

    data: Path
    account: str
    ask: Ask
    """Blocks; it is called in a thread."""
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    port: int = 0
    _door: Door = field(default_factory=lambda: Door(secrets.token_bytes(32)))
    _server: asyncio.Server | None = None
    _callers: int = 0
    _since: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M"))

    async def start(self) -> None:
        """OSError when the machine has no port left."""
        self._server = await asyncio.start_server(self._call, "127.0.0.1", 0, limit=MOST_HEADER)
        self.port = int(self._server.sockets[0].getsockname()[1])
        told = {"port": self.port, "pid": os.getpid(), "key": self._door.key.hex()}
        await asyncio.to_thread(write_private, self.data / FILE, json.dumps(told).encode())

    async def stop(self) -> None:
        """Nobody is answered any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.to_thread((self.data / FILE).unlink, missing_ok=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers <= MOST_CALLERS:
                async with asyncio.timeout(READ_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                async with asyncio.timeout(READ_S):
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever does not ask properly gets no answer
        finally:
            self._callers -= 1
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer(self, head: bytes) -> bytes:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.partition(" ")[0]
        fields = [line.partition(":") for line in lines if line]
        hosts = [value.strip() for name, _, value in fields if name.strip().lower() == "host"]
        if hosts != [f"127.0.0.1:{self.port}"]:
            return _said("421 Misdirected Request", b"This page has one address only.")
        if method != "GET":
            return _said("405 Method Not Allowed", b"This page is for reading.", "Allow: GET\r\n")
        kind, _, name = target.removeprefix("/").partition("/")
        if kind == "open":
            return self._opening(name)
        cookies = [value for header, _, value in fields if header.strip().lower() == "cookie"]
        if kind == "view" and self._door.may_read(name, _cookie(cookies), self.now_ms()):
            answers = await asyncio.to_thread(self.ask)
            return _said("200 OK", page_of(answers, self.account, self._since))
        return _said("404 Not Found", b"Open this page with: aitrading-client status --open")

    def _opening(self, ticket: str) -> bytes:
        opened = self._door.opened(ticket, self.now_ms())
        if opened is None:
            return _said(
                "404 Not Found", b"This link was used or is too old. Open the page with: aitrading-client status --open"
            )
        path, cookie = opened
        kept = f"{COOKIE}={cookie}; Path=/view/{path}; Max-Age={VIEW_MS // 1000}; HttpOnly; SameSite=Lax"
        # not `Strict`: a browser that was started by another program would not send it along the redirect
        return _said("303 See Other", b"", f"Location: /view/{path}\r\nSet-Cookie: {kept}\r\n")


def _cookie(headers: list[str]) -> str:
    found: SimpleCookie = SimpleCookie()
    for header in headers:
        with contextlib.suppress(CookieError):
            found.load(header)
    return found[COOKIE].value if COOKIE in found else ""


def _said(status: str, body: bytes, more: str = "") -> bytes:
    kind = "text/html" if body.startswith(b"<") else "text/plain"
    about = f"Content-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status}\r\n{about}{HEADERS}{more}\r\n".encode() + body
