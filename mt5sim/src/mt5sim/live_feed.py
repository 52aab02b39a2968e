"""A symbol whose ticks are the live quotes of an exchange."""

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.feed import Feed
from mt5sim.live import LiveStream
from mt5sim.tape import GrowingTape, quotes

MOST_TICKS = 2_000_000
""" kept in memory; beyond it the oldest half is forgotten """


class LiveFeed(Feed):
    """Quotes are stamped when they are received, on the broker's clock. What was before the start is not known."""

    tape: GrowingTape

    def __init__(self, stream: LiveStream, clock: str) -> None:
        super().__init__(GrowingTape.empty())
        self.stream = stream
        self._clock = clock
        stream.start()

    def advance(self, utc_ms: int) -> None:
        if taken := self.stream.take():
            utc = np.array([quote.received_ms for quote in taken], dtype=np.int64)
            # the computer's clock may be set back: the market's time does not go back
            utc = np.maximum.accumulate(np.maximum(utc, self.tape.arrival[-1:].max(initial=0)))
            bid, ask = np.array([quote.bid for quote in taken]), np.array([quote.ask for quote in taken])
            self.tape.extend(quotes(CLOCKS[self._clock](utc), bid, ask), utc)
        if len(self.tape) > MOST_TICKS:
            drop = self.tape.forget_half()
            self.visible, self.delivered = self.visible - drop, max(0, self.delivered - drop)
            self.checked = max(0, self.checked - drop)
        self.visible = len(self.tape)

    def close(self) -> None:
        self.stream.close()

    @property
    def trouble(self) -> str:
        """Why no quotes come; empty while they do."""
        return self.stream.trouble
