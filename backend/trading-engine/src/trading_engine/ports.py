"""What the engine needs from the world, in its own words.

PortError
├── Unavailable      no answer in time; nothing is known about what happened, ask again
└── NotAccepted      a clear no: asking again with the same gets the same
"""

from collections.abc import Callable
from typing import Protocol

from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.executions import Execution
from contracts.limits import RiskLimits
from contracts.orders import Order
from contracts.signals import Signal, SignedSignal
from trading_engine.domain.effects import Effect


class PortError(Exception):
    """Base of what a port may raise."""


class Unavailable(PortError):
    """No answer in time: it may have happened or not. Everything asked here may be asked again."""


class NotAccepted(PortError):
    """Refused for good."""


Seal = Callable[[Signal], SignedSignal]
"""Signs a signal; the same signal always gives the same bytes."""


class Store(Protocol):
    """The database's side of an order's life."""

    async def commit(
        self, orders: tuple[Order, ...], signals: tuple[SignedSignal, ...], audit: tuple[AuditRecord, ...]
    ) -> None:
        """All of it in one transaction. The same again changes nothing."""
        ...

    async def orders(self) -> tuple[Order, ...]:
        """All open orders, and the newest of the others."""
        ...

    async def accounts(self) -> tuple[AccountState, ...]:
        """The newest picture of every account."""
        ...

    async def outbox(self, now_ms: int) -> tuple[SignedSignal, ...]:
        """Committed signals that have neither expired nor been answered."""
        ...

    async def newest_signals(self) -> tuple[SignedSignal, ...]:
        """The newest signal of every account, whatever became of it: numbers go on after it."""
        ...

    async def executions(self, signal_ids: tuple[str, ...]) -> tuple[Execution, ...]:
        """What the store has of these signals."""
        ...

    async def limits(self) -> tuple[RiskLimits, ...]:
        """What people have set, of all tenants."""
        ...

    async def probe(self) -> str:
        """One cheap question; raises when there is no answer."""
        ...


class Wire(Protocol):
    """Where orders leave."""

    async def signal(self, signed: SignedSignal) -> None:
        """Towards the terminal. The same signal again is harmless."""
        ...

    async def order(self, order: Order) -> None:
        """Tell whoever watches; a newer state replaces it."""
        ...


class PauseBook(Protocol):
    """Which tenants are paused, kept across restarts."""

    def load(self) -> dict[str, str]:
        """tenant -> reason."""
        ...

    def save(self, paused: dict[str, str]) -> None:
        """Replace what is kept; on disk when it returns."""
        ...


class Aside(Protocol):
    """Where messages that make no sense are kept for inspection."""

    def keep(self, subject: str, data: bytes, reason: str) -> None:
        """Keep one."""
        ...


class Pending(Protocol):
    """A delivery that waits for its effects to be durable."""

    async def ack(self) -> None:
        """They are."""
        ...


class Carries(Protocol):
    """Carries effects out, in order."""

    def submit(self, effects: list[Effect], delivery: Pending | None = None) -> None:
        """Queue effects; `delivery` is acknowledged when they, and all before them, are durable."""
        ...
