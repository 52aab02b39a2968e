"""Profit and margin in the deposit currency, and what they leave of the account."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mt5sim import constants as c
from mt5sim.ledger import MONEY_DIGITS, Ledger
from mt5sim.margin import FOREX, covered, gain, needed
from mt5sim.profiles import SymbolProfile
from mt5sim.records import changed
from mt5sim.structs import TradePosition

CODE = 3
""" length of a currency code """

Legs = Sequence[Sequence[TradePosition]]
""" the buys and the sells of one symbol """


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
        """Between two prices, in deposit currency, without swap and commission; None when nothing converts it."""
        money = gain(profile, side, volume, opened, closed)
        if profile.calc_mode in FOREX and profile.base == self.currency and profile.profit != self.currency:
            return round(money / closed, MONEY_DIGITS)
        converted = self.convert(money, profile.profit, self.currency)
        return None if converted is None else round(converted, MONEY_DIGITS)

    def margin(
        self,
        profile: SymbolProfile,
        volume: float,
        price: float,
        side: int = c.ORDER_TYPE_BUY,
        *,
        open_already: bool = False,
    ) -> float | None:
        """For `volume` lots alone, in deposit currency; positions do not matter. None when nothing converts it."""
        amount = needed(profile, self.leverage, volume, price, side, open_already=open_already)
        return self._in_deposit(profile, amount, price)

    def priced(self, position: TradePosition) -> TradePosition:
        """The position at the current price."""
        quote = self.quote(position.symbol)
        if quote is None or position.symbol not in self.profiles:
            return position
        return changed(position, price_current=quote.to_close(position.type), profit=self.floating(position))

    def floating(self, position: TradePosition) -> float:
        """What closing the position now would earn, without its swap; its last known profit without a price."""
        quote, profile = self.quote(position.symbol), self.profiles.get(position.symbol)
        if quote is None or profile is None:
            return position.profit
        price = quote.to_close(position.type)
        profit = self.profit(position.type, profile, position.volume, position.price_open, price)
        return position.profit if profit is None else profit

    def state(self, ledger: Ledger) -> AccountState:
        """The account's figures at the current prices. Swaps not yet paid are part of the profit."""
        positions = ledger.positions.values()
        profit = round(sum((self.floating(p) + p.swap for p in positions), 0.0), MONEY_DIGITS)
        return AccountState.of(ledger.balance, profit, self.total_margin(positions))

    def total_margin(self, positions: Iterable[TradePosition]) -> float:
        """What all open positions tie up, in deposit currency. Sources: see margin.py."""
        sides: dict[str, tuple[list[TradePosition], list[TradePosition]]] = {}
        for position in positions:
            sides.setdefault(position.symbol, ([], []))[position.type].append(position)
        total = 0.0
        for symbol, legs in sides.items():
            profile = self.profiles.get(symbol)
            if profile is not None:
                charge = self._larger_leg if profile.margin_hedged_use_leg else self._basic
                total += charge(profile, legs)
        return round(total, MONEY_DIGITS)

    def _basic(self, profile: SymbolProfile, legs: Legs) -> float:
        """The larger side is charged for what the other does not cover, the covered part as hedged."""
        lots = [sum(p.volume for p in leg) for leg in legs]
        side = 0 if lots[0] >= lots[1] else 1
        hedged = min(lots)
        total = self._leg(profile, max(lots) - hedged, _average_price(legs[side]), side)
        if hedged and profile.margin_hedged:
            price = _average_price([*legs[0], *legs[1]])
            total += self._in_deposit(profile, covered(profile, self.leverage, hedged, price), price) or 0.0
        return total

    def _larger_leg(self, profile: SymbolProfile, legs: Legs) -> float:
        """Each side as if it were alone; the larger of the two is charged."""
        return max(
            self._leg(profile, sum(p.volume for p in leg), _average_price(leg), side) for side, leg in enumerate(legs)
        )

    def _leg(self, profile: SymbolProfile, lots: float, price: float, side: int) -> float:
        return self.margin(profile, lots, price, side, open_already=True) or 0.0

    def _in_deposit(self, profile: SymbolProfile, money: float, price: float) -> float | None:
        """Margin currency to deposit currency, rounded to cents."""
        if profile.calc_mode in FOREX and profile.margin == profile.base and profile.profit == self.currency:
            # the own price converts: an open position keeps the margin of its opening price
            return round(money * price, MONEY_DIGITS)
        paid = self.convert(-money, profile.margin, self.currency)
        return None if paid is None else round(-paid, MONEY_DIGITS)

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


def _average_price(positions: Sequence[TradePosition]) -> float:
    lots: float = sum(position.volume for position in positions)
    return sum(position.volume * position.price_open for position in positions) / lots if lots else 0.0
