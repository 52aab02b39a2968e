"""What the gateway needs of the world, in its own words."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from api_gateway.domain.access import Caller
from contracts.accounts import AccountState
from contracts.audit import Heartbeat
from contracts.bars import Bar
from contracts.commands import Command
from contracts.executions import Execution
from contracts.orders import Order
from contracts.rpc import BarsQuestion, ServiceRow, SymbolRow, TicksQuestion, User
from contracts.ticks import TickBatch
from contracts.views import Session
from kit.policy import Subject


class Hasher(Protocol):
    """Slow password hashing that takes the same time whoever asks."""

    async def hash(self, password: str) -> str:
        """The text to keep."""
        ...

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one behind `hashed`; with None the same work is done for nothing."""
        ...


class Store(Protocol):
    """The database service. Every method may raise BusUnavailable or AnswerFault."""

    async def symbols(self, tenant: str) -> Sequence[SymbolRow]:
        """Symbols with stored ticks."""
        ...

    async def ticks(self, question: TicksQuestion) -> TickBatch:
        """Stored ticks."""
        ...

    async def bars(self, question: BarsQuestion) -> tuple[Bar, ...]:
        """Bars of stored ticks."""
        ...

    async def accounts(self, tenant: str) -> tuple[AccountState, ...]:
        """Newest state of each account."""
        ...

    async def orders(self, tenant: str, account: str, open_only: bool, limit: int) -> tuple[Order, ...]:
        """Orders, newest first."""
        ...

    async def executions(self, tenant: str, account: str, limit: int) -> tuple[Execution, ...]:
        """Executions, newest first."""
        ...

    async def user(self, name: str) -> User | None:
        """The person of this name."""
        ...

    async def add_user(self, user: User) -> None:
        """A new person."""
        ...

    async def user_count(self) -> int:
        """How many people there are."""
        ...


class Hub(Protocol):
    """The central hub."""

    async def services(self) -> tuple[ServiceRow, ...]:
        """All services it knows; raises BusUnavailable when it does not answer soon."""
        ...


class Journal(Protocol):
    """Where commands and audit records go; returns when they are kept, raises BusUnavailable when that is unknown."""

    async def command(self, command: Command, giver: Subject) -> None:
        """Hand a command to the platform, vouching for who gave it."""
        ...

    async def audit(self, tenant: str, kind: str, subject: str, detail: dict[str, str], record_id: str = "") -> None:
        """Write down that something happened."""
        ...

    async def record(self, tenant: str, kind: str, subject: str, detail: dict[str, str], record_id: str = "") -> None:
        """The same for what must not be done unwritten: it is in the store when this returns. Raises BusUnavailable or
        AnswerFault when it is not."""
        ...


class Listener(Protocol):
    """Who keeps the live picture."""

    def hear_ticks(self, batch: TickBatch) -> None:
        """Ticks of one symbol, columns checked."""
        ...

    def hear_account(self, state: AccountState) -> None:
        """An account's state."""
        ...

    def recall_account(self, state: AccountState) -> None:
        """An account's state from before we listened."""
        ...

    def hear_order(self, order: Order) -> None:
        """An order's new state."""
        ...

    def hear_execution(self, execution: Execution) -> None:
        """A terminal's answer."""
        ...

    def hear_heartbeat(self, beat: Heartbeat) -> None:
        """A service is alive."""
        ...


class Tokens(Protocol):
    """Session tokens."""

    def mint(self, name: str, tenant: str, role: str, now_ms: int) -> tuple[str, Session]:
        """A token, and what its owner is told about it."""
        ...

    def caller(self, token: str, by_cookie: bool, now_ms: int) -> Caller | None:
        """Who the token speaks for; None when it proves nothing."""
        ...

    def end(self, caller: Caller, now_ms: int) -> None:
        """Refuse the caller's token from now on."""
        ...

    def ended(self, caller: Caller) -> bool:
        """Whether the caller has signed out."""
        ...


class SetupCode(Protocol):
    """The one-time code that makes the first user."""

    def read(self) -> str | None:
        """The code; None when there is none."""
        ...

    def burn(self) -> None:
        """Remove it: the first user exists."""
        ...


class PageAnswer(msgspec.Struct, frozen=True):
    """A file of the dashboards as an HTTP answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Pages(Protocol):
    """The dashboards' files."""

    def answer(self, path: str, query: bytes, accept_encoding: str, if_none_match: str) -> PageAnswer | None:
        """What to send for a path; None when the dashboards are not built."""
        ...
