"""What a strategy is: it sees ticks and a little of the market, and asks. It never sends."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from contracts.accounts import Position, Side
from contracts.ticks import Tick


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a strategy's parameters; raise ValueError with a plain sentence from `__post_init__`."""


class Proposal(msgspec.Struct, frozen=True):
    """A market order a strategy would like. `position` is the ticket to close; 0 opens. `why` goes into the audit."""

    side: Side
    volume: Decimal
    position: int = 0
    why: str = ""
    sl: float = 0.0
    tp: float = 0.0


@dataclass(slots=True)
class Market:
    """What a strategy may know besides ticks. The engine keeps it up to date."""

    own: Position | None = None
    """Its own open position in this symbol."""
    in_flight: bool = False
    """An order of its own has no answer yet: asking for more would be refused."""
    occupied: bool = False
    """A position is open here, its own or one that a new order would collide with."""


class Strategy(ABC):
    """One instance trades one symbol of one account. Decide from ticks alone: no clock, no chance, no I/O."""

    name: ClassVar[str]
    params_type: ClassVar[type[Params]]
    wake_ms: int = 0
    """Ticks stamped before this are not shown. Raise it to sleep; 0 sees every tick."""

    @abstractmethod
    def __init__(self, params: Any) -> None:
        """Made anew for each symbol, with parameters of `params_type`."""

    @abstractmethod
    def on_tick(self, tick: Tick, market: Market) -> list[Proposal]:
        """Look at one tick; answer what is wanted, usually nothing."""
