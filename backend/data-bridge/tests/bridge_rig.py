"""The bridge's surroundings for tests and measurements: a NATS server, the bridge's process, a store, a terminal."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect

from contracts.accounts import Side
from contracts.codec import decode, encode
from contracts.executions import Execution, ExecutionState
from contracts.rpc import LEASE_TAKE, STORED, LeaseTaken, LeaseWish, Stored, StoredQuestion
from contracts.signals import SignedSignal
from contracts.subjects import stored as stored_subject
from contracts.ticks import TickBatch, pack, since
from contracts.uplink import (
    Ack,
    Control,
    DownFrame,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Refused,
    Rewind,
    StreamPosition,
    Welcome,
)
from kit import pki
from kit.bus import Bus, Delivery
from kit.errors import AnswerFault, BusUnavailable
from kit.free_ports import free_port
from kit.keys import public_text
from kit.testing import write_service_keys
from kit.testing.engines import NatsServer
from kit.testing.pki import page
from kit.tls import Identity, TlsFiles, client_context, host_of, thumbprint
from kit.tokens import mint

TENANT, ACCOUNT, EPOCH = "default", "1000001", 1_700_000_000_000
TERMINAL = "pc-1"


def terminal_token(
    key: Ed25519PrivateKey, now_s: int | None = None, *, shown: TlsFiles | None = None, **changes: Any
) -> str:
    """A terminal's token for TENANT/ACCOUNT, bound to the certificate `shown`, or with other claims; `audience` and
    `kind` may be changed too."""
    claims: dict[str, Any] = {"tenant": TENANT, "account": ACCOUNT}
    if shown is not None:
        claims["cnf"] = {"x5t#S256": thumbprint(pki.der(shown.leaf()))}
    claims |= changes
    audience, kind = claims.pop("audience", "data-bridge"), claims.pop("kind", "terminal+jwt")
    return mint(key, kind, audience, TERMINAL, int(time.time()) if now_s is None else now_s, 3_600, **claims)


def ticks_of(symbol: str, first_seq: int, count: int, *, epoch: int = EPOCH, account: str = ACCOUNT) -> TickBatch:
    """A batch whose `time_msc` is the tick's number, so that what arrives can be proved tick by tick."""
    numbers = range(first_seq, first_seq + count)
    return TickBatch(
        TENANT,
        account,
        symbol,
        epoch,
        first_seq,
        count,
        pack("q", numbers),
        pack("q", [1] * count),
        pack("d", [1.1] * count),
        pack("d", [1.2] * count),
        pack("I", [6] * count),
        pack("B", [0] * count),
    )


def execution_of(number: int, signal_id: str = "", state: ExecutionState = ExecutionState.FILLED) -> Execution:
    """An execution of TENANT/ACCOUNT."""
    from decimal import Decimal

    lot = Decimal("0.01")
    return Execution(
        TENANT, ACCOUNT, EPOCH, number, signal_id or f"s{number}", f"o{number}", state, "done", "", "EURUSD",
        Side.BUY, lot, lot, 1.1, 10009, 1, 2, 3, 1, 1, 1, 1, 1,
    )  # fmt: skip


def hello_of(
    journal: str = "journal-1", *, last_session: str = "", claim: bool = True, version: str = "9.0.0"
) -> Hello:
    """A good Hello of a client that was just started."""
    return Hello(1, TENANT, ACCOUNT, EPOCH, version, 1, journal, last_session, claim, "test 1")


@dataclass
class BridgeProcess:
    """`python -m data_bridge` in a process of its own."""

    folder: Path
    nats: NatsServer
    key: Ed25519PrivateKey
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where terminals connect."""
        return f"wss://127.0.0.1:{self.port}/terminal"

    @property
    def tls(self) -> ssl.SSLContext:
        """For the terminal: the bridge must be the bridge, and the terminal shows its certificate."""
        return client_context(self.shown)

    @property
    def shown(self) -> TlsFiles:
        """The terminal's certificate."""
        files = TlsFiles(self.nats.authority.directory / "terminal")
        made = files.cert.exists()
        return files if made else self.nats.authority.issue(Identity.terminal(TENANT, TERMINAL), folder="terminal")

    def token(self) -> str:
        """A good token, bound to that certificate."""
        return terminal_token(self.key, shown=self.shown)

    @property
    def ca(self) -> Path:
        """The root that terminals trust."""
        return self.nats.files("data-bridge").ca

    async def start(self, *python_options: str) -> None:
        """Start it and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_service_keys(self.folder / "secrets")
        public = self.folder / "token.pub"
        public.write_text(public_text(self.key))
        environ = os.environ | {
            "AITRADING_DATA_DIR": str(self.folder),
            **self.nats.environ("data-bridge"),
            "AITRADING_DATA_BRIDGE_PORT": str(self.port),
            "AITRADING_TOKEN_PUBLIC_KEY": str(public),
        }
        log = (self.folder / "bridge.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *python_options, "-m", "data_bridge"], env=environ, stderr=log, stdout=log
        )
        log.close()
        for _ in range(600):
            if await asyncio.to_thread(self.ready):
                return
            assert self.process.poll() is None, (self.folder / "bridge.log").read_text()
            await asyncio.sleep(0.05)
        raise AssertionError("the bridge did not become ready")

    def ready(self) -> bool:
        """Its own answer."""
        try:
            return bool(json.loads(self.page("health/ready"))["ready"])
        except (OSError, json.JSONDecodeError):
            return False

    def page(self, path: str) -> str:
        """One of its pages for operators."""
        return page(self.port, "data-bridge", self.nats.files("operator"), f"/{path}")[1].decode()

    def cpu_s(self) -> float:
        """CPU seconds it has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, *, kill: bool = False) -> int:
        """End it: with SIGTERM, or with SIGKILL."""
        code = 0
        if self.process is not None:
            process, self.process = self.process, None
            process.kill() if kill else process.terminate()
            try:
                code = process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()  # it hangs: the caller sees the code of a killed process
                code = process.wait(5)
        return code


@dataclass
class FakeStore:
    """Judges as the real store does: only contiguous numbers are kept, a hole is refused, each change is told."""

    bus: Bus
    kept: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """ (symbol, epoch) -> every number it has kept, in the order of keeping """
    marks: dict[tuple[str, int], int] = field(default_factory=dict)
    """ (symbol, epoch) -> its watermark """
    executions: list[int] = field(default_factory=list)
    execution_stored: int = 0
    mute: bool = False
    """It takes messages but tells nobody and answers nothing."""
    lends: bool = True
    """It answers who may trade an account."""
    holder: LeaseWish | None = None
    """Who was lent the account."""
    fence: int = 0
    wishes: list[LeaseWish] = field(default_factory=list)
    remember: bool = True
    """Keep every number; a measurement keeps watermarks only."""

    async def open(self) -> None:
        """Begin to store and to answer."""
        await self.bus.answer(STORED, self._answer)
        await self.bus.answer(LEASE_TAKE, self._lend)
        await self.bus.consume("TICKS", "store-ticks", "ticks.>", self._ticks)
        await self.bus.consume("EXECUTIONS", "store-executions", "executions.>", self._executions)

    def report(self) -> Stored:
        """What is stored of TENANT/ACCOUNT."""
        streams = tuple(StreamPosition(symbol, epoch, seq) for (symbol, epoch), seq in self.marks.items())
        return Stored(TENANT, ACCOUNT, streams, EPOCH, self.execution_stored)

    async def tell(self) -> None:
        """Publish what is stored, unless mute."""
        if not self.mute:
            with contextlib.suppress(BusUnavailable):
                await self.bus.publish(stored_subject(TENANT, ACCOUNT), encode(self.report()))

    async def _lend(self, wish: LeaseWish) -> LeaseTaken:
        if not self.lends:
            raise AnswerFault("unavailable", "the database is away")
        if self.mute:
            await asyncio.sleep(60)
        self.wishes.append(wish)
        known = self.holder
        if known is not None and known.journal != wish.journal and not wish.claim:
            return LeaseTaken(0, False, known.terminal, 1)
        changed = known is not None and (known.journal, known.session) != (wish.journal, wish.last_session)
        self.fence += not known or changed
        self.holder = wish
        return LeaseTaken(self.fence, bool(known) and (changed or wish.claim), wish.terminal, 1)

    async def _answer(self, question: StoredQuestion) -> Stored:
        if self.mute:
            await asyncio.sleep(60)
        return self.report()

    def keep(self, batch: TickBatch) -> None:
        """Keep what continues the stream."""
        key = (batch.symbol, batch.epoch)
        mark = self.marks.get(key, 0)
        rest = since(batch, mark)
        if rest is None or rest.first_seq != mark + 1:
            self.marks.setdefault(key, mark)
            return
        self.marks[key] = rest.last_seq
        if self.remember:
            numbers = memoryview(rest.time_msc).cast("q").tolist()
            self.kept.setdefault(key, []).extend(numbers)

    async def _ticks(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self.keep(decode(delivery.data, TickBatch))
        await self.tell()
        for delivery in deliveries:
            await delivery.ack()

    async def _executions(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            number = decode(delivery.data, Execution).number
            if number not in self.executions:
                self.executions.append(number)
            while self.execution_stored + 1 in self.executions:
                self.execution_stored += 1
            await delivery.ack()
        await self.tell()


@dataclass
class Terminal:
    """A connector's half of the conversation: it remembers what came down, and obeys Rewind when it runs `feed`."""

    socket: ClientConnection
    frames: list[msgspec.Struct] = field(default_factory=list)
    """Bodies of Control frames, and SignedSignals."""
    reader: "asyncio.Task[None] | None" = None
    answers: bool = True
    """It tells its clock when asked."""
    clock_ahead_ms: int = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls,
        url: str,
        token: str,
        *,
        hello: Hello | None = None,
        clock_ahead_ms: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> "AsyncIterator[Terminal]":
        """Connect and send Hello (a good one unless given)."""
        headers = {"Authorization": f"Bearer {token}"}
        secure = {"ssl": tls, "server_hostname": host_of("data-bridge")} if tls else {}
        async with connect(url, additional_headers=headers, compression=None, max_size=None, **secure) as socket:
            terminal = cls(socket, clock_ahead_ms=clock_ahead_ms)
            terminal.reader = asyncio.create_task(terminal._read())
            try:
                await terminal.say(hello or hello_of())
                yield terminal
            finally:
                terminal.reader.cancel()
                await asyncio.gather(terminal.reader, return_exceptions=True)

    async def _read(self) -> None:
        async for data in self.socket:
            assert isinstance(data, bytes)
            frame = decode(data, DownFrame)  # type: ignore[arg-type]  # a union is a type to msgspec
            body = frame.body if isinstance(frame, Control) else frame
            self.frames.append(body)
            if isinstance(body, Welcome):
                await self.say(Ping(1))  # a connector asks at once whether the account is its own
            elif isinstance(body, Ping) and self.answers:
                await self.say(Pong(body.sent_ms, body.sent_ms + self.clock_ahead_ms))

    async def say(self, body: object) -> None:
        """Send a Control frame."""
        await self.socket.send(encode(Control(body)))  # type: ignore[arg-type]

    async def send(self, message: object) -> None:
        """Send a frame as it is."""
        await self.socket.send(message if isinstance(message, bytes) else encode(message))

    def heard(self, kind: type) -> list[msgspec.Struct]:
        """What came down of one kind."""
        return [f for f in self.frames if isinstance(f, kind)]

    def acked(self, symbol: str) -> int:
        """Highest number of the symbol that was acknowledged, in Welcome or Ack."""
        said = [p for f in self.frames if isinstance(f, Ack | Welcome) for p in f.stored]
        return max((p.seq for p in said if p.symbol == symbol), default=0)

    async def feed(self, symbol: str, until: int, *, batch: int = 50, start: int | None = None) -> None:
        """Send numbers up to `until` as a spool would: from the acknowledged one on, back on Rewind, and return when
        all are acknowledged. Raises ConnectionClosed when the bridge goes away."""
        at = start if start is not None else self.acked(symbol) + 1
        rewinds = 0
        while (acked := self.acked(symbol)) < until:
            back = [f for f in self.frames if isinstance(f, Rewind) and f.symbol == symbol]
            if len(back) > rewinds:
                rewinds, at = len(back), back[-1].from_seq
            if at <= until and at - acked < 4_000:
                count = min(batch, until - at + 1)
                await self.send(ticks_of(symbol, at, count))
                at += count
                await asyncio.sleep(0)
            else:
                if self.reader is not None and self.reader.done():
                    await self.socket.recv()  # raises why it is closed
                await asyncio.sleep(0.01)


__all__ = ["Goodbye", "Refused", "SignedSignal"]
