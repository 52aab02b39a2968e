"""The store and the wire, both reached over the bus."""

from contracts import subjects
from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.codec import encode
from contracts.executions import Execution
from contracts.limits import LIMITS, LimitsQuestion, RiskLimits
from contracts.orders import Order
from contracts.rpc import (
    ACCOUNTS,
    COMMIT,
    EXECUTIONS,
    ORDERS,
    OUTBOX,
    USER_COUNT,
    AccountsQuestion,
    Commit,
    ExecutionsQuestion,
    Method,
    Nothing,
    OrdersQuestion,
    OutboxQuestion,
)
from contracts.signals import SignedSignal
from kit import log
from kit.bus import A, Bus, Q
from kit.errors import AnswerFault, BusUnavailable
from trading_engine.ports import NotAccepted, Unavailable

COMMIT_TIMEOUT_S = 1.5
"""Short: within a signal's five seconds there is time to ask again."""
REMEMBERED_ORDERS = 5_000
OPEN_ORDERS = 10_000
_WILL_PASS = frozenset({"unavailable", "internal"})


class BusStore:
    """database-service's methods as our port."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def _ask(self, method: Method[Q, A], question: Q, timeout_s: float = 5.0) -> A:
        try:
            return await self._bus.ask(method, question, timeout_s)
        except BusUnavailable as error:
            raise Unavailable(str(error)) from None
        except AnswerFault as fault:
            if fault.code in _WILL_PASS:
                raise Unavailable(str(fault)) from None
            raise NotAccepted(str(fault)) from None

    async def commit(
        self, orders: tuple[Order, ...], signals: tuple[SignedSignal, ...], audit: tuple[AuditRecord, ...]
    ) -> None:
        """One transaction."""
        await self._ask(COMMIT, Commit(orders, signals, audit), COMMIT_TIMEOUT_S)

    async def orders(self) -> tuple[Order, ...]:
        """All open orders, and the newest of the others."""
        recent = await self._ask(ORDERS, OrdersQuestion("*", limit=REMEMBERED_ORDERS))
        unfinished = await self._ask(ORDERS, OrdersQuestion("*", open_only=True, limit=OPEN_ORDERS))
        # asked last, so its states are the newer ones
        return tuple({order.id: order for order in recent.orders + unfinished.orders}.values())

    async def accounts(self) -> tuple[AccountState, ...]:
        """The newest picture of every account."""
        return (await self._ask(ACCOUNTS, AccountsQuestion("*"))).accounts

    async def outbox(self, now_ms: int) -> tuple[SignedSignal, ...]:
        """What is still to be answered."""
        return (await self._ask(OUTBOX, OutboxQuestion(now_ms))).signals

    async def newest_signals(self) -> tuple[SignedSignal, ...]:
        """One of each account."""
        return (await self._ask(OUTBOX, OutboxQuestion(2**62, newest=True))).newest

    async def executions(self, signal_ids: tuple[str, ...]) -> tuple[Execution, ...]:
        """What the store has of these signals."""
        question = ExecutionsQuestion("*", limit=OPEN_ORDERS, signal_ids=signal_ids)
        return (await self._ask(EXECUTIONS, question)).executions

    async def limits(self) -> tuple[RiskLimits, ...]:
        """Of all tenants."""
        return (await self._ask(LIMITS, LimitsQuestion("*"))).limits

    async def probe(self) -> str:
        """Any answer will do; this one is a single number."""
        await self._ask(USER_COUNT, Nothing(), 1.0)
        return "database-service answers"


class BusWire:
    """Signals into their stream, orders to whoever watches."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def signal(self, signed: SignedSignal) -> None:
        """Its own id is the message id: the stream keeps it once."""
        token = log.correlation.set(signed.signal_id)
        try:
            await self._bus.store(
                subjects.signals(signed.tenant, signed.account), encode(signed), message_id=signed.signal_id
            )
        except BusUnavailable as error:
            raise Unavailable(str(error)) from None
        finally:
            log.correlation.reset(token)

    async def order(self, order: Order) -> None:
        """A plain message: the truth is in the store."""
        try:
            await self._bus.publish(subjects.orders(order.tenant), encode(order))
        except BusUnavailable as error:
            raise Unavailable(str(error)) from None
