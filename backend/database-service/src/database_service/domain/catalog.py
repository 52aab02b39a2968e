"""What the store holds, kept at hand: watermarks, the newest tick of each stream, how far executions are complete."""

import struct
from dataclasses import dataclass, field

from contracts.rpc import Stored, SymbolRow
from contracts.ticks import Mark, TickBatch
from contracts.uplink import StreamPosition
from database_service.domain.digits import digits_of
from database_service.domain.streams import Plan, StreamKey, Streams, key_of


@dataclass(frozen=True, slots=True)
class NewestTick:
    """The newest tick of a stream that was not late when it came."""

    seq: int
    time_msc: int
    received_ms: int
    bid: float
    ask: float


def newest_of(batch: TickBatch) -> NewestTick | None:
    """The newest tick of a batch that was not late; None when all were."""
    for i in range(batch.count - 1, -1, -1):
        if not batch.marks[i] & Mark.LATE:
            stamps = (struct.unpack_from("<q", column, i * 8)[0] for column in (batch.time_msc, batch.received_ms))
            prices = (struct.unpack_from("<d", column, i * 8)[0] for column in (batch.bid, batch.ask))
            return NewestTick(batch.first_seq + i, *stamps, *prices)
    return None


@dataclass(slots=True)
class Catalog:
    """Fill it from the store at the start with `found`, then call `written` after each insert."""

    streams: Streams = field(default_factory=Streams)
    newest: dict[StreamKey, NewestTick] = field(default_factory=dict)
    by_account: dict[tuple[str, str], set[StreamKey]] = field(default_factory=dict)
    """ (tenant, account) -> its streams """
    marks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """ (tenant, account) -> newest epoch with executions, and how far it is complete """

    def found(self, key: StreamKey, seq: int, newest: NewestTick | None) -> None:
        """The store holds 1..`seq` of a stream."""
        self.streams.correct(key, seq)
        self.by_account.setdefault((key.tenant, key.account), set()).add(key)
        if newest is not None:
            self.newest[key] = newest

    def written(self, plan: Plan, parts: list[TickBatch]) -> None:
        """A plan's parts are durable."""
        self.streams.advance(plan)
        for part in parts:
            key = key_of(part)
            self.found(key, self.streams.stored[key], newest_of(part))

    def marked(self, tenant: str, account: str, epoch: int, contiguous: int) -> None:
        """Executions 1..`contiguous` of an epoch are stored. An older epoch doesn't replace a newer one."""
        known = self.marks.get((tenant, account), (0, 0))
        self.marks[tenant, account] = max(known, (epoch, contiguous))

    def stored(self, tenant: str, account: str, keys: set[StreamKey]) -> Stored:
        """What is committed of these streams of an account; one the store has never seen stands at 0."""
        positions = (StreamPosition(key.symbol, key.epoch, self.streams.stored.get(key, 0)) for key in sorted(keys))
        return Stored(tenant, account, tuple(positions), *self.marks.get((tenant, account), (0, 0)))

    def stored_of(self, tenant: str, account: str, epoch: int) -> Stored:
        """What is committed of an account; of one epoch when `epoch` is not 0."""
        keys = self.by_account.get((tenant, account), set())
        return self.stored(tenant, account, {key for key in keys if epoch in (0, key.epoch)})

    def symbols(self, tenant: str, digits: dict[tuple[str, str], int]) -> tuple[SymbolRow, ...]:
        """Every symbol of a tenant: its newest tick and the ticks of all its epochs."""
        by_symbol: dict[tuple[str, str], list[StreamKey]] = {}
        for (owner, account), keys in self.by_account.items():
            if owner == tenant:
                for key in keys:
                    by_symbol.setdefault((account, key.symbol), []).append(key)
        rows = []
        for (account, symbol), keys_of_symbol in sorted(by_symbol.items()):
            known = [key for key in keys_of_symbol if key in self.newest]
            if not known:
                continue
            tick = self.newest[max(known, key=lambda key: key.epoch)]
            told = digits.get((account, symbol))
            rows.append(
                SymbolRow(
                    account,
                    symbol,
                    digits_of(tick.bid, tick.ask) if told is None else told,
                    tick.time_msc,
                    tick.received_ms,
                    tick.bid,
                    tick.ask,
                    sum(self.streams.stored[key] for key in keys_of_symbol),
                )
            )
        return tuple(rows)
