"""A small bridge that speaks contracts/uplink.py, and an enrolment for it."""

import asyncio
import importlib.util
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import picows
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.testing import enrolment_of
from contracts.accounts import AccountState, Side
from contracts.codec import decode, encode
from contracts.executions import FINAL_EXECUTIONS, Execution
from contracts.signals import Signal, SignedSignal, magic_of, short_id
from contracts.terminals import Joined, JoinRequest, RenewRequest
from contracts.ticks import TickBatch, column_fault, since
from contracts.uplink import (
    AccountFrame,
    Ack,
    Control,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Rewind,
    StreamPosition,
    UpFrame,
    Welcome,
)
from kit import pki
from kit.signing import sign
from kit.testing.pki import TestAuthority
from kit.tls import Identity, server_context

for _name in ("desk_room", "ea_room"):  # tests are no package: a neighbour is loaded by its path
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

ACCOUNT = "1000001"
FENCE = 7
"""The lease that the bridge below grants to whoever asks."""


class _Joining(picows.WSListener):
    def __init__(self, bridge: "FakeBridge") -> None:
        self.bridge = bridge

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.BINARY:
            question = decode(frame.get_payload_as_bytes(), JoinRequest | RenewRequest)
            transport.send(picows.WSMsgType.BINARY, encode(self.bridge.admit(question)))


class _Terminal(picows.WSListener):
    def __init__(self, bridge: "FakeBridge") -> None:
        self.bridge = bridge

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.BINARY:
            self.bridge.frames += 1
            self.bridge.heard(transport, decode(frame.get_payload_as_bytes(), UpFrame))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if self.bridge.live is transport:
            self.bridge.live = None


PATIENCE_S = 0.5


@dataclass
class FakeBridge:
    """Keeps what it hears as the store would: contiguous, once. `stores` False: acks nothing."""

    stores: bool = True
    goodbye: Goodbye | None = None
    ticks: dict[tuple[str, int], int] = field(default_factory=dict)
    """ (symbol, epoch) -> highest contiguous number """
    batches: list[TickBatch] = field(default_factory=list)
    keep_batches: bool = True
    repeats: int = 0
    rewinds: int = 0
    drop_batches: int = 0
    """ this many coming batches get lost on the way to the store """
    executions: dict[tuple[int, int], Execution] = field(default_factory=dict)
    heard_executions: list[tuple[int, Execution]] = field(default_factory=list)
    """ (monotonic ns, execution), repeats included """
    tick_heard_ns: list[tuple[int, int]] = field(default_factory=list)
    states: list[AccountState] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    frames: int = 0
    live: picows.WSTransport | None = None
    port: int = 0
    authority: TestAuthority | None = None
    joins: int = 0
    renewals: int = 0
    leaf_lifetime_s: int = 3_600
    address: str = "127.0.0.1"
    forget_executions: bool = False
    fence: int = FENCE
    clock_ahead_ms: int = 0
    pongs: int = 0
    _server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        assert self.authority is not None
        tls = server_context(self.authority.service("data-bridge"), client_certificates=True, optional=True)
        self._server = await picows.ws_create_server(
            self._accept, self.address, port, max_frame_size=4 * 1024 * 1024, websocket_handshake_timeout=5, ssl=tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            self._server = None

    def cut(self) -> None:
        """Break the connection."""
        if self.live is not None:
            self.live.disconnect()
            self.live = None

    def admit(self, question: JoinRequest | RenewRequest) -> Joined:
        """Whoever asks gets a certificate: who may is the real hub's to say."""
        assert self.authority is not None
        now = time.time_ns() // 1_000_000
        key = pki.requested_key(question.request)
        identity = Identity.terminal("default", "1000001-abcd")
        leaf = pki.make_leaf(self.authority.intermediate, key, identity, now_ms=now, lifetime_s=self.leaf_lifetime_s)
        self.joins += isinstance(question, JoinRequest)
        self.renewals += isinstance(question, RenewRequest)
        chain = pki.pem(leaf, self.authority.intermediate.certificate)
        return Joined(identity.name, chain, "aaa.bbb.ccc", now, now + self.leaf_lifetime_s * 1_000)

    def _accept(self, request: picows.WSUpgradeRequest) -> picows.WSListener:
        if request.path in (b"/join", b"/renew"):
            return _Joining(self)
        self.headers.append(request.headers.get("Authorization", ""))
        return _Terminal(self)

    def send(self, message: object) -> None:
        assert self.live is not None
        self.live.send(picows.WSMsgType.BINARY, encode(message))

    def heard(self, transport: picows.WSTransport, frame: object) -> None:
        if isinstance(frame, TickBatch):
            self._ticks(frame)
        elif isinstance(frame, Execution):
            self.heard_executions.append((time.monotonic_ns(), frame))
            if not self.forget_executions:
                self.executions[frame.epoch, frame.number] = frame
                if self.stores:
                    self.send(Control(Ack((), self.execution_stored(frame.epoch))))
        elif isinstance(frame, AccountFrame):
            self.states.append(frame.state)
        elif isinstance(frame, Control) and isinstance(frame.body, Hello):
            self.hellos.append(frame.body)
            self.live = transport
            if self.goodbye is not None:
                self.send(Control(self.goodbye))
                return
            epoch = frame.body.epoch
            stored = tuple(StreamPosition(s, e, seq) for (s, e), seq in self.ticks.items() if e == epoch)
            self.send(Control(Welcome(stored, self.execution_stored(epoch), 0, "s1")))
        elif isinstance(frame, Control) and isinstance(frame.body, Ping):
            self.pongs += 1
            self.send(Control(Pong(frame.body.sent_ms, time.time_ns() // 1_000_000 + self.clock_ahead_ms, self.fence)))

    def execution_stored(self, epoch: int) -> int:
        number = 0
        while (epoch, number + 1) in self.executions:
            number += 1
        return number

    def _ticks(self, batch: TickBatch) -> None:
        self.tick_heard_ns.append((time.time_ns(), batch.count))
        if (fault := column_fault(batch)) is not None:
            self.faults.append(fault)
            return
        key = (batch.symbol, batch.epoch)
        have = self.ticks.get(key, 0)
        if self.drop_batches:
            self.drop_batches -= 1
            # as the real one: what the store does not confirm in time is asked for again, whether more comes or not
            asyncio.get_running_loop().call_later(PATIENCE_S, self._ask_again, key, have)
            return
        if batch.first_seq > have + 1:
            self._rewind(key, have, "hole")
            return
        fresh = since(batch, have)
        if fresh is None or fresh.count < batch.count:
            self.repeats += 1
        if fresh is None:
            return
        self.ticks[key] = fresh.last_seq
        if self.keep_batches:
            self.batches.append(fresh)
        if self.stores:
            self.send(Control(Ack((StreamPosition(batch.symbol, batch.epoch, fresh.last_seq),))))

    def _rewind(self, key: tuple[str, int], have: int, reason: str) -> None:
        self.rewinds += 1
        self.send(Control(Rewind(*key, have + 1, reason)))

    def _ask_again(self, key: tuple[str, int], have: int) -> None:
        if self.live and self.ticks.get(key, 0) == have:
            self._rewind(key, have, "not stored in time")

    def total(self) -> int:
        return sum(self.ticks.values())

    def finals(self) -> list[Execution]:
        return [e for e in self.executions.values() if e.state in FINAL_EXECUTIONS]


@dataclass
class World:
    """A data directory, an enrolment, a signing key, and the JSON of a simulated terminal."""

    root: Path
    bridge: FakeBridge
    key: Ed25519PrivateKey
    seq: int = 0

    @property
    def data(self) -> Path:
        return self.root / "client"

    @property
    def enrolment_file(self) -> Path:
        return self.root / "enrolment.json"

    def enrol(self) -> None:
        assert self.bridge.authority is not None
        body = enrolment_of(self.bridge.authority, f"wss://localhost:{self.bridge.port}/terminal", self.key)
        self.enrolment_file.write_text(json.dumps(body))

    def terminal(self, **config: object) -> Path:
        account = {"login": int(ACCOUNT), "server": "mt5sim-Demo", **config.pop("account", {})}
        path = self.root / "terminal.json"
        path.write_text(json.dumps({"account": account, "state_file": "broker.db", **config}))
        return path

    def signal(self, **change: object) -> SignedSignal:
        now = time.time_ns() // 1_000_000
        self.seq = max(self.seq + 1, now)
        identity = uuid.uuid4().hex
        fields = {
            "id": identity,
            "order_id": "order-" + identity[:8],
            "tenant": "default",
            "account": ACCOUNT,
            "strategy": "test",
            "seq": self.seq,
            "issued_ms": now,
            "expires_ms": now + 4_000,
            "symbol": "EURUSD",
            "side": Side.BUY,
            "volume": Decimal("0.10"),
            "position": 0,
            "price": 0.0,
            "deviation_points": 0,
            "magic": magic_of(identity),
            "comment": short_id(identity),
            "fence": FENCE,
            **change,
        }
        return sign(Signal(**fields), self.key)

    def environment(self, terminal: Path, port: int, **more: str) -> dict[str, str]:
        prefix = "AITRADING_METATRADER_CONNECTOR_"
        own = {
            "port": str(port),
            "data_dir": str(self.data),
            "terminal": "mt5sim",
            "terminal_path": str(terminal),
            "terminal_clock": "utc",
            "not_sent_after_s": "1.0",
            "search_every_s": "0.2",
            **more,
        }
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return base | {prefix + name.upper(): value for name, value in own.items()}

    async def start(self, terminal: Path, port: int, failpoint: str = "", **more: str) -> asyncio.subprocess.Process:
        stdin = asyncio.subprocess.PIPE if more.pop("parent", "") else None
        environment = self.environment(terminal, port, **more)
        if failpoint:
            environment |= {"AITRADING_FAILPOINT": failpoint, "AITRADING_ALLOW_FAILPOINTS": "1"}
        if stdin is not None:  # as the desktop starts it: it ends when its parent does
            environment |= {"AITRADING_STOP_ON_EOF": "1"}
        log = (self.root / "connector.log").open("ab")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "metatrader_connector", env=environment, stdout=log, stderr=log, stdin=stdin
        )


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[FakeBridge]:
    made = FakeBridge(authority=TestAuthority(tmp_path / "server"))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def world(bridge: FakeBridge, tmp_path: Path) -> World:
    from client_security.adapters.papers import Papers
    from client_security.vaults import vault_in

    made = World(tmp_path, bridge, Ed25519PrivateKey.generate())
    made.enrol()
    Papers(vault_in(made.data)).import_enrolment(made.enrolment_file, "file")
    return made
