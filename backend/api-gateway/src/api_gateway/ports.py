"""What the gateway needs of the world, in its own words."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from api_gateway.domain.access import Caller
from contracts.accounts import AccountState
from contracts.audit import Heartbeat
from contracts.bars import Bar
from contracts.commands import Command
from contracts.executions import Execution
from contracts.orders import Order
from contracts.people import Passkey, SessionRow
from contracts.proof import ChainedRecord
from contracts.revocations import Revocation
from contracts.rpc import BarsQuestion, Method, ServiceRow, SymbolRow, TicksQuestion, User
from contracts.ticks import TickBatch
from contracts.views import Session
from kit.policy import Subject

Q = TypeVar("Q")
A = TypeVar("A")


class Hasher(Protocol):
    """Slow password hashing that takes the same time whoever asks."""

    async def hash(self, password: str) -> str:
        """The text to keep."""
        ...

    async def fits(self, password: str, hashed: str | None, *, known: bool = False) -> bool:
        """Whether the password is the one behind `hashed`; with None the same work is done for nothing.

        `known`: whoever asks is signed in, or sits at a browser that was; they wait in places that no stranger takes.
        """
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

    async def trail(self, tenant: str, reader: str, after: int, limit: int) -> tuple[ChainedRecord, ...]:
        """Records of the tenant's own audit trail, oldest first; the reading becomes one of them."""
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
    """Access tokens of sessions."""

    def mint(self, session: SessionRow, user: User, scope: str, now_ms: int) -> tuple[str, Session]:
        """A token, and what its owner is told about it. `scope` "" allows all that the role allows."""
        ...

    def caller(self, token: str, by_cookie: bool, now_ms: int) -> Caller | None:
        """Who the token speaks for; None when it proves nothing or was revoked."""
        ...

    def revoked(self, caller: Caller) -> bool:
        """Whether what the caller stands on was revoked since."""
        ...


class ApiKeys(Protocol):
    """Programs with a key of their own."""

    async def caller(self, key: str, address: str, peer: str) -> Caller | None:
        """The program with this key at this address; None when the key is nobody's, over, or not for here."""
        ...


class People(Protocol):
    """The store of people. Raises BusUnavailable or AnswerFault."""

    async def ask(self, method: Method[Q, A], question: Q) -> A:
        """Ask one of `contracts.people`."""
        ...


class Revoker(Protocol):
    """Takes validity back, here at once and everywhere within a second."""

    async def revoke(self, revocation: Revocation) -> None:
        """Holds here when it returns; what the bus did not take is told again until it does."""
        ...


class NewPasskey(msgspec.Struct, frozen=True):
    """A credential that a browser has just made. `id` is base64url, `public_key` COSE."""

    id: str
    public_key: bytes
    sign_count: int


class Passkeys(Protocol):
    """WebAuthn. Origins are the pages' own; a challenge is good for one answer."""

    def possible(self, origin: str) -> bool:
        """Whether browsers keep passkeys for pages at this origin."""
        ...

    def creation(self, origin: str, challenge: bytes, user_id: str, name: str, known: tuple[Passkey, ...]) -> str:
        """JSON for `navigator.credentials.create`."""
        ...

    def created(self, credential: str, origin: str, challenge: bytes) -> NewPasskey | None:
        """What the browser made; None when it does not prove what it should."""
        ...

    def request(self, origin: str, challenge: bytes, known: tuple[Passkey, ...]) -> str:
        """JSON for `navigator.credentials.get`."""
        ...

    def credential_id(self, credential: str) -> str:
        """Which passkey the answer is of; "" when it can't be read."""
        ...

    def used(self, credential: str, origin: str, challenge: bytes, passkey: Passkey) -> int | None:
        """The passkey's new counter; None when the answer proves nothing."""
        ...


class Vault(Protocol):
    """What the people key is for."""

    def seal(self, secret: bytes, user_id: str) -> bytes:
        """The secret as the store may keep it."""
        ...

    def open(self, sealed: bytes, user_id: str) -> bytes | None:
        """The secret; None when it was not sealed here for this person."""
        ...

    def digest(self, purpose: str, secret: str) -> bytes:
        """What is kept of a token, key or code."""
        ...

    def device_mark(self, user_id: str) -> str:
        """A cookie value that says that this person signed in from this browser before."""
        ...

    def device_of(self, mark: str, user_id: str) -> str:
        """The browser's own name when the mark is this person's; "" when it is not."""
        ...


class SetupCode(Protocol):
    """The one-time code that makes the first user."""

    def read(self, now_ms: int) -> str | None:
        """The code; None when there is none, or none that is still good."""
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
