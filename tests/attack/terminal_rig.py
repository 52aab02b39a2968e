"""A bridge's door and a hub's desk with real certificates and sockets, and PCs that join them; no engine is needed."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import picows
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from central_hub.adapters.terminal_book import TerminalBook
from central_hub.domain.terminals import JOIN_LIFETIME_MS, Terminal, join_hash
from central_hub.terminal_desk import TerminalDesk
from client_security.adapters.papers import Papers
from client_security.adapters.wire import dial
from client_security.membership import Membership, Ticket
from client_security.testing import enrolment_of
from client_security.vaults import VAULT_DIR, vault_in
from contracts.rpc import TERMINAL_JOIN, TERMINAL_RENEW
from contracts.terminals import Joined
from data_bridge.adapters.errand_talk import Errands
from data_bridge.adapters.join_talk import Talks
from data_bridge.adapters.shelf import FileShelf
from data_bridge.domain.counts import Counts
from data_bridge.domain.greeting import Identity as Who
from data_bridge.routes import Door
from kit import pki
from kit.edge import Edge
from kit.free_ports import free_port
from kit.health import HealthBook
from kit.keys import key_id
from kit.revocations import RevocationBook, follow
from kit.testing import FakeBus
from kit.testing.pki import TestAuthority
from kit.tls import Identity, Kind, TlsFiles, server_context

NAME = "trade.example"
"""The server's name in enrolments; where it leads is each PC's `resolve` to say."""


def now_ms() -> int:
    """This machine's clock: OpenSSL looks at the same."""
    return time.time_ns() // 1_000_000


@dataclass
class ShiftedClock:
    """The machine's clock, moved by `ahead_ms`."""

    ahead_ms: int = 0

    def now_ms(self) -> int:
        return now_ms() + self.ahead_ms

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@dataclass
class Trail:
    """Refusals as they would be audited."""

    refusals: list[tuple[str, str]] = field(default_factory=list)

    def record(self, tenant: str, kind: str, subject: str, detail: dict[str, str]) -> None:
        """Not looked at here."""

    def refusal(self, tenant: str, subject: str, code: str, reason: str) -> None:
        self.refusals.append((tenant, code))


class Line(picows.WSListener):
    """An open connection of a terminal, seen from either side."""

    def __init__(self, who: Who | None = None) -> None:
        super().__init__()
        self.who = who
        self.transport: picows.WSTransport | None = None
        self.closed = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.closed.set()

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.disconnect()


@dataclass
class Server:
    """The door on one address, the desk behind it."""

    folder: Path
    port: int = field(default_factory=free_port)
    clock: ShiftedClock = field(default_factory=ShiftedClock)
    bus: FakeBus = field(default_factory=FakeBus)
    trail: Trail = field(default_factory=Trail)
    lines: list[Line] = field(default_factory=list)
    renewed: list[Joined] = field(default_factory=list)
    leaf_lifetime_s: int = 3_600
    pinset: bytes = b""
    token_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    rotation_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    edges: list[Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority = TestAuthority(self.folder / "ca")
        self.book = TerminalBook(self.folder / "terminals.db")
        self.revoked = RevocationBook()
        self.desk = TerminalDesk(
            self.book, self._sign, lambda: self.token_key, lambda: self.pinset, self.bus, self.clock, self.revoked
        )
        counts = Counts()
        talks = Talks(self.bus, counts, self.trail, "default", self.renewed.append, self.clock)
        self.door = Door(
            {key_id(self.token_key): self.token_key.public_key()},
            self.clock,
            counts,
            self.trail,
            self.revoked,
            "default",
            self._open,
            talks.begin,
            Errands(self.bus, self.clock, counts, self.trail, FileShelf(self.folder / "refused", 8, self.clock)).begin,
        )

    def _sign(self, request: bytes, tenant: str, terminal: str) -> bytes:
        issuer, identity = self.authority.intermediate, Identity.terminal(tenant, terminal)
        key = pki.requested_key(request)
        leaf = pki.make_leaf(issuer, key, identity, now_ms=now_ms(), lifetime_s=self.leaf_lifetime_s)
        return pki.pem(leaf, issuer.certificate)

    def _open(self, who: Who) -> Line:
        self.lines.append(Line(who))
        return self.lines[-1]

    async def open(self) -> None:
        """Answer over the bus and listen on 127.0.0.1."""
        await follow(self.bus, self.revoked)
        await self.bus.answer(TERMINAL_JOIN, self.desk.join)
        await self.bus.answer(TERMINAL_RENEW, self.desk.renew)
        await self.listen("127.0.0.1")

    async def listen(self, address: str, files: TlsFiles | None = None) -> None:
        """The same door on one more address, with the right certificate or with another."""
        tls = server_context(files or self.authority.service("data-bridge"), client_certificates=True, optional=True)
        admits = frozenset({Kind.TERMINAL, Kind.SERVICE, Kind.OPERATOR})
        edge = Edge(
            "data-bridge", address, self.port, HealthBook(self.clock), CollectorRegistry(), self.door.accept,
            64 * 1024, tls, admits, True,
        )  # fmt: skip
        await edge.start()
        self.edges.append(edge)

    async def close(self) -> None:
        """Stop listening and hang up."""
        for edge in self.edges:
            await edge.stop()
        self.edges.clear()
        for line in self.lines:
            line.hang_up()

    def enrol(self, tenant: str = "default", account: str = "1000001", **changes: Any) -> dict[str, Any]:
        """As `aitrading terminal add`: a terminal in the book and what its PC is given."""
        number = len(self.book.all())
        name, token = f"{account}-{number:04x}", f"one-time-{number}-{tenant}-{account}"
        self.book.add(Terminal(name, tenant, account, join_hash(token), now_ms(), now_ms() + JOIN_LIFETIME_MS))
        spoken = enrolment_of(
            self.authority, f"wss://{NAME}:{self.port}/terminal", self.token_key, tenant=tenant, account=account,
            terminal=name, join_token=token,
        )  # fmt: skip
        from kit.keys import public_text

        return {**spoken, "rotation_key": public_text(self.rotation_key), **changes}


@dataclass
class Pc:
    """A trader's PC: a vault, an enrolment, and a name server that may lie."""

    folder: Path
    enrolment: dict[str, Any]
    leads_to: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "enrolment.json"
        file.write_bytes(msgspec.json.encode(self.enrolment))
        self.papers = Papers(vault_in(self.folder / "data"))
        self.papers.import_enrolment(file, "file")
        self.restart()

    def restart(self) -> None:
        """Forget everything but what is in the vault."""
        self.member = Membership(self.papers, self.folder / "data" / VAULT_DIR, self.clock, self._resolve)

    async def _resolve(self, _host: str, _port: int) -> list[str]:
        if not self.leads_to:
            raise OSError("Temporary failure in name resolution")
        return list(self.leads_to)

    async def connect(self, ticket: Ticket | None = None, *, token: str | None = None) -> Line:
        """Open `/terminal` with what this PC has, or with a stolen ticket or token."""
        ticket = ticket or await self.member.ticket()
        headers = {"Authorization": f"Bearer {ticket.token if token is None else token}"}
        _, line = await dial(self.member.enrolment.server, Line, ticket.context, self.member.last, headers)
        assert isinstance(line, Line)
        return line


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Server]:
    """A server that listens."""
    server = Server(folder / "server")
    await server.open()
    try:
        yield server
    finally:
        await server.close()
