"""Decide of each tick batch what is new, what is known and what lies beyond a hole.

A stream is the numbered ticks of one (tenant, account, symbol, epoch). The store holds exactly 1..watermark of it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.ticks import TickBatch, since


class StreamKey(NamedTuple):
    """What names a stream."""

    tenant: str
    account: str
    symbol: str
    epoch: int


def key_of(batch: TickBatch) -> StreamKey:
    """The stream a batch belongs to."""
    return StreamKey(batch.tenant, batch.account, batch.symbol, batch.epoch)


@dataclass(frozen=True, slots=True)
class New:
    """Write `batch`; `trimmed` ticks in front of it were known already."""

    batch: TickBatch
    trimmed: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """All `count` ticks are known already."""

    count: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Nothing of the batch may be written: the store waits for number `expected` first."""

    expected: int


Verdict = New | Duplicate | Hole


@dataclass(slots=True)
class Streams:
    """What the store holds. `begin` a plan, judge every batch with it, write, and `advance` when that succeeded."""

    stored: dict[StreamKey, int] = field(default_factory=dict)
    """ stream -> highest number stored; everything below it is stored too """

    def begin(self) -> "Plan":
        """A plan for one insert. Throw it away when the insert failed."""
        return Plan(self)

    def advance(self, plan: "Plan") -> None:
        """The plan's ticks are durable."""
        self.stored.update(plan.planned)

    def correct(self, key: StreamKey, seq: int) -> None:
        """The store was asked again and holds 1..`seq`."""
        self.stored[key] = seq


@dataclass(slots=True)
class Plan:
    """One insert in the making."""

    streams: Streams
    planned: dict[StreamKey, int] = field(default_factory=dict)
    """ stream -> its watermark once this plan is written """

    def judge(self, batch: TickBatch) -> Verdict:
        """What to do with a batch that has no column fault."""
        key = key_of(batch)
        known = self.planned.get(key)
        if known is None:
            known = self.streams.stored.get(key, 0)
        if batch.first_seq > known + 1:
            return Hole(known + 1)
        left = since(batch, known)
        if left is None:
            return Duplicate(batch.count)
        self.planned[key] = left.last_seq
        return New(left, batch.count - left.count)
