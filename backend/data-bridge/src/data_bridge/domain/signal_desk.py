"""Which signals wait for their execution, and which deliveries of the bus may be answered."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from contracts.executions import FINAL_EXECUTIONS, Execution
from contracts.signals import SignedSignal

KEEP_AFTER_EXPIRY_MS = 60_000
"""After its expiry, or after it was handed over too late, the connector may still report what became of a signal: it
refuses what has expired, and without that answer the engine's order would stay UNKNOWN."""
REMEMBERED = 4_096

T = TypeVar("T")


@dataclass(slots=True)
class SignalDesk(Generic[T]):
    """Of one account. `T` is a delivery of the bus; what comes out of these methods is to be acknowledged."""

    tenant: str
    account: str
    waiting: dict[str, tuple[T, int]] = field(default_factory=dict)
    """ signal id -> its newest delivery, and until when its answer is waited for """
    settled: dict[str, None] = field(default_factory=dict)
    """Ids with a final execution, oldest first; bounded."""

    def objection(self, signal: SignedSignal) -> str | None:
        """Why this signal does not belong to this account; None when it does."""
        if (signal.tenant, signal.account) != (self.tenant, self.account):
            return f"the signal is for {signal.tenant}/{signal.account}, its subject for {self.tenant}/{self.account}"
        return None

    def take(self, signal: SignedSignal, delivery: T, now_ms: int) -> bool:
        """Keep a delivery. True: hand the signal to the terminal; False: it is over, acknowledge the delivery."""
        if signal.signal_id in self.settled:
            return False
        first = self.waiting.get(signal.signal_id)
        until_ms = first[1] if first else max(now_ms, signal.expires_ms) + KEEP_AFTER_EXPIRY_MS
        self.waiting[signal.signal_id] = (delivery, until_ms)
        return True

    def executed(self, execution: Execution) -> T | None:
        """An execution is safely on the bus: the delivery that is answered by it."""
        if execution.state not in FINAL_EXECUTIONS:
            return None
        self.settled[execution.signal_id] = None
        while len(self.settled) > REMEMBERED:
            del self.settled[next(iter(self.settled))]
        found = self.waiting.pop(execution.signal_id, None)
        return found[0] if found else None

    def expire(self, now_ms: int) -> list[T]:
        """Deliveries of signals that nothing more is expected of."""
        over = [i for i, (_, until_ms) in self.waiting.items() if now_ms > until_ms]
        return [self.waiting.pop(i)[0] for i in over]

    def leave(self) -> list[T]:
        """The terminal is gone: deliveries to bring again when it is back."""
        left = [delivery for delivery, _ in self.waiting.values()]
        self.waiting.clear()
        return left
