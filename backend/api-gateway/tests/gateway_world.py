"""A real gateway on a random port: the bus is in memory, and the services behind it answer from lists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import argon2
import httpx
from news_world import MemoryNews
from people_world import MemoryPeople
from tenants_world import MemoryTenants

from api_gateway.adapters.argon2_hasher import Argon2Hasher
from api_gateway.adapters.token_office import AUDIENCE, KIND
from api_gateway.app import Gateway, build
from api_gateway.settings import Settings
from contracts import rpc, subjects
from contracts.accounts import AccountState, Instrument, MarginMode, Position, PriceSource, Side
from contracts.audit import AuditRecord
from contracts.bars import Bar
from contracts.codec import decode, encode
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.people import SessionKind, SessionRow
from contracts.proof import ChainedRecord, Trail, TrailQuestion
from contracts.ticks import TickBatch, pack
from kit import tokens
from kit.errors import AnswerFault
from kit.keys import key_id, make_private_key
from kit.lifespan import opened
from kit.testing import FakeBus, FakeClock, eventually

ACCOUNT, OTHER_ACCOUNT = "1000001", "2000002"
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
CODE = "setup-code-of-the-first-start"
PASSWORD = "correct horse battery"
HOST = b"Host: 127.0.0.1\r\n"


def state(account: str = ACCOUNT, tenant: str = "default", taken_ms: int = 1, **changes: Any) -> AccountState:
    """An account with one instrument and one position."""
    position = Position(7, "EURUSD", Side.BUY, Decimal("0.10"), 1.1, 1.2, Decimal("1.50"), Decimal(0), 5)
    instrument = Instrument(
        "EURUSD", "Euro", 5, 0.00001, Decimal(100000), Decimal("0.01"), Decimal(50), Decimal("0.01"), "EUR", "USD"
    )
    whole: dict[str, Any] = {
        "tenant": tenant,
        "account": account,
        "taken_ms": taken_ms,
        "server": "Demo",
        "company": "Broker",
        "currency": "USD",
        "margin_mode": MarginMode.HEDGING,
        "leverage": 100,
        "balance": Decimal("1000.00"),
        "equity": Decimal("1001.50"),
        "margin": Decimal(10),
        "margin_free": Decimal("991.50"),
        "profit": Decimal("1.50"),
        "source": PriceSource.SIMULATED,
        "connected": True,
        "trade_allowed": True,
        "trade_blocked_because": "",
        "positions": (position,),
        "instruments": (instrument,),
    }
    return AccountState(**(whole | changes))


def batch(
    first_seq: int = 1,
    bids: tuple[float, ...] = (1.1,),
    *,
    tenant: str = "default",
    account: str = ACCOUNT,
    symbol: str = "EURUSD",
    epoch: int = 1,
) -> TickBatch:
    """Ticks, one for each bid, a second apart."""
    count = len(bids)
    times = pack("q", [1_700_000_000_000 + 1000 * (first_seq + i) for i in range(count)])
    asks = pack("d", [bid + 0.0001 for bid in bids])
    flags, marks = pack("I", [6] * count), pack("B", [0] * count)
    return TickBatch(
        tenant, account, symbol, epoch, first_seq, count, times, times, pack("d", bids), asks, flags, marks
    )


def order(identity: str = "o1", tenant: str = "default", updated_ms: int = 2) -> Order:
    """A filled order."""
    return Order(
        identity, tenant, ACCOUNT, "ma", "EURUSD", Side.BUY, Decimal("0.1"), OrderState.FILLED, "", 1, updated_ms
    )


def execution(number: int = 1, tenant: str = "default") -> Execution:
    """A fill."""
    volume = Decimal("0.1")
    return Execution(
        tenant, ACCOUNT, 1, number, "s1", "o1", ExecutionState.FILLED, "done", "", "EURUSD", Side.BUY, volume, volume,
        1.1, 10009, 5, 6, 7, 1, 2, 3, 4, 5,
    )  # fmt: skip


@dataclass
class Platform:
    """The services behind the gateway. `down` names methods that do not answer at all."""

    users: dict[str, rpc.User] = field(default_factory=dict)
    states: list[AccountState] = field(default_factory=list)
    symbol_rows: list[rpc.SymbolRow] = field(default_factory=list)
    services: rpc.Services | None = None
    appended: list[AuditRecord] = field(default_factory=list)
    audit_down: bool = False
    asked: list[Any] = field(default_factory=list)
    """Every question, oldest first."""
    broken: Exception | None = None
    people: MemoryPeople = field(default_factory=MemoryPeople)
    tenants: MemoryTenants = field(default_factory=MemoryTenants)
    news: MemoryNews = field(default_factory=MemoryNews)

    def __post_init__(self) -> None:
        self.people.users = self.users

    async def answer_on(self, bus: FakeBus) -> None:
        """Begin to answer."""
        await self.people.answer_on(bus)
        await self.tenants.answer_on(bus)
        await self.news.answer_on(bus)
        for method, handler in (
            (rpc.USER_COUNT, self.count),
            (rpc.USER_FIND, self.find),
            (rpc.USER_ADD, self.add),
            (rpc.ACCOUNTS, self.accounts),
            (rpc.SYMBOLS, self.symbols),
            (rpc.TICKS, self.ticks),
            (rpc.BARS, self.bars),
            (rpc.ORDERS, self.orders),
            (rpc.EXECUTIONS, self.executions),
            (rpc.AUDIT_APPEND, self.append),
            (rpc.TRAIL, self.trail),
        ):
            await bus.answer(method, handler)  # type: ignore[arg-type]

    async def trail(self, question: TrailQuestion) -> Trail:
        self.asked.append(question)
        mine = [r for r in self.appended if r.tenant == question.tenant]
        return Trail(tuple(ChainedRecord(n, r, bytes(32), b"\1" * 32) for n, r in enumerate(mine, 1)))

    async def append(self, record: AuditRecord) -> rpc.Nothing:
        if self.audit_down:
            raise AnswerFault("unavailable", "the store does not answer just now; ask again in a moment")
        self.appended.append(record)
        return rpc.Nothing()

    async def count(self, question: rpc.Nothing) -> rpc.UserCount:
        return rpc.UserCount(len(self.users))

    async def find(self, question: rpc.UserQuestion) -> rpc.UserFound:
        self.asked.append(question)
        if self.broken:
            raise self.broken
        return rpc.UserFound(self.users.get(question.name))

    async def add(self, user: rpc.User) -> rpc.Nothing:
        if user.name in self.users:
            raise AnswerFault("conflict", "a user with this name exists")
        self.users[user.name] = user
        return rpc.Nothing()

    async def accounts(self, question: rpc.AccountsQuestion) -> rpc.Accounts:
        return rpc.Accounts(tuple(s for s in self.states if question.tenant in ("*", s.tenant)))

    async def symbols(self, question: rpc.SymbolsQuestion) -> rpc.Symbols:
        self.asked.append(question)
        if self.broken:
            raise self.broken
        return rpc.Symbols(tuple(self.symbol_rows) if question.tenant == "default" else ())

    async def ticks(self, question: rpc.TicksQuestion) -> TickBatch:
        self.asked.append(question)
        return batch(1, (1.1, 1.2))

    async def bars(self, question: rpc.BarsQuestion) -> rpc.Bars:
        self.asked.append(question)
        return rpc.Bars((Bar(60_000, 1.0, 2.0, 0.5, 1.5, 9, 0.1),))

    async def orders(self, question: rpc.OrdersQuestion) -> rpc.Orders:
        self.asked.append(question)
        return rpc.Orders((order(tenant=question.tenant),))

    async def executions(self, question: rpc.ExecutionsQuestion) -> rpc.Executions:
        self.asked.append(question)
        return rpc.Executions((execution(tenant=question.tenant),))


@dataclass
class World:
    """A running gateway and everything around it."""

    gateway: Gateway
    bus: FakeBus
    clock: FakeClock
    platform: Platform
    http: httpx.AsyncClient
    data_dir: Path
    counters: dict[str, int]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    def token(self, role: str = "viewer", *, name: str = "ann", tenant: str = "default", age_s: int = 0) -> str:
        """A token as the gateway mints them, `age_s` old."""
        key = make_private_key(self.data_dir / "secrets" / "token.key")
        now_ms = self.clock.now_ms() - age_s * 1000
        sid = self.session(name, role, tenant).id
        claims = {"tenant": tenant, "role": role, "csrf": "csrf-of-" + name, "sid": sid, "name": name}
        times = {"iat_ms": now_ms, "auth_ms": now_ms}
        return tokens.mint(key, KIND, AUDIENCE, f"id-{name}", now_ms // 1000, 900, **claims, **times)

    def session(self, name: str, role: str, tenant: str) -> SessionRow:
        """The session that tokens of this person belong to; there is one for each."""
        store, sid = self.platform.people, f"session-of-{name}-{role}-{tenant}"
        if sid not in store.sessions:
            now_ms = self.clock.now_ms()
            row = SessionRow(sid, tenant, f"id-{name}", SessionKind.BROWSER, now_ms, now_ms, "", "", "pwd", now_ms)
            store.sessions[sid] = row
        return store.sessions[sid]

    def bearer(self, role: str = "viewer", **claims: Any) -> dict[str, str]:
        """Headers of a program."""
        return {"authorization": f"Bearer {self.token(role, **claims)}"}

    def cookie(self, role: str = "viewer", *, csrf: bool = True, **claims: Any) -> dict[str, str]:
        """Headers of a browser."""
        headers = {"cookie": f"aitrading={self.token(role, **claims)}", "origin": self.origin}
        return headers | ({"x-csrf-token": "csrf-of-" + claims.get("name", "ann")} if csrf else {})

    async def tell(self, message: Any) -> None:
        """Publish a message where it belongs."""
        if isinstance(message, TickBatch):
            subject = subjects.ticks(message.tenant, message.account, message.symbol)
        elif isinstance(message, AccountState):
            subject = subjects.account(message.tenant, message.account)
        elif isinstance(message, Execution):
            subject = subjects.executions(message.tenant, message.account)
        else:
            subject = subjects.orders(message.tenant)
        await self.bus.publish(subject, encode(message))


def user(name: str = "ann", role: str = "trader", tenant: str = "default", disabled: bool = False) -> rpc.User:
    """Somebody whose password is PASSWORD."""
    return rpc.User(f"id-{name}", tenant, name, role, CHEAP.hash(PASSWORD), disabled, 1)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    platform: Platform | None = None,
    web_dir: Path | None = None,
    public_url: str = "",
    patience_s: float = 8.0,
    extra: Any = (),
    bus: FakeBus | None = None,
    hasher: Argon2Hasher | None = None,
    **settings_: Any,
) -> AsyncIterator[World]:
    """A gateway that answers."""
    key = make_private_key(folder / "secrets" / "token.key")
    (folder / "secrets" / "people.key").write_text("11" * 32)
    (folder / "secrets" / "setup.code").write_text(CODE + "\n")
    settings = Settings(
        port=0, data_dir=folder, web_dir=web_dir or folder / "no-web", public_url=public_url, **settings_
    )
    bus, clock = bus or FakeBus(), FakeClock()
    platform = platform or Platform({"ann": user()}, [state()])
    await platform.answer_on(bus)
    bus.people[key_id(key)] = key.public_key()
    async with opened("api-gateway", settings, bus=bus, clock=clock) as service:
        hasher = hasher or Argon2Hasher(CHEAP)
        gateway = await build(service, settings, hasher=hasher, patience_s=patience_s, extra=extra)
        await eventually(lambda: gateway.fanout.accounts_known and service.health.ready())
        base = f"http://127.0.0.1:{gateway.port}"
        async with httpx.AsyncClient(base_url=base, timeout=5) as http:
            yield World(gateway, bus, clock, platform, http, folder, service.counters)
            assert not service.failed.done(), "a task of the gateway died"
    await asyncio.sleep(0)


async def talk(world: World, *parts: bytes, every_s: float = 0.0, patience_s: float = 3.0) -> bytes:
    """Send the parts with pauses; what came back until the gateway hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    try:
        async with asyncio.timeout(patience_s):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(every_s)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def trail(world: World, kind: str) -> list[AuditRecord]:
    """The audit records of a kind."""
    return [r for r in (decode(data, AuditRecord) for data in world.bus.on("audit.>")) if r.kind == kind]
