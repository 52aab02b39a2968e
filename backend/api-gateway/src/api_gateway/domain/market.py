"""The newest quotes of a tenant, and what changed since browsers were last told."""

from dataclasses import dataclass, field

from contracts.ticks import TickBatch, since, unpack

Key = tuple[str, str]
"""(account, symbol)"""

Row = tuple[str, str, int, int, float, float, int, float, float]
"""account, symbol, time_msc, received_ms, bid, ask, ticks folded in, highest bid, lowest bid: `StreamTicks.d`."""


@dataclass(slots=True, frozen=True)
class Quote:
    """The newest tick of a symbol."""

    account: str
    symbol: str
    epoch: int
    seq: int
    time_msc: int
    received_ms: int
    bid: float
    ask: float


def merged(older: Row, newer: Row) -> Row:
    """Two rows of one symbol as one: the newer quote, and the extremes and the count of both."""
    return (*newer[:6], older[6] + newer[6], max(older[7], newer[7]), min(older[8], newer[8]))


def _row(batch: TickBatch) -> Row:
    bids = unpack("d", batch.bid)
    return (
        batch.account,
        batch.symbol,
        int(unpack("q", batch.time_msc[-8:])[0]),
        int(unpack("q", batch.received_ms[-8:])[0]),
        bids[-1],
        unpack("d", batch.ask[-8:])[0],
        batch.count,
        max(bids),
        min(bids),
    )


@dataclass(slots=True)
class Board:
    """One tenant's quotes. Call `hear` with each batch and `take` when browsers are to be told."""

    quotes: dict[Key, Quote] = field(default_factory=dict)
    """ (account, symbol) -> newest quote """
    changed: dict[Key, Row] = field(default_factory=dict)
    """ (account, symbol) -> what happened since the last `take` """

    def hear(self, batch: TickBatch) -> bool:
        """Note a batch whose columns were checked. False when it holds nothing new: a repetition after a rewind."""
        key = (batch.account, batch.symbol)
        known = self.quotes.get(key)
        # another epoch is another spool, numbered anew; which is later can't be told by clocks that are set back
        if known is not None and batch.epoch == known.epoch:
            fresh = since(batch, known.seq)
            if fresh is None:
                return False
            batch = fresh
        row = _row(batch)
        self.quotes[key] = Quote(*key, batch.epoch, batch.last_seq, row[2], row[3], row[4], row[5])
        waiting = self.changed.get(key)
        self.changed[key] = row if waiting is None else merged(waiting, row)
        return True

    def take(self) -> list[Row]:
        """What changed since the last call."""
        rows = list(self.changed.values())
        self.changed.clear()
        return rows
