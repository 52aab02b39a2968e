"""Everything that may forbid an order here: the trader's switch and limits, the terminal, the symbol, the price."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from client_security.domain.refusal import Refusal
from contracts.accounts import Side
from contracts.signals import Signal
from kit.clock import Clock
from metatrader_connector.account_watch import HEDGING, AccountWatch
from metatrader_connector.domain.executor import BUY, SELL, Entry, Outcome
from metatrader_connector.domain.exposure import open_lots, signed_lots
from metatrader_connector.domain.halt import halted
from metatrader_connector.domain.limits import (
    Limits,
    Quote,
    refusal_by_hours,
    refusal_by_limits,
    refusal_by_loss,
    refusal_by_position,
    refusal_by_price,
    refusal_by_total,
    refusal_by_volume,
)
from metatrader_connector.domain.readiness import symbol_blocked_because
from metatrader_connector.domain.terminal import PositionFacts
from metatrader_connector.ports import Journal, LimitsUnreadable

MINUTE_MS = 60_000


class OnItsWay(NamedTuple):
    """An order that was answered, and that the newest picture of the account may not show."""

    position: int
    symbol: str
    lots: Decimal
    """Negative for a sale."""
    answered_ns: int
    opened: PositionFacts | None = None
    """The position it has opened, as the terminal's answer tells it."""


@dataclass(slots=True)
class OrderGate:
    """Ask `refusal` before an order is journaled; tell `answered` of every answer to one."""

    journal: Journal
    watch: AccountWatch
    clock: Clock
    limits: Callable[[], Limits]
    halt: Callable[[], bytes | None]
    """The switch's file; None while there is none."""
    quotes: dict[str, Quote]
    _on_its_way: list[OnItsWay] = field(default_factory=list)

    async def refusal(self, signal: Signal, searching: Mapping[str, Entry]) -> Refusal | None:
        """What forbids the order; None when nothing does. `searching`: orders whose fate is not known."""
        if why := halted(self.halt(), closing=signal.position != 0):
            return Refusal("halted", why)
        try:
            limits = self.limits()
        except LimitsUnreadable as error:
            return Refusal("trading_not_allowed", str(error))
        sent_last_minute = await self.journal.begun_since(self.clock.now_ms() - MINUTE_MS)
        return (
            refusal_by_limits(signal, limits, sent_last_minute)
            or refusal_by_hours(signal, limits, self.watch.zone, self.clock.now_ms())
            or self._not_ready()
            or self._not_tradable(signal)
            or self._not_a_close(signal, searching.values())
            or self._too_much(signal, limits, searching.values())
            or self._not_at_this_price(signal, limits)
        )

    def answered(self, signal: Signal, outcome: Outcome) -> None:
        """The terminal has answered; until a picture shows it the order counts by itself."""
        volume = signed_lots(signal.side, signal.volume)
        opened = None
        if outcome.filled and not signal.position:
            kind, held = (BUY if signal.side is Side.BUY else SELL), float(outcome.filled)
            opened = PositionFacts(
                outcome.position, signal.symbol, kind, held, outcome.price, outcome.price, 0.0, 0.0, 0, signal.magic,
                signal.comment, signal.sl, signal.tp, outcome.position,
            )  # fmt: skip
        self._on_its_way.append(OnItsWay(signal.position, signal.symbol, volume, self.clock.monotonic_ns(), opened))

    def _unseen(self) -> list[OnItsWay]:
        self._on_its_way = [one for one in self._on_its_way if one.answered_ns >= self.watch.asked_ns]
        return self._on_its_way

    def _not_ready(self) -> Refusal | None:
        if not (blocked := self.watch.blocked()):
            return None
        down = self.watch.picture is None or not self.watch.picture.terminal.connected
        return Refusal("terminal_not_ready" if down else "trading_not_allowed", blocked)

    def _not_tradable(self, signal: Signal) -> Refusal | None:
        symbol = self.watch.facts.get(signal.symbol)
        if symbol is None:
            return Refusal("symbol_not_allowed", self.watch.symbol_trouble(signal.symbol))
        side = BUY if signal.side is Side.BUY else SELL
        if blocked := symbol_blocked_because(symbol, side, signal.position != 0, self.watch.closed(signal.symbol)):
            return Refusal("trading_not_allowed", blocked)
        return refusal_by_volume(signal.volume, symbol)

    def _not_a_close(self, signal: Signal, searching: Iterable[Entry]) -> Refusal | None:
        picture = self.watch.picture
        unseen = [one.opened for one in self._unseen() if one.opened is not None]
        shown = (*picture.positions, *unseen) if picture else ()
        found = next((p for p in shown if p.ticket == signal.position), None)
        closing = [abs(one.lots) for one in self._unseen() if one.position == signal.position]
        # of an order without an answer nobody knows whether the picture shows it
        closing += [e.signal.volume for e in searching if e.signal.position == signal.position]
        return refusal_by_position(signal, found, sum(closing, Decimal(0)))

    def _too_much(self, signal: Signal, limits: Limits, searching: Iterable[Entry]) -> Refusal | None:
        picture = self.watch.picture
        assert picture is not None, "a terminal that is down was refused before"
        hedging = picture.account.margin_mode == HEDGING
        opening = [(one.symbol, one.lots) for one in self._unseen() if not one.position]
        opening += [
            (e.signal.symbol, signed_lots(e.signal.side, e.signal.volume)) for e in searching if not e.signal.position
        ]
        with_it = [*opening, (signal.symbol, signed_lots(signal.side, signal.volume))]
        before = open_lots(picture.positions, opening, hedging=hedging)
        after = open_lots(picture.positions, with_it, hedging=hedging)
        return refusal_by_total(signal, limits, before, after) or refusal_by_loss(
            signal, limits, self.watch.lost_today(), picture.account.currency
        )

    def _not_at_this_price(self, signal: Signal, limits: Limits) -> Refusal | None:
        point = self.watch.facts[signal.symbol].point
        return refusal_by_price(signal, self.quotes.get(signal.symbol), point, limits, self.clock.now_ms())
