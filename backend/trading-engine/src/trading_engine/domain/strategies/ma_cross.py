"""Moving-average crossover: buy when the fast average of the bid rises through the slow one, sell when it falls."""

from decimal import Decimal
from typing import ClassVar

from contracts.accounts import Side
from contracts.ticks import Tick
from trading_engine.domain.strategies.average import MovingAverage
from trading_engine.domain.strategy import Market, Params, Proposal, Strategy

_OPPOSITE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class MaCrossParams(Params, frozen=True, forbid_unknown_fields=True):
    """The bid is sampled every `sample_ms` of tick time; lengths are counted in samples."""

    volume: Decimal = Decimal("0.01")
    fast: int = 5
    slow: int = 20
    sample_ms: int = 1_000
    cooldown_ms: int = 5_000
    """Tick time between two requests to open."""
    patience_ms: int = 5_000
    """How long after a cross it is still worth acting on: the opposite position has to be closed first."""

    def __post_init__(self) -> None:
        if not self.volume.is_finite() or self.volume <= 0:
            raise ValueError("volume must be above 0")
        if not 1 <= self.fast < self.slow <= 100_000:
            raise ValueError("fast and slow must be at least 1, fast below slow, slow at most 100000")
        if self.sample_ms < 1 or self.cooldown_ms < 0 or self.patience_ms < 0:
            raise ValueError("sample_ms must be at least 1, cooldown_ms and patience_ms at least 0")


class MaCross(Strategy):
    """Holds at most one position. Source of the rule: the crossover every platform ships as its first example."""

    name: ClassVar[str] = "ma_cross"
    params_type: ClassVar[type[Params]] = MaCrossParams

    def __init__(self, params: MaCrossParams) -> None:
        self._p = params
        self._fast = MovingAverage(params.fast)
        self._slow = MovingAverage(params.slow)
        self._above: bool | None = None
        """Whether fast was above slow; None until both averages are full."""
        self._wanted: Side | None = None
        self._wanted_until_ms = 0
        self._open_from_ms = 0
        self._sampled_ms = 0

    def on_tick(self, tick: Tick, market: Market) -> list[Proposal]:
        """Sample, compare, ask. Called once per `sample_ms` of tick time."""
        p, now = self._p, tick.time_msc
        self.wake_ms = now - now % p.sample_ms + p.sample_ms
        if not 0 <= now - self._sampled_ms <= p.slow * p.sample_ms:
            self._forget()  # the market was closed, or the feed's clock turned back: an average across it means nothing
        self._sampled_ms = now
        fast, slow = self._fast.add(tick.bid), self._slow.add(tick.bid)
        if not self._slow.full:
            return []
        if fast != slow:
            above = fast > slow
            if self._above is not None and above is not self._above:
                self._wanted = Side.BUY if above else Side.SELL
                self._wanted_until_ms = now + p.patience_ms
            self._above = above
        if self._wanted is None:
            return []
        return self._ask(self._wanted, now, market, f"fast {fast:.10g} crossed slow {slow:.10g}")

    def _ask(self, wanted: Side, now: int, market: Market, why: str) -> list[Proposal]:
        if now > self._wanted_until_ms:
            self._wanted = None
            return []
        if market.in_flight:
            return []
        own = market.own
        if own is not None:
            if own.side is wanted:
                self._wanted = None
                return []
            return [Proposal(_OPPOSITE[own.side], own.volume, own.ticket, why)]
        if market.occupied or now < self._open_from_ms:
            return []
        self._wanted = None
        self._open_from_ms = now + self._p.cooldown_ms
        return [Proposal(wanted, self._p.volume, why=why)]

    def _forget(self) -> None:
        self._fast.clear()
        self._slow.clear()
        self._above = self._wanted = None
        self._open_from_ms = 0
