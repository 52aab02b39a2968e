"""database-service in memory: answers the engine's methods on any bus, by the rules of the contracts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts import rpc
from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.executions import Execution
from contracts.limits import LIMITS, LimitsFound, LimitsQuestion, RiskLimits
from contracts.orders import FINAL_STATES, Order
from contracts.signals import SignedSignal
from kit.bus import Bus
from kit.errors import AnswerFault


async def nothing_happens(commit: rpc.Commit) -> None:
    """The default for `before` and `after`."""


@dataclass
class MemoryStore:
    """Set `fault` to refuse commits; `before` and `after` are called around each commit."""

    orders: dict[str, Order] = field(default_factory=dict)
    outbox: dict[str, SignedSignal] = field(default_factory=dict)
    audit: dict[str, AuditRecord] = field(default_factory=dict)
    accounts: list[AccountState] = field(default_factory=list)
    commits: list[rpc.Commit] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    limits: list[RiskLimits] = field(default_factory=list)
    asked_limits: int = 0
    answered: set[str] = field(default_factory=set)
    """ ids of signals with a final execution """
    fault: str = ""
    refuses: Callable[[rpc.Commit], bool] = lambda commit: False
    before: Callable[[rpc.Commit], Awaitable[None]] = nothing_happens
    after: Callable[[rpc.Commit], Awaitable[None]] = nothing_happens

    async def serve(self, bus: Bus) -> None:
        await bus.answer(rpc.COMMIT, self.commit)
        await bus.answer(rpc.ORDERS, self.list_orders)
        await bus.answer(rpc.OUTBOX, self.read_outbox)
        await bus.answer(rpc.EXECUTIONS, self.list_executions)
        await bus.answer(rpc.ACCOUNTS, self.list_accounts)
        await bus.answer(rpc.USER_COUNT, self.count_users)
        await bus.answer(LIMITS, self.list_limits)

    async def commit(self, commit: rpc.Commit) -> rpc.Nothing | rpc.Fault:
        await self.before(commit)
        if self.fault or self.refuses(commit):
            code = self.fault or "bad_request"
            # the fake bus takes a fault as an answer, the real one takes the exception
            raise AnswerFault(code, "set by the test")
        self.commits.append(commit)
        for order in commit.orders:
            known = self.orders.get(order.id)
            if known is None or known.updated_ms <= order.updated_ms:
                self.orders[order.id] = order
        for signed in commit.signals:
            self.outbox.setdefault(signed.signal_id, signed)
        for record in commit.audit:
            self.audit.setdefault(record.id, record)
        await self.after(commit)
        return rpc.Nothing()

    async def list_orders(self, question: rpc.OrdersQuestion) -> rpc.Orders:
        found = [o for o in self.orders.values() if not (question.open_only and o.state in FINAL_STATES)]
        newest_first = sorted(found, key=lambda o: o.created_ms, reverse=True)
        return rpc.Orders(tuple(newest_first[: question.limit]))

    async def read_outbox(self, question: rpc.OutboxQuestion) -> rpc.Outbox:
        waiting = [
            s for s in self.outbox.values() if s.expires_ms > question.now_ms and s.signal_id not in self.answered
        ]
        newest = {(s.tenant, s.account): s for s in self.outbox.values()}
        return rpc.Outbox(tuple(waiting), tuple(newest.values()) if question.newest else ())

    async def list_executions(self, question: rpc.ExecutionsQuestion) -> rpc.Executions:
        return rpc.Executions(tuple(e for e in self.executions if e.signal_id in question.signal_ids))

    async def list_limits(self, question: LimitsQuestion) -> LimitsFound:
        self.asked_limits += 1
        return LimitsFound(tuple(self.limits))

    async def list_accounts(self, question: rpc.AccountsQuestion) -> rpc.Accounts:
        return rpc.Accounts(tuple(self.accounts))

    async def count_users(self, question: rpc.Nothing) -> rpc.UserCount:
        return rpc.UserCount(1)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.audit.values()]
