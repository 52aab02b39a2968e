"""What the service needs of its stores, in our own words."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.bars import Bar
from contracts.commands import Command
from contracts.executions import Execution
from contracts.proof import (
    ChainedRecord,
    ChainHead,
    CheckpointsQuestion,
    Hashes,
    HashesQuestion,
    SealedCheckpoint,
    TrailQuestion,
)
from contracts.rpc import (
    BarsQuestion,
    Commit,
    ExecutionsQuestion,
    LeaseTaken,
    LeaseWish,
    Method,
    Orders,
    OrdersQuestion,
    StatsQuestion,
    StoredQuestion,
    Summary,
    TicksQuestion,
    TickStats,
    User,
)
from contracts.signals import SignedSignal
from contracts.ticks import TickBatch
from database_service.domain.catalog import NewestTick
from database_service.domain.streams import StreamKey
from kit.errors import KitError

Q = TypeVar("Q")
A = TypeVar("A")


class StoreUnavailable(KitError):
    """The store did not answer in time. Nothing is known about the write; repeating it is safe."""


class Unstorable(KitError):
    """The store understood and refuses for ever: the data can't be held. Keep it aside."""


class AlreadyTaken(KitError):
    """Another row has this name."""


class NotAdmitted(KitError):
    """The tenant may not have it: there is none, it is suspended, or its plan is used up."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class MigrationRefused(KitError):
    """The schema can't be brought up to date; the text says what to do."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream as found in the store: exactly 1..`seq`, and its newest tick."""

    key: StreamKey
    seq: int
    newest: NewestTick | None


class TickStore(Protocol):
    """Ticks. Every method raises StoreUnavailable when the store does not answer."""

    async def load(self) -> list[StreamState]:
        """Every stream, checked: what did not belong to 1..seq was moved aside."""
        ...

    async def insert(self, parts: list[TickBatch], stored_ms: int) -> None:
        """Write all parts at once; they are durable when it returns."""
        ...

    async def watermark(self, key: StreamKey) -> int:
        """Highest contiguous number in the store; used when it is not known whether an insert arrived."""
        ...

    async def ticks(self, question: TicksQuestion) -> TickBatch:
        """Neighbouring ticks of one epoch; `count` 0 when there is none."""
        ...

    async def bars(self, question: BarsQuestion) -> tuple[Bar, ...]:
        """Bars, oldest first."""
        ...

    async def stats(self, question: StatsQuestion) -> tuple[TickStats, ...]:
        """Counted in the store."""
        ...

    async def tend(self) -> bool:
        """Do a little of the work that makes questions fast; True when more waits."""
        ...

    async def probe(self) -> str:
        """One round trip."""
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutionMark:
    """Executions 1..`contiguous` of an account's epoch are stored."""

    tenant: str
    account: str
    epoch: int
    contiguous: int


class People(Protocol):
    """Sessions, second factors, API keys: everything of `contracts.people`."""

    async def answer(self, method: Method[Q, A], question: Q) -> A:
        """Answer one question, all or nothing. StoreUnavailable, Unstorable or AlreadyTaken."""
        ...


class Ledger(Protocol):
    """People, orders, signals, executions, audit. Every method raises StoreUnavailable when the store is away."""

    people: People

    async def commit(self, commit: Commit) -> None:
        """All or nothing. Unstorable when it can never be stored."""
        ...

    async def outbox(self, now_ms: int) -> tuple[SignedSignal, ...]:
        """Signals to send again."""
        ...

    async def newest_signals(self) -> tuple[SignedSignal, ...]:
        """The newest signal of each account, answered or not."""
        ...

    async def orders(self, question: OrdersQuestion) -> Orders:
        """Newest first."""
        ...

    async def executions(self, question: ExecutionsQuestion) -> tuple[Execution, ...]:
        """Newest first."""
        ...

    async def summary(self, question: StoredQuestion) -> Summary:
        """Counts."""
        ...

    async def add_executions(self, executions: list[Execution]) -> list[ExecutionMark]:
        """Store each once; the marks of every epoch touched."""
        ...

    async def execution_mark(self, tenant: str, account: str, epoch: int) -> ExecutionMark:
        """Of that epoch, or of the newest when `epoch` is 0."""
        ...

    async def take_lease(self, wish: LeaseWish) -> LeaseTaken:
        """Lend an account to one client; durable when it returns."""
        ...

    async def add_audit(self, records: list[AuditRecord]) -> None:
        """Append each once."""
        ...

    async def trail(self, question: TrailQuestion, reading: AuditRecord | None) -> tuple[ChainedRecord, ...]:
        """Records of a chain, oldest first; `reading` is appended in the same transaction, before they are read."""
        ...

    async def chain_heads(self) -> tuple[ChainHead, ...]:
        """How long each tenant's chain is."""
        ...

    async def chain_hashes(self, question: HashesQuestion) -> Hashes:
        """Hashes of neighbouring records, without their content."""
        ...

    async def add_checkpoint(self, sealed: SealedCheckpoint) -> None:
        """Keep a copy of a checkpoint; the same again changes nothing."""
        ...

    async def checkpoints(self, question: CheckpointsQuestion) -> tuple[SealedCheckpoint, ...]:
        """The copies, oldest first."""
        ...

    async def add_commands(self, commands: list[Command]) -> None:
        """Store each once."""
        ...

    async def put_accounts(self, states: list[AccountState]) -> None:
        """Keep the newest of each account."""
        ...

    async def accounts(self, tenant: str) -> tuple[AccountState, ...]:
        """The newest of each account."""
        ...

    async def digits(self, tenant: str) -> dict[tuple[str, str], int]:
        """(account, symbol) -> digits of its price, as far as a terminal has told."""
        ...

    async def user(self, name: str) -> User | None:
        """By name."""
        ...

    async def add_user(self, user: User) -> None:
        """AlreadyTaken when another person has the name."""
        ...

    async def user_count(self) -> int:
        """How many."""
        ...

    async def probe(self) -> str:
        """One round trip."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


class Quarantine(Protocol):
    """Where messages go that can't be used."""

    async def keep(self, subject: str, data: bytes, reason: str) -> None:
        """Durable when it returns. The same message again takes no more space."""
        ...
