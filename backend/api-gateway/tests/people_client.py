"""A browser for tests: keeps cookies and the CSRF token, and answers challenges."""

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field
from typing import Any

import httpx
from gateway_world import PASSWORD, World
from soft_authenticator import SoftPasskey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api_gateway.domain import totp


@dataclass
class Browser:
    """One person's browser. `origin` is the page that it shows."""

    world: World
    origin: str = ""
    csrf: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    secret: bytes = b""
    """Of the authenticator app."""

    def __post_init__(self) -> None:
        self.origin = self.origin or f"http://localhost:{self.world.gateway.port}"

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As a page does."""
        told = {"origin": self.origin, "host": self.origin.partition("://")[2]} if method != "GET" else {}
        told |= {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), "x-csrf-token": self.csrf}
        self.world.http.cookies.clear()
        answer = await self.world.http.request(method, f"/api/v1/{path}", json=body, headers=told | headers)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        if answer.is_success and answer.content and "csrf" in answer.json():
            self.csrf = answer.json()["csrf"]
        return answer

    async def sign_in(self, name: str = "ann", password: str = PASSWORD) -> httpx.Response:
        """With the password."""
        return await self.ask("POST", "session", {"name": name, "password": password})

    async def add_totp(self) -> tuple[str, ...]:
        """Set an authenticator app up; the recovery codes."""
        offer = (await self.ask("POST", "me/totp")).json()
        self.secret = base64.b32decode(offer["secret"] + "=" * (-len(offer["secret"]) % 8))
        added = await self.ask("PUT", "me/totp", {"challenge": offer["challenge"], "totp": self.code()})
        assert added.status_code == 200, added.text
        return tuple(added.json()["recovery_codes"])

    def code(self, steps: int = 0) -> str:
        """What the app shows now, or `steps` later."""
        return totp.code_at(self.secret, self.world.clock.ms // totp.STEP_MS + steps)


async def listening(browser: Browser) -> ClientConnection:
    """The browser's open stream."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    address = browser.origin.replace("http", "ws", 1) + "/api/v1/stream"
    socket = await connect(address, additional_headers={"cookie": cookie}, origin=browser.origin)  # type: ignore[arg-type]
    await socket.send((await browser.ask("POST", "stream-ticket")).json()["ticket"])
    await socket.recv()
    return socket


async def code_of(socket: ClientConnection, within_s: float = 1.0) -> int:
    """Why it was closed, within a second."""
    async with asyncio.timeout(within_s):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return int(socket.close_code or 0)


async def passkey_of(browser: Browser, **fields: object) -> SoftPasskey:
    """A passkey that the browser's owner has just made."""
    passkey = SoftPasskey(browser.origin, **fields)  # type: ignore[arg-type]
    offer = (await browser.ask("POST", "me/passkeys/challenge")).json()
    body = {"challenge": offer["challenge"], "credential": passkey.create(offer["options"]), "name": "laptop"}
    made = await browser.ask("POST", "me/passkeys", body)
    assert made.status_code == 201, made.text
    return passkey
