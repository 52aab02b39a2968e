"""What may happen to an order on its way, drawn from a seed: the same requests in the same order meet the same luck."""

from dataclasses import dataclass
from math import inf
from random import Random

from mt5sim import constants as c


@dataclass(frozen=True, slots=True)
class Luck:
    """What happens to one request."""

    retcode: int = 0
    """ not 0 = the broker answers this and executes nothing """
    requote: bool = False
    """ Instant and Request execution only """
    slippage_points: int = 0
    """ the fill is this much worse than the quote """
    share: float = 1.0
    """ of the volume an IOC or RETURN market order gets at once """
    latency_ms: float = 0.0


NO_LUCK = Luck()


@dataclass(frozen=True, slots=True)
class Execution:
    """The broker's habits. Chances are shares of all requests, 0 to 1; everything is off by default."""

    seed: int = 1
    slippage_points: int = 0
    """ market orders are filled 0 to this many points worse than the quote """
    requote: float = 0.0
    """ chance of 10004, in Instant and Request execution only """
    price_changed: float = 0.0
    """ chance of 10020 """
    price_off: float = 0.0
    """ chance of 10021 """
    reject: float = 0.0
    """ chance of `reject_retcode` """
    reject_retcode: int = c.TRADE_RETCODE_REJECT
    partial: float = 0.0
    """ chance that a market order is filled in part: IOC loses the rest, RETURN works on at the next tick """
    latency_ms: float = 0.0
    latency_jitter_ms: float = 0.0
    """ real milliseconds before an order is executed: the first, and up to the second on top """

    def draw(self, order: int, request: int) -> Luck:
        """The luck of the request that would become this order, at this request id."""
        if self == CALM:
            return NO_LUCK
        random = Random(f"{self.seed}/{order}/{request}")  # noqa: S311 a simulation, not a secret
        refused, requote, worse, partial, share, latency = (random.random() for _ in range(6))
        retcode, limit = 0, 0.0
        for chance, code in (
            (self.reject, self.reject_retcode),
            (self.price_changed, c.TRADE_RETCODE_PRICE_CHANGED),
            (self.price_off, c.TRADE_RETCODE_PRICE_OFF),
        ):
            limit += chance
            if not retcode and refused < limit:
                retcode = code
        return Luck(
            retcode,
            requote < self.requote,
            int(worse * (self.slippage_points + 1)),
            share if partial < self.partial else 1.0,
            self.latency_ms + latency * self.latency_jitter_ms,
        )

    def mistakes(self) -> list[str]:
        """What is wrong with these habits, in words; empty when nothing is."""
        chances = (self.requote, self.price_changed, self.price_off, self.reject, self.partial)
        mistakes = []
        if not all(0 <= chance <= 1 for chance in chances):
            mistakes.append("execution: requote, price_changed, price_off, reject and partial are chances from 0 to 1")
        if self.reject + self.price_changed + self.price_off > 1:
            mistakes.append("execution: reject, price_changed and price_off must not add up to more than 1")
        if self.slippage_points < 0:
            mistakes.append("execution.slippage_points: use 0 or more")
        if not (0 <= self.latency_ms < inf and 0 <= self.latency_jitter_ms < inf):
            mistakes.append("execution.latency_ms, latency_jitter_ms: use 0 or more")
        return mistakes


CALM = Execution()
