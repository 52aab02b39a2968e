"""Stores in memory and the real application on a fake bus."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contracts import people
from contracts.proof import ChainedRecord, Hashes
from contracts.rpc import Orders, Summary, TickStats
from contracts.ticks import TickBatch, pack
from database_service.app import create_app
from database_service.domain.catalog import newest_of
from database_service.domain.leases import decide
from database_service.domain.streams import StreamKey, key_of
from database_service.ports import AlreadyTaken, ExecutionMark, StoreUnavailable, StreamState, Unstorable
from database_service.settings import Settings
from kit.lifespan import opened
from kit.testing import FakeBus, FakeClock

TENANT, ACCOUNT, SYMBOL, EPOCH = "default", "1000001", "XAUUSD", 1_700_000_000_000


def ticks(first: int, count: int, symbol: str = SYMBOL, epoch: int = EPOCH, marks: int = 0) -> TickBatch:
    """`count` ticks, each 100 ms after the one before it."""
    stamps = [EPOCH + (first + i) * 100 for i in range(count)]
    bids = [2_000 + (first + i) % 100 / 100 for i in range(count)]
    return TickBatch(
        TENANT,
        ACCOUNT,
        symbol,
        epoch,
        first,
        count,
        pack("q", stamps),
        pack("q", [t + 3 for t in stamps]),
        pack("d", bids),
        pack("d", [b + 0.25 for b in bids]),
        pack("I", [6] * count),
        bytes([marks]) * count,
    )


@dataclass
class MemoryTicks:
    """Remembers every insert. Set `failures` to make that many inserts fail, `lands` to let them arrive even so."""

    inserts: list[list[TickBatch]] = field(default_factory=list)
    found: list[StreamState] = field(default_factory=list)
    failures: int = 0
    lands: bool = False
    mute: set[str] = field(default_factory=set)
    """ symbols whose watermark can't be asked, the next time """
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def numbers(self, symbol: str = SYMBOL) -> list[int]:
        """Every number written, in the order of writing."""
        parts = [part for insert in self.inserts for part in insert if part.symbol == symbol]
        return [seq for part in parts for seq in range(part.first_seq, part.last_seq + 1)]

    async def load(self) -> list[StreamState]:
        return self.found

    async def insert(self, parts: list[TickBatch], stored_ms: int) -> None:
        self.begun += 1
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            if self.lands:
                self.inserts.append(parts)
            raise StoreUnavailable("the disk is full")
        self.inserts.append(parts)

    async def watermark(self, key: StreamKey) -> int:
        if key.symbol in self.mute:
            self.mute.discard(key.symbol)
            raise StoreUnavailable("the disk is slow")
        return max((p.last_seq for insert in self.inserts for p in insert if key_of(p) == key), default=0)

    async def ticks(self, question):
        return self.inserts[-1][-1]

    async def bars(self, question):
        return ()

    async def stats(self, question):
        return tuple(
            TickStats(p.account, p.symbol, p.epoch, p.count, 0, 0, p.last_seq, 0, 0, 0, 0, 0)
            for insert in self.inserts
            for p in insert
        )

    async def tend(self) -> bool:
        return False

    async def probe(self) -> str:
        return "in memory"

    async def close(self) -> None:
        """Nothing to let go."""

    @staticmethod
    def state(batch: TickBatch) -> StreamState:
        """What a store that holds 1..last of this batch would report."""
        newest = newest_of(batch)
        assert newest is not None
        return StreamState(key_of(batch), batch.last_seq, newest)


@dataclass
class MemoryLedger:
    """Dictionaries for tables. `down` makes every call fail as an absent PostgreSQL would."""

    down: bool = False
    unstorable: set[str] = field(default_factory=set)
    commits: list = field(default_factory=list)
    numbers: dict = field(default_factory=dict)
    audit: dict = field(default_factory=dict)
    commands: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)
    users: dict = field(default_factory=dict)
    told_digits: dict = field(default_factory=dict)
    sealed: dict = field(default_factory=dict)
    people: "MemoryPeople" = field(default_factory=lambda: MemoryPeople())
    leases: dict = field(default_factory=dict)

    def _up(self) -> None:
        if self.down:
            raise StoreUnavailable("PostgreSQL: connection refused")

    async def commit(self, commit):
        self._up()
        self.commits.append(commit)

    async def outbox(self, now_ms):
        self._up()
        return tuple(s for c in self.commits for s in c.signals if s.expires_ms > now_ms)

    async def newest_signals(self):
        self._up()
        newest = {(s.tenant, s.account): s for c in self.commits for s in c.signals}
        return tuple(newest.values())

    async def orders(self, question):
        self._up()
        return Orders(tuple(o for c in self.commits for o in c.orders)[: question.limit])

    async def executions(self, question):
        self._up()
        found = (e for known in self.numbers.values() for e in known.values())
        wanted = question.signal_ids
        return tuple(e for e in found if not wanted or e.signal_id in wanted)[: question.limit]

    async def summary(self, question):
        self._up()
        return Summary(0, 0, {}, 0)

    async def add_executions(self, executions):
        self._up()
        for e in executions:
            if e.reason in self.unstorable:
                raise Unstorable("it can't be held")
        epochs = dict.fromkeys((e.tenant, e.account, e.epoch) for e in executions)
        for e in executions:
            self.numbers.setdefault((e.tenant, e.account, e.epoch), {})[e.number] = e
        return [self._mark(*epoch) for epoch in epochs]

    def _mark(self, tenant, account, epoch):
        known, reached = self.numbers.get((tenant, account, epoch), {}), 0
        while reached + 1 in known:
            reached += 1
        return ExecutionMark(tenant, account, epoch, reached)

    async def execution_mark(self, tenant, account, epoch):
        self._up()
        newest = max((e for t, a, e in self.numbers if (t, a) == (tenant, account)), default=0)
        return self._mark(tenant, account, epoch or newest)

    async def take_lease(self, wish):
        self._up()
        lease, answer = decide(self.leases.get((wish.tenant, wish.account)), wish)
        if lease is not None:
            self.leases[wish.tenant, wish.account] = lease
        return answer

    async def add_audit(self, records):
        self._up()
        self.audit |= {r.id: r for r in records}

    async def trail(self, question, reading):
        self._up()
        if reading is not None:
            self.audit.setdefault(reading.id, reading)
        mine = [r for r in self.audit.values() if r.tenant == question.tenant]
        chained = [ChainedRecord(n, r, b"", b"") for n, r in enumerate(mine, 1)]
        return tuple(chained[question.after : question.after + question.limit])

    async def chain_heads(self):
        self._up()
        return ()

    async def chain_hashes(self, question):
        self._up()
        return Hashes(question.tenant, question.after + 1, b"")

    async def add_checkpoint(self, sealed):
        self._up()
        self.sealed.setdefault((sealed.tenant, sealed.size), sealed)

    async def checkpoints(self, question):
        self._up()
        return tuple(s for s in self.sealed.values() if s.tenant == question.tenant and s.size > question.after)

    async def add_commands(self, commands):
        self._up()
        self.commands |= {c.id: c for c in commands}

    async def put_accounts(self, states):
        self._up()
        for s in states:
            self.states[s.account] = s

    async def accounts(self, tenant):
        self._up()
        return tuple(self.states.values())

    async def digits(self, tenant):
        self._up()
        return self.told_digits

    async def user(self, name):
        self._up()
        return self.users.get(name)

    async def add_user(self, user):
        self._up()
        if self.users.setdefault(user.name, user) != user:
            raise AlreadyTaken(user.name)

    async def user_count(self):
        self._up()
        return len(self.users)

    async def probe(self) -> str:
        self._up()
        return "in memory"

    async def close(self) -> None:
        """Nothing to hang up."""


@dataclass
class MemoryPeople:
    """Remembers what it was asked; PostgreSQL's own behaviour is tested on PostgreSQL."""

    asked: list = field(default_factory=list)

    async def answer(self, method, question):
        self.asked.append((method.name, question))
        return people.Done(True)


@dataclass
class MemoryQuarantine:
    """(subject, reason) of everything kept aside."""

    kept: list[tuple[str, str]] = field(default_factory=list)

    async def keep(self, subject: str, data: bytes, reason: str) -> None:
        self.kept.append((subject, reason))


@dataclass
class App:
    """The running service and everything it was given."""

    bus: FakeBus
    clock: FakeClock
    ticks: MemoryTicks
    ledger: MemoryLedger
    quarantine: MemoryQuarantine
    service: object = None


@pytest.fixture
def batch_of():
    """`ticks` for tests in other files."""
    return ticks


@pytest.fixture
def stored_before() -> int:
    """How many ticks the store holds when the service starts; parametrize to change it."""
    return 0


@pytest.fixture
def queue_mb() -> int:
    """Room for waiting batches; parametrize to change it."""
    return 128


@pytest.fixture
def parts(stored_before: int) -> App:
    """What the application is given."""
    store = MemoryTicks()
    if stored_before:
        store.found = [store.state(ticks(1, stored_before))]
    return App(FakeBus(), FakeClock(), store, MemoryLedger(), MemoryQuarantine())


@pytest.fixture
async def app(parts: App, queue_mb: int, tmp_path: Path) -> AsyncIterator[App]:
    """The real application on fakes."""
    settings = Settings(port=0, data_dir=tmp_path, insert_every_ms=0, queue_mb=queue_mb)
    async with opened("database-service", settings, bus=parts.bus, clock=parts.clock) as service:
        await create_app(service, settings, ticks=parts.ticks, ledger=parts.ledger, quarantine=parts.quarantine)
        parts.service = service
        yield parts
