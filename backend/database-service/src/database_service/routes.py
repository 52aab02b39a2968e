"""The questions this service answers on the bus: check, ask the store, answer; store errors become faults."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from contracts import rpc
from contracts.codec import encode
from contracts.rpc import Method
from contracts.ticks import TickBatch
from database_service import people_routes
from database_service.domain import questions
from database_service.domain.catalog import Catalog
from database_service.ports import AlreadyTaken, Ledger, NotAdmitted, StoreUnavailable, TickStore, Unstorable
from database_service.tick_writer import TickWriter, Waiting
from kit import log
from kit.bus import Bus
from kit.errors import AnswerFault

_log = log.get("routes")

Q = TypeVar("Q")
A = TypeVar("A")


def check(fault: str | None) -> None:
    """Refuse a question that has a fault."""
    if fault is not None:
        raise AnswerFault("bad_request", fault)


@dataclass(slots=True)
class Routes:
    """One method per question."""

    ticks: TickStore
    ledger: Ledger
    catalog: Catalog
    writer: TickWriter

    async def stored(self, question: rpc.StoredQuestion) -> rpc.Stored:
        """What is committed of an account."""
        check(questions.stored_fault(question))
        tenant, account = question.tenant, question.account
        mark = await self.ledger.execution_mark(tenant, account, question.epoch)
        self.catalog.marked(tenant, account, mark.epoch, mark.contiguous)
        stored = self.catalog.stored_of(tenant, account, question.epoch)
        return rpc.Stored(tenant, account, stored.streams, mark.epoch, mark.contiguous)

    async def append(self, batch: TickBatch) -> rpc.Stored:
        """Write an imported batch like any other; the answer comes when it is durable."""
        check(questions.batch_fault(batch))
        asker: asyncio.Future[rpc.Stored] = asyncio.get_running_loop().create_future()
        if not self.writer.offer(Waiting(batch, len(encode(batch)), asker=asker)):
            raise AnswerFault("unavailable", "too many ticks are waiting to be written; ask again in a moment")
        return await asker

    async def read_ticks(self, question: rpc.TicksQuestion) -> TickBatch:
        """Neighbouring ticks."""
        check(questions.ticks_fault(question))
        return await self.ticks.ticks(question)

    async def stats(self, question: rpc.StatsQuestion) -> rpc.Stats:
        """Counted in the store."""
        check(questions.stats_fault(question))
        return rpc.Stats(await self.ticks.stats(question))

    async def bars(self, question: rpc.BarsQuestion) -> rpc.Bars:
        """Built from ticks."""
        check(questions.bars_fault(question))
        return rpc.Bars(await self.ticks.bars(question))

    async def symbols(self, question: rpc.SymbolsQuestion) -> rpc.Symbols:
        """Every symbol of a tenant."""
        check(questions.tenant_fault(question.tenant))
        return rpc.Symbols(self.catalog.symbols(question.tenant, await self.ledger.digits(question.tenant)))

    async def accounts(self, question: rpc.AccountsQuestion) -> rpc.Accounts:
        """The newest state of each account."""
        check(questions.tenant_fault(question.tenant, everyone=True))
        return rpc.Accounts(await self.ledger.accounts(question.tenant))

    async def find_user(self, question: rpc.UserQuestion) -> rpc.UserFound:
        """A person by name."""
        check(questions.text_fault("name", question.name))
        return rpc.UserFound(await self.ledger.user(question.name))

    async def add_user(self, user: rpc.User) -> rpc.Nothing:
        """A new person."""
        check(questions.user_fault(user))
        try:
            await self.ledger.add_user(user)
        except AlreadyTaken:
            raise AnswerFault("conflict", f"there is somebody called {user.name!r} already") from None
        return rpc.Nothing()

    async def count_users(self, _: rpc.Nothing) -> rpc.UserCount:
        """How many people."""
        return rpc.UserCount(await self.ledger.user_count())

    async def commit(self, commit: rpc.Commit) -> rpc.Nothing:
        """Orders, signals and audit in one transaction."""
        check(questions.commit_fault(commit))
        await self.ledger.commit(commit)
        return rpc.Nothing()

    async def outbox(self, question: rpc.OutboxQuestion) -> rpc.Outbox:
        """Signals to send again."""
        check(questions.number_fault("now_ms", question.now_ms))
        newest = await self.ledger.newest_signals() if question.newest else ()
        return rpc.Outbox(await self.ledger.outbox(question.now_ms), newest)

    async def take_lease(self, wish: rpc.LeaseWish) -> rpc.LeaseTaken:
        """Lend an account to one client."""
        check(questions.lease_fault(wish))
        return await self.ledger.take_lease(wish)

    async def orders(self, question: rpc.OrdersQuestion) -> rpc.Orders:
        """Newest first."""
        check(questions.list_fault(question, everyone=True))
        return await self.ledger.orders(question)

    async def executions(self, question: rpc.ExecutionsQuestion) -> rpc.Executions:
        """Newest first."""
        check(questions.list_fault(question, everyone=bool(question.signal_ids)))
        check(questions.limit_fault(max(1, len(question.signal_ids))))
        return rpc.Executions(await self.ledger.executions(question))

    async def summary(self, question: rpc.StoredQuestion) -> rpc.Summary:
        """Counts of an account, or of the tenant when `account` is empty."""
        check(questions.stored_fault(question, all_accounts=True))
        return await self.ledger.summary(question)


def _faults_of_stores(handler: Callable[[Q], Awaitable[A]]) -> Callable[[Q], Awaitable[A]]:
    async def answer(question: Q) -> A:
        try:
            return await handler(question)
        except StoreUnavailable as error:
            # the asker may show the reason to a person: what the store said stays in the log
            _log.warning("store_unavailable", question=type(question).__name__, error=str(error))
            raise AnswerFault("unavailable", "the store does not answer just now; ask again in a moment") from None
        except Unstorable as error:
            _log.warning("unstorable", question=type(question).__name__, error=str(error))
            raise AnswerFault("bad_request", "a value in it is larger or longer than the store can hold") from None
        except NotAdmitted as refused:
            raise AnswerFault(refused.code, refused.reason) from None
        except AlreadyTaken as error:
            _log.warning("already_taken", question=type(question).__name__, error=str(error))
            raise AnswerFault("conflict", "something else has this name or id already") from None

    return answer


async def answer(bus: Bus, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> None:
    """Answer a method; a store's error becomes a fault."""
    await bus.answer(method, _faults_of_stores(handler))


async def start(routes: Routes, bus: Bus) -> None:
    """Answer the questions about ticks, people and orders."""

    async def on(method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> None:
        await answer(bus, method, handler)

    await on(rpc.STORED, routes.stored)
    await on(rpc.TICKS_APPEND, routes.append)
    await on(rpc.TICKS, routes.read_ticks)
    await on(rpc.TICKS_STATS, routes.stats)
    await on(rpc.BARS, routes.bars)
    await on(rpc.SYMBOLS, routes.symbols)
    await on(rpc.ACCOUNTS, routes.accounts)
    await on(rpc.USER_FIND, routes.find_user)
    await on(rpc.USER_ADD, routes.add_user)
    await on(rpc.USER_COUNT, routes.count_users)
    await on(rpc.COMMIT, routes.commit)
    await on(rpc.OUTBOX, routes.outbox)
    await on(rpc.ORDERS, routes.orders)
    await on(rpc.EXECUTIONS, routes.executions)
    await on(rpc.SUMMARY, routes.summary)
    await people_routes.start(routes.ledger.people, on)
    await on(rpc.LEASE_TAKE, routes.take_lease)
