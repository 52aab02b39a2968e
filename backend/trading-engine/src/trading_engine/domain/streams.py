"""Streams of ticks, one per symbol of an account: what was seen of each, and the strategies that watch it."""

import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.accounts import AccountState, MarginMode
from contracts.ticks import Tick, TickBatch, unpack
from trading_engine.domain.book import Line, OrderBook
from trading_engine.domain.risk import Quote
from trading_engine.domain.strategy import Market, Proposal, Strategy

WENT_BACK_MS = 3_600_000
"""Tick time this far before a strategy's alarm: the clock of the feed was turned back, and the alarm is void."""
_OURS = "ait-"
"""How the comment of every order of the platform begins (`contracts.signals.short_id`)."""


@dataclass(slots=True)
class Runner:
    """A strategy at work on one stream."""

    name: str
    line: Line
    strategy: Strategy
    market: Market = field(default_factory=Market)
    failed: str = ""
    """The error that ended it; it is shown no further tick."""

    def look(self, account: AccountState | None, book: OrderBook) -> None:
        """Tell its market what the account and the book say now."""
        market = self.market
        market.in_flight = bool(book.in_flight(self.line))
        market.own, market.occupied = None, False
        if account is None:
            return
        for position in account.positions:
            if position.symbol != self.line[3]:
                continue
            owner = book.owner(position.magic)
            if owner is not None and owner.strategy == self.name:
                market.own, market.occupied = position, True
            elif account.margin_mode is MarginMode.NETTING or (owner is None and position.comment.startswith(_OURS)):
                # netting: our order would change a stranger's position; ours but forgotten: it may be this one's
                market.occupied = True


@dataclass(slots=True)
class Stream:
    """Ticks of one symbol of one account."""

    symbol: str
    runners: list[Runner]
    epoch: int = 0
    seq: int = 0
    """The newest number seen."""
    quote: Quote | None = None
    """The newest quote."""

    def skip(self, batch: TickBatch) -> int:
        """How many ticks at the front of the batch are known already; all of them when it is of an older epoch."""
        if batch.epoch != self.epoch:
            return batch.count if batch.epoch < self.epoch else 0
        return min(max(self.seq - batch.first_seq + 1, 0), batch.count)

    def hole(self, batch: TickBatch) -> int:
        """How many numbers are missing between what was seen and the batch."""
        if batch.epoch != self.epoch or not self.seq:
            return 0  # a start in the middle of a stream is no loss: others have seen what came before
        return max(batch.first_seq - self.seq - 1, 0)


class Columns:
    """A batch's columns, unpacked once."""

    __slots__ = ("asks", "batch", "bids", "marks", "received", "times")

    def __init__(self, batch: TickBatch) -> None:
        self.batch = batch
        self.times: array.array[float] = unpack("q", batch.time_msc)
        self.received: array.array[float] = unpack("q", batch.received_ms)
        self.bids: array.array[float] = unpack("d", batch.bid)
        self.asks: array.array[float] = unpack("d", batch.ask)
        self.marks = batch.marks

    def quote(self, i: int) -> Quote:
        """The i-th tick as the risk rules see it."""
        batch = self.batch
        return Quote(batch.epoch, batch.first_seq + i, int(self.received[i]), self.bids[i], self.asks[i], self.marks[i])

    def proposals(self, runner: Runner, start: int) -> Iterator[tuple[int, list[Proposal]]]:
        """Show the ticks from `start` on to the strategy; yield (index of the tick, proposals) where it asks.

        This is the loop that every tick goes through: a sleeping strategy costs one comparison per tick.
        """
        strategy, market, batch = runner.strategy, runner.market, self.batch
        times, received, bids, asks, marks = self.times, self.received, self.bids, self.asks, self.marks
        if start:
            times = times[start:]
        if strategy.wake_ms - times[0] > WENT_BACK_MS:
            strategy.wake_ms = 0
        wake = strategy.wake_ms
        try:
            for i, time_msc in enumerate(times, start):
                if time_msc < wake:
                    continue
                asked = strategy.on_tick(
                    Tick(
                        batch.symbol,
                        batch.first_seq + i,
                        time_msc,  # type: ignore[arg-type]  # a "q" column holds ints
                        received[i],  # type: ignore[arg-type]
                        bids[i],
                        asks[i],
                        marks[i],
                    ),
                    market,
                )
                wake = strategy.wake_ms
                if asked:
                    yield i, asked
        except Exception as error:  # noqa: BLE001 a strategy's fault must not stop the others
            runner.failed = repr(error)
