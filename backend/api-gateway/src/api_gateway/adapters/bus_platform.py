"""The platform behind the gateway, asked and told over the bus."""

import asyncio
from collections.abc import Sequence

from contracts import rpc, subjects
from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.bars import Bar
from contracts.codec import encode
from contracts.commands import Command
from contracts.executions import Execution
from contracts.orders import Order
from contracts.proof import ChainedRecord, TrailQuestion
from contracts.ticks import TickBatch
from kit import log
from kit.bus import Bus
from kit.clock import Clock
from kit.errors import BusUnavailable
from kit.policy import Subject
from kit.seals import sealed

SYMBOLS_FRESH_MS = 1_000
"""Live quotes are laid over the stored list, so that only the stored counts can be this old."""
HUB_TIMEOUT_S = 1.5
OWN_TRAIL = "the tenant's own trail, over the API"


class BusStore:
    """The database service."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._symbols: dict[str, tuple[int, tuple[rpc.SymbolRow, ...]]] = {}
        """ tenant -> when it was asked, and the answer """
        self._asking: dict[str, asyncio.Task[tuple[rpc.SymbolRow, ...]]] = {}
        """ tenant -> the question under way: a hundred browsers are one question """

    async def symbols(self, tenant: str) -> Sequence[rpc.SymbolRow]:
        """Symbols with stored ticks, at most a second old, or older when the store does not answer."""
        known = self._symbols.get(tenant)
        if known is not None and self._clock.now_ms() - known[0] < SYMBOLS_FRESH_MS:
            return known[1]
        asking = self._asking.get(tenant)
        if asking is None:
            asking = self._asking[tenant] = asyncio.create_task(self._ask_symbols(tenant))
            asking.add_done_callback(lambda _: self._asking.pop(tenant, None))
        try:
            return await asyncio.shield(asking)
        except BusUnavailable:
            if known is None:
                raise
            return known[1]

    async def _ask_symbols(self, tenant: str) -> tuple[rpc.SymbolRow, ...]:
        found = (await self._bus.ask(rpc.SYMBOLS, rpc.SymbolsQuestion(tenant))).symbols
        self._symbols[tenant] = (self._clock.now_ms(), found)
        return found

    async def ticks(self, question: rpc.TicksQuestion) -> TickBatch:
        """Stored ticks."""
        return await self._bus.ask(rpc.TICKS, question)

    async def bars(self, question: rpc.BarsQuestion) -> tuple[Bar, ...]:
        """Bars of stored ticks."""
        return (await self._bus.ask(rpc.BARS, question)).bars

    async def accounts(self, tenant: str) -> tuple[AccountState, ...]:
        """Newest state of each account of a tenant; `*` for all tenants."""
        return (await self._bus.ask(rpc.ACCOUNTS, rpc.AccountsQuestion(tenant))).accounts

    async def orders(self, tenant: str, account: str, open_only: bool, limit: int) -> tuple[Order, ...]:
        """Orders, newest first."""
        return (await self._bus.ask(rpc.ORDERS, rpc.OrdersQuestion(tenant, account, open_only, limit))).orders

    async def trail(self, tenant: str, reader: str, after: int, limit: int) -> tuple[ChainedRecord, ...]:
        """The tenant's own audit trail."""
        question = TrailQuestion(tenant, after, limit, reader, OWN_TRAIL)
        return (await self._bus.ask(rpc.TRAIL, question)).records

    async def executions(self, tenant: str, account: str, limit: int) -> tuple[Execution, ...]:
        """Executions, newest first."""
        return (await self._bus.ask(rpc.EXECUTIONS, rpc.ExecutionsQuestion(tenant, account, limit))).executions

    async def user(self, name: str) -> rpc.User | None:
        """The person of this name."""
        return (await self._bus.ask(rpc.USER_FIND, rpc.UserQuestion(name))).user

    async def add_user(self, user: rpc.User) -> None:
        """A new person."""
        await self._bus.ask(rpc.USER_ADD, user)

    async def user_count(self) -> int:
        """How many people there are."""
        return (await self._bus.ask(rpc.USER_COUNT, rpc.Nothing())).count

    async def probe(self) -> str:
        """Health: the store answers a question."""
        return f"{(await self._bus.ask(rpc.USER_COUNT, rpc.Nothing(), 1.0)).count} users"


class BusHub:
    """The central hub."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def services(self) -> tuple[rpc.ServiceRow, ...]:
        """All services it knows."""
        return (await self._bus.ask(rpc.SERVICES, rpc.Nothing(), HUB_TIMEOUT_S)).services


class BusJournal:
    """Commands and audit records, kept by their streams."""

    def __init__(self, bus: Bus, clock: Clock, service: str) -> None:
        self._bus = bus
        self._clock = clock
        self._service = service

    async def command(self, command: Command, giver: Subject) -> None:
        """Hand a command to the platform, vouching for who gave it."""
        vouched = sealed(command, giver, self._bus.guard.key)
        await self._bus.store(subjects.commands(command.tenant), encode(vouched), command.id)

    async def audit(self, tenant: str, kind: str, subject: str, detail: dict[str, str], record_id: str = "") -> None:
        """Write down that something happened."""
        record = self._made(tenant, kind, subject, detail, record_id)
        await self._bus.store(subjects.audit(tenant), encode(record), record.id)

    async def record(self, tenant: str, kind: str, subject: str, detail: dict[str, str], record_id: str = "") -> None:
        """Write it into the store itself."""
        await self._bus.ask(rpc.AUDIT_APPEND, self._made(tenant, kind, subject, detail, record_id))

    def _made(self, tenant: str, kind: str, subject: str, detail: dict[str, str], record_id: str) -> AuditRecord:
        identity = record_id or log.new_correlation_id()
        return AuditRecord(
            identity, tenant, self._clock.now_ms(), self._service, kind, subject, detail, log.correlation.get()
        )
