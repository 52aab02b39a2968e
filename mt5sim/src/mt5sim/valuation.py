"""Profit and margin in the deposit currency, and what they leave of the account."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mt5sim import constants as c
from mt5sim.ledger import MONEY_DIGITS, Ledger
from mt5sim.profiles import SymbolProfile
from mt5sim.records import changed
from mt5sim.structs import TradePosition

CODE = 3
""" length of a currency code """


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest price of a symbol at which one could trade, on the broker's clock."""

    bid: float
    ask: float
    msc: int

    def to_open(self, side: int) -> float:
        return self.ask if side == c.ORDER_TYPE_BUY else self.bid

    def to_close(self, side: int) -> float:
        return self.bid if side == c.ORDER_TYPE_BUY else self.ask


@dataclass(frozen=True, slots=True)
class AccountState:
    balance: float
    profit: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float

    @classmethod
    def of(cls, balance: float, profit: float, margin: float) -> "AccountState":
        equity = round(balance + profit, MONEY_DIGITS)
        level = equity / margin * 100 if margin else 0.0
        return cls(balance, profit, equity, margin, round(equity - margin, MONEY_DIGITS), level)


@dataclass(frozen=True, slots=True)
class Valuation:
    currency: str
    leverage: int
    profiles: Mapping[str, SymbolProfile]
    quote: Callable[[str], Quote | None]
    fixed: Mapping[str, float]
    """ "EURUSD" -> rate for pairs without quotes """

    def convert(self, money: float, source: str, target: str) -> float | None:
        """Money changed at the side of the market that a broker would use; None when no symbol or rate converts it."""
        direct = self._change(money, source, target)
        if direct is not None:
            return direct
        for middle in self._currencies():
            half = self._change(money, source, middle)
            whole = None if half is None else self._change(half, middle, target)
            if whole is not None:
                return whole
        return None

    def can_convert(self, source: str, target: str) -> bool:
        """Whether the symbols and fixed rates form a way, with or without quotes yet."""
        pairs = {(p.base, p.profit) for p in self.profiles.values()} | {(n[:CODE], n[CODE:]) for n in self.fixed}
        ways = pairs | {(b, a) for a, b in pairs}
        middles = {b for a, b in ways if a == source}
        return source == target or target in middles or any((middle, target) in ways for middle in middles)

    def profit(self, side: int, profile: SymbolProfile, volume: float, opened: float, closed: float) -> float | None:
        """(close - open) * contract * lots, in deposit currency."""
        points = closed - opened if side == c.ORDER_TYPE_BUY else opened - closed
        money = points * profile.contract_size * volume
        if profile.base == self.currency and profile.profit != self.currency:
            return round(money / closed, MONEY_DIGITS)
        converted = self.convert(money, profile.profit, self.currency)
        return None if converted is None else round(converted, MONEY_DIGITS)

    def margin(self, profile: SymbolProfile, volume: float, price: float) -> float | None:
        return self._margin(profile, volume * profile.contract_size, price)

    def priced(self, position: TradePosition) -> TradePosition:
        """The position at the current price."""
        quote, profile = self.quote(position.symbol), self.profiles.get(position.symbol)
        if quote is None or profile is None:
            return position
        price = quote.to_close(position.type)
        profit = self.profit(position.type, profile, position.volume, position.price_open, price)
        return changed(position, price_current=price, profit=position.profit if profit is None else profit)

    def state(self, ledger: Ledger) -> AccountState:
        positions = [self.priced(position) for position in ledger.positions.values()]
        profit = round(sum((position.profit for position in positions), 0.0), MONEY_DIGITS)
        margin = round(self._total_margin(positions), MONEY_DIGITS)
        return AccountState.of(ledger.balance, profit, margin)

    def _total_margin(self, positions: Iterable[TradePosition]) -> float:
        """Per symbol the larger side is charged for what the other does not cover, the covered part as hedged."""
        sides: dict[str, dict[int, list[TradePosition]]] = {}
        for position in positions:
            sides.setdefault(position.symbol, {0: [], 1: []})[position.type].append(position)
        total = 0.0
        for symbol, by_type in sides.items():
            profile = self.profiles.get(symbol)
            if profile is None:
                continue
            lots = [sum(p.volume for p in by_type[side]) for side in (0, 1)]
            larger, covered = by_type[0] if lots[0] >= lots[1] else by_type[1], min(lots)
            uncovered = self.margin(profile, max(lots) - covered, _average_price(larger))
            price = _average_price(by_type[0] + by_type[1])
            hedged = self._margin(profile, covered * profile.margin_hedged, price)
            total += (uncovered or 0.0) + (hedged or 0.0)
        return total

    def _margin(self, profile: SymbolProfile, units: float, price: float) -> float | None:
        """`units` = lots * contract size. Formulas: mql5.com, "Margin calculation" per SYMBOL_CALC_MODE."""
        leverage = self.leverage
        if profile.calc_mode in (c.SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE, c.SYMBOL_CALC_MODE_CFD):
            leverage = 1
        by_price = profile.calc_mode in (c.SYMBOL_CALC_MODE_CFD, c.SYMBOL_CALC_MODE_CFDLEVERAGE)
        money = units * price / leverage if by_price else units / leverage
        if profile.margin == profile.base and profile.profit == self.currency:
            # the own price converts: an open position keeps the margin of its opening price
            return round(money * price, MONEY_DIGITS)
        needed = self.convert(-money, profile.margin, self.currency)
        return None if needed is None else round(-needed, MONEY_DIGITS)

    def _change(self, money: float, source: str, target: str) -> float | None:
        if source == target:
            return money
        for profile in self.profiles.values():
            pair = (profile.base, profile.profit)
            if pair not in ((source, target), (target, source)):
                continue
            quote = self.quote(profile.name)
            if quote is None:
                continue
            if pair == (source, target):
                return money * (quote.bid if money > 0 else quote.ask)
            return money / (quote.ask if money > 0 else quote.bid)
        if source + target in self.fixed:
            return money * self.fixed[source + target]
        if target + source in self.fixed:
            return money / self.fixed[target + source]
        return None

    def _currencies(self) -> list[str]:
        names = {currency for p in self.profiles.values() for currency in (p.base, p.profit)}
        return sorted(names | {code for pair in self.fixed for code in (pair[:CODE], pair[CODE:])})


def _average_price(positions: list[TradePosition]) -> float:
    lots: float = sum(position.volume for position in positions)
    return sum(position.volume * position.price_open for position in positions) / lots if lots else 0.0
