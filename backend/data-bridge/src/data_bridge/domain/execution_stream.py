"""A terminal's executions on their way to the bus: numbered from 1, in order, none lost, go-back-N."""

from collections import deque
from dataclasses import dataclass, field

from contracts.executions import Execution
from data_bridge.domain.effects import ExecutionOut
from data_bridge.domain.patience import Patience
from data_bridge.domain.tick_stream import Offer

MOST_KEPT = 10_000
"""Executions kept until the store has them; beyond that the terminal must repeat."""


@dataclass(slots=True)
class ExecutionStream:
    """As `TickStream`, with two differences: ids never change, because the store keeps executions by number; and what
    the store has not confirmed is kept here, because executions are few and must not wait for a reconnect."""

    epoch: int
    subject: str
    id_prefix: str
    """`{t}.{a}.x.{epoch}`."""
    stored: int
    patience: Patience
    generation: int = 0
    expected: int = 0
    published: int = 0
    told: bool = False
    """The terminal was told of a gap and has not yet sent what was missing."""
    halted: bool = False
    """The bus is away."""
    kept: deque[Execution] = field(default_factory=deque)
    """Numbers `stored + 1` to `expected - 1`."""

    def __post_init__(self) -> None:
        self.expected = self.stored + 1
        self.published = self.stored

    def offer(self, execution: Execution) -> Offer:
        """Take it when it is the next one."""
        if execution.number < self.expected:
            return Offer.DUPLICATE
        if execution.number > self.expected or len(self.kept) >= MOST_KEPT:
            return Offer.WAITING if self.told else Offer.HOLE
        self.told = False
        self.expected += 1
        self.kept.append(execution)
        return Offer.TAKEN

    @property
    def pending(self) -> bool:
        """One may be popped."""
        return not self.halted and self.published + 1 < self.expected

    def pop(self, now_ms: int) -> ExecutionOut:
        """The next one for the bus. Call only while pending."""
        if not self.outstanding:
            self.patience.renew(now_ms)
        self.published += 1
        execution = self.kept[self.published - self.stored - 1]
        return ExecutionOut(execution, self.generation, self.subject, f"{self.id_prefix}.{execution.number}")

    def heard(self, number: int, now_ms: int) -> bool:
        """The store has all up to `number`; True when that is news."""
        if number <= self.stored:
            return False
        self.stored = number
        self.patience.renew(now_ms)
        while self.kept and self.kept[0].number <= number:
            self.kept.popleft()
        self.expected = max(self.expected, number + 1)
        self.published = max(self.published, number)
        return True

    @property
    def outstanding(self) -> bool:
        """Something was handed to the bus that the store has not confirmed."""
        return self.published > self.stored

    def publish_again(self, stored: int, now_ms: int) -> bool:
        """Begin again after what the store has. False: it has less than it once confirmed, and what it lost is not
        kept here, so the terminal must repeat."""
        lost = stored < self.stored
        if lost:
            self.kept.clear()
            self.stored, self.expected = stored, stored + 1
        self.published = self.stored
        self.generation += 1
        self.halted = False
        self.patience.prolong(now_ms)
        return not lost

    def told_of_gap(self, now_ms: int) -> None:
        """The terminal is told now that it must repeat."""
        self.told = True
        self.patience.prolong(now_ms)

    def hopeless(self, now_ms: int) -> bool:
        """It was told and has not repeated what is missing: only a new connection makes it."""
        return self.told and self.patience.over(now_ms)

    def halt(self) -> None:
        """The bus did not take a message; it is kept and published again by `publish_again`."""
        self.halted = True
