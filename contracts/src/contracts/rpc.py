"""Questions one service asks another over the bus, and their answers: typed, no SQL from callers."""

from typing import Generic, TypeVar

import msgspec

from contracts.accounts import AccountState
from contracts.audit import AuditRecord, DependencyHealth, Heartbeat
from contracts.bars import Bar, Timeframe
from contracts.client_config import ConfigFound, ConfigQuestion
from contracts.executions import Execution
from contracts.orders import Order, OrderState
from contracts.proof import (
    ChainHeads,
    Checkpoints,
    CheckpointsQuestion,
    Hashes,
    HashesQuestion,
    SealedCheckpoint,
    Trail,
    TrailQuestion,
)
from contracts.signals import SignedSignal
from contracts.terminals import Joined, JoinQuestion, RenewQuestion
from contracts.ticks import TickBatch
from contracts.uplink import StreamPosition

Q = TypeVar("Q")
A = TypeVar("A")

MAX_ROWS = 10_000
"""No answer holds more rows; ask again from where it ended."""


class Fault(msgspec.Struct, frozen=True):
    """A question that could not be answered: `bad_request`, `unavailable`, `not_found`, `conflict`,
    `forbidden` (the policy denies it to the asker), `internal`."""

    code: str
    reason: str


class Method(Generic[Q, A]):
    """One question: where it is asked, with what, and what comes back."""

    def __init__(self, service: str, name: str, question: type[Q], answer: type[A]) -> None:
        self.service = service
        self.name = name
        self.question = question
        self.answer = answer


class Stored(msgspec.Struct, frozen=True):
    """What the store has committed of one account. Sent on `stored.{t}.{a}` after each commit, and as an answer."""

    tenant: str
    account: str
    streams: tuple[StreamPosition, ...]
    execution_epoch: int = 0
    execution_stored: int = 0


class StoredQuestion(msgspec.Struct, frozen=True):
    """Ask what is stored. With `epoch`, `execution_stored` is of that epoch and only its streams are listed."""

    tenant: str
    account: str
    epoch: int = 0


class TicksQuestion(msgspec.Struct, frozen=True):
    """Ticks of a symbol with `from_ms <= time_msc < to_ms`, oldest first, at most `limit`; newest first when 0..0."""

    tenant: str
    account: str
    symbol: str
    from_ms: int = 0
    to_ms: int = 0
    limit: int = 1_000


class BarsQuestion(msgspec.Struct, frozen=True):
    """The newest `limit` bars opening before `to_ms` (0: the newest of all), oldest first."""

    tenant: str
    account: str
    symbol: str
    timeframe: Timeframe
    to_ms: int = 0
    limit: int = 500


class Bars(msgspec.Struct, frozen=True):
    """Bars, oldest first."""

    bars: tuple[Bar, ...]


class StatsQuestion(msgspec.Struct, frozen=True):
    """Ask the store to count its ticks; empty account: all of the tenant's."""

    tenant: str
    account: str = ""


class TickStats(msgspec.Struct, frozen=True):
    """Counted in the store, for one (account, symbol, epoch).

    `lost` = numbers missing between 1 and `last_seq`; `duplicated` = rows beyond one per number.
    """

    account: str
    symbol: str
    epoch: int
    rows: int
    lost: int
    duplicated: int
    last_seq: int
    crossed: int
    locked: int
    late: int
    first_time_msc: int
    last_time_msc: int


class Stats(msgspec.Struct, frozen=True):
    """One line per stream."""

    streams: tuple[TickStats, ...]


class SymbolsQuestion(msgspec.Struct, frozen=True):
    """Ask which symbols of a tenant have ticks."""

    tenant: str


class SymbolRow(msgspec.Struct, frozen=True):
    """A symbol of an account with its newest stored tick."""

    account: str
    symbol: str
    digits: int
    time_msc: int
    received_ms: int
    bid: float
    ask: float
    ticks: int


class Symbols(msgspec.Struct, frozen=True):
    """All of them, by account and symbol."""

    symbols: tuple[SymbolRow, ...]


class AccountsQuestion(msgspec.Struct, frozen=True):
    """Ask for the newest state of every account of a tenant ("*": of all tenants, for the engine's start)."""

    tenant: str


class Accounts(msgspec.Struct, frozen=True):
    """The newest stored state of each account."""

    accounts: tuple[AccountState, ...]


class User(msgspec.Struct, frozen=True):
    """A person. `password_hash` is argon2id's own text; it and `totp_secret` never leave the gateway and the store."""

    id: str
    tenant: str
    name: str
    role: str
    password_hash: str
    disabled: bool
    created_ms: int
    totp_secret: bytes = b""
    """Encrypted by the gateway; empty while the person has no authenticator app."""
    totp_last_counter: int = 0
    """The newest 30 s step whose code was accepted: it and all before it are spent."""
    not_before_ms: int = 0
    """Whatever was issued to the person before this moment is refused."""
    password_changed_ms: int = 0


class UserQuestion(msgspec.Struct, frozen=True):
    """Find a person by name."""

    name: str


class UserFound(msgspec.Struct, frozen=True):
    """The person, or None."""

    user: User | None


class UserCount(msgspec.Struct, frozen=True):
    """How many people there are: 0 means the first may be made with the setup code."""

    count: int


class Nothing(msgspec.Struct, frozen=True):
    """A question or an answer without content."""


class Commit(msgspec.Struct, frozen=True):
    """Write orders, their signals (into the outbox) and audit records in one transaction.

    An order replaces the one with its id unless that one was updated later; a signal with a known id is left alone.
    """

    orders: tuple[Order, ...] = ()
    signals: tuple[SignedSignal, ...] = ()
    audit: tuple[AuditRecord, ...] = ()


class OutboxQuestion(msgspec.Struct, frozen=True):
    """Signals without a final execution that have not expired at `now_ms`, oldest first.

    `newest`: tell the newest signal of every account as well, whatever became of it: an engine that starts goes on
    numbering after it.
    """

    now_ms: int
    newest: bool = False


class Outbox(msgspec.Struct, frozen=True):
    """Signals to send again; sending one twice is harmless, the connector's journal knows it."""

    signals: tuple[SignedSignal, ...]
    newest: tuple[SignedSignal, ...] = ()
    """One of each account, if asked for."""


class OrdersQuestion(msgspec.Struct, frozen=True):
    """Orders of a tenant ("*": all, for the engine), newest first. `open_only` leaves out the final ones."""

    tenant: str
    account: str = ""
    open_only: bool = False
    limit: int = 200


class Orders(msgspec.Struct, frozen=True):
    """Orders, newest first."""

    orders: tuple[Order, ...]


class ExecutionsQuestion(msgspec.Struct, frozen=True):
    """Executions of a tenant ("*": all, for the engine), newest first; only of these signals, if any are named."""

    tenant: str
    account: str = ""
    limit: int = 200
    signal_ids: tuple[str, ...] = ()


class Executions(msgspec.Struct, frozen=True):
    """Executions, newest first."""

    executions: tuple[Execution, ...]


class Summary(msgspec.Struct, frozen=True):
    """How many there are: for the proof of `make smoke`, counted in the stores."""

    signals: int
    executions: int
    orders: dict[OrderState, int]
    signals_unanswered: int
    """Signals without a final execution."""


class LeaseWish(msgspec.Struct, frozen=True):
    """A client of an account asks to be the one that trades it; see `uplink.Hello` for the names."""

    tenant: str
    account: str
    journal: str
    last_session: str
    session: str
    """The new connection's."""
    terminal: str
    claim: bool
    now_ms: int


class LeaseTaken(msgspec.Struct, frozen=True):
    """`fence` is the number of the lease, 0 when it was refused: the account is another client's.

    `wait`: somebody else held it before, perhaps until now, or the same client before it was started anew, perhaps as a
    copy of its disk: wait LEASE_WAIT_MS before granting it.
    """

    fence: int
    wait: bool
    holder: str
    """The terminal that holds it now."""
    since_ms: int
    """Since when, UTC."""


class ServiceRow(msgspec.Struct, frozen=True):
    """A service as the hub knows it. `heartbeat` is the last one received; None when there never was one."""

    service: str
    state: str
    """`running`, `starting`, `backing_off`, `stopped`, `lost` (no heartbeat within its time to live)."""
    pid: int
    restarts: int
    heartbeat: Heartbeat | None
    probe: DependencyHealth | None = None
    """The hub's own last probe of a program that sends no heartbeats, an engine; None for all others."""
    port: int = 0
    """Where the hub started it; 0 when the hub did not."""


class Services(msgspec.Struct, frozen=True):
    """All services the hub started or heard of."""

    services: tuple[ServiceRow, ...]
    hub_ms: int


DB = "database-service"
HUB = "central-hub"

STORED = Method(DB, "stored", StoredQuestion, Stored)
TICKS_APPEND = Method(DB, "ticks.append", TickBatch, Stored)
TICKS = Method(DB, "ticks.read", TicksQuestion, TickBatch)
TICKS_STATS = Method(DB, "ticks.stats", StatsQuestion, Stats)
BARS = Method(DB, "bars.read", BarsQuestion, Bars)
SYMBOLS = Method(DB, "symbols.list", SymbolsQuestion, Symbols)
ACCOUNTS = Method(DB, "accounts.list", AccountsQuestion, Accounts)
USER_FIND = Method(DB, "users.find", UserQuestion, UserFound)
USER_ADD = Method(DB, "users.add", User, Nothing)
USER_COUNT = Method(DB, "users.count", Nothing, UserCount)
COMMIT = Method(DB, "orders.commit", Commit, Nothing)
OUTBOX = Method(DB, "outbox.read", OutboxQuestion, Outbox)
ORDERS = Method(DB, "orders.list", OrdersQuestion, Orders)
EXECUTIONS = Method(DB, "executions.list", ExecutionsQuestion, Executions)
SUMMARY = Method(DB, "orders.summary", StoredQuestion, Summary)
AUDIT_APPEND = Method(DB, "audit.append", AuditRecord, Nothing)
"""For what must not be done unless it is written down: answered when the record is in the store, not on its way."""
TRAIL = Method(DB, "audit.read", TrailQuestion, Trail)
CHAIN_HEADS = Method(DB, "audit.heads", Nothing, ChainHeads)
CHAIN_HASHES = Method(DB, "audit.hashes", HashesQuestion, Hashes)
CHECKPOINT_ADD = Method(DB, "audit.seal", SealedCheckpoint, Nothing)
CHECKPOINTS = Method(DB, "audit.checkpoints", CheckpointsQuestion, Checkpoints)
LEASE_TAKE = Method(DB, "leases.take", LeaseWish, LeaseTaken)
SERVICES = Method(HUB, "services.list", Nothing, Services)
TERMINAL_JOIN = Method(HUB, "terminals.join", JoinQuestion, Joined)
TERMINAL_RENEW = Method(HUB, "terminals.renew", RenewQuestion, Joined)
TERMINAL_CONFIG = Method(HUB, "terminals.config", ConfigQuestion, ConfigFound)
