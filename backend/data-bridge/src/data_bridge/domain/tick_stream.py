"""One symbol's ticks on their way from the terminal to the bus: in order, each number once, go-back-N.

Source of the scheme: go-back-N ARQ. The receiver (the store) judges; this is the sender's half, with the terminal's
spool as its window.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from contracts.ticks import MAX_TICKS_PER_BATCH, TickBatch, join, since
from data_bridge.domain.effects import TicksOut
from data_bridge.domain.patience import Patience

MAX_MESSAGE_BYTES = 768 * 1024
"""Joined messages stay below NATS' default of 1 MB; a single frame may be larger (the platform allows 8 MB)."""


class Offer(IntEnum):
    """What became of an offered batch."""

    TAKEN = 0
    DUPLICATE = 1  # every number is known
    HOLE = 2  # numbers are missing before it: send a Rewind
    WAITING = 3  # a Rewind is under way or the bus is away: it will come again


@dataclass(slots=True)
class TickStream:
    """Offer it batches, take messages out with `pop`, and tell it what became of them."""

    symbol: str
    epoch: int
    subject: str
    id_prefix: str
    """`{t}.{a}.{s}.{epoch}`, the beginning of every message id."""
    generation: int
    """Rises whenever published numbers are published again, so that the bus does not take them for repeats."""
    stored: int
    """The store has every number up to this one."""
    patience: Patience
    expected: int = 0
    """The number the terminal must send next."""
    published: int = 0
    """Newest number handed to the bus in this generation."""
    rewinding: bool = False
    """A Rewind went down and no batch has continued the stream since."""
    unfit: bool = False
    """Batches that do not continue the stream came after that Rewind."""
    halted: bool = False
    """The bus is away: nothing is taken until `go_back`."""
    queued: bool = False
    """It stands in the intake's queue of streams that have something for the bus."""
    pending: deque[TickBatch] = field(default_factory=deque)
    """Taken and not yet handed to the bus, oldest first, contiguous."""

    def __post_init__(self) -> None:
        self.expected = self.stored + 1
        self.published = self.stored

    def offer(self, batch: TickBatch) -> Offer:
        """Take what continues the stream; numbers already taken are cut off."""
        first = batch.first_seq
        if first != self.expected:
            if first > self.expected:
                if self.rewinding or self.halted:
                    self.unfit = True
                    return Offer.WAITING
                return Offer.HOLE
            rest = since(batch, self.expected - 1)
            if rest is None:
                return Offer.DUPLICATE
            batch = rest
        if self.halted:
            return Offer.WAITING
        self.rewinding = False
        self.expected = batch.first_seq + batch.count
        self.pending.append(batch)
        return Offer.TAKEN

    def pop(self, now_ms: int) -> TicksOut:
        """The next message for the bus: as many pending batches as one message may hold. Call only while pending."""
        pending = self.pending
        first = pending.popleft()
        neighbours, count, size = [first], first.count, _size(first)
        while pending:
            count += pending[0].count
            size += _size(pending[0])
            if count > MAX_TICKS_PER_BATCH or size > MAX_MESSAGE_BYTES:
                break
            neighbours.append(pending.popleft())
        batch = msgspec.structs.replace(join(neighbours), bridge_ms=now_ms)
        if self.published <= self.stored:
            self.patience.renew(now_ms)  # the waiting for the store begins with the first outstanding number
        self.published = batch.last_seq
        message_id = f"{self.id_prefix}.{batch.first_seq}.{batch.count}.{self.generation}"
        return TicksOut(batch, self.generation, self.subject, message_id)

    def heard(self, seq: int, now_ms: int) -> bool:
        """The store says it has up to `seq`. True when the terminal must be told to go on after it: the store has
        more than this connection ever saw, and the terminal was asked for older numbers."""
        if seq <= self.stored:
            return False
        self.stored = seq
        self.patience.renew(now_ms)
        if seq < self.expected:
            return False
        self.pending.clear()  # all of it is older than `expected`, so the store has it
        self.expected = seq + 1
        self.published = seq
        self.generation += 1  # within one generation the bus sees no hole
        return self.rewinding

    @property
    def outstanding(self) -> bool:
        """Something was handed to the bus that the store has not confirmed."""
        return self.published > self.stored

    def go_back(self, stored: int, now_ms: int) -> int:
        """Begin again after what the store has; returns the number to ask the terminal for."""
        self.stored = stored
        self.expected = stored + 1
        self.published = stored
        self.pending.clear()
        self.generation += 1
        self.halted = False
        self.asked_again(now_ms)
        return self.expected

    def asked_again(self, now_ms: int) -> None:
        """A Rewind goes down now."""
        self.rewinding = True
        self.unfit = False
        self.patience.prolong(now_ms)

    def halt(self) -> None:
        """The bus did not take a message: what is pending will come again from the terminal."""
        self.halted = True
        self.pending.clear()


def _size(batch: TickBatch) -> int:
    return batch.count * (37 + (8 if batch.last else 0) + (8 if batch.volume_real else 0))
