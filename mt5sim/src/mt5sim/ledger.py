"""The broker's books of one account: open positions, past orders and deals, and the balance they add up to."""

from dataclasses import dataclass, field

from mt5sim import constants as c
from mt5sim.records import build
from mt5sim.structs import TradeDeal, TradeOrder, TradePosition

FIRST_ORDER = 50_000_001
FIRST_DEAL = 30_000_001
MONEY_DIGITS = 2
VOLUME_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Change:
    """What one event does to the books. It is written to disk whole, or it did not happen."""

    orders: tuple[TradeOrder, ...] = ()
    deals: tuple[TradeDeal, ...] = ()
    positions: tuple[TradePosition, ...] = ()
    """ opened or altered """
    closed: tuple[int, ...] = ()
    """ position tickets that no longer exist """


def amount(deal: TradeDeal) -> float:
    """What a deal adds to the balance."""
    return deal.profit + deal.commission + deal.swap + deal.fee


@dataclass(slots=True)
class Ledger:
    positions: dict[int, TradePosition] = field(default_factory=dict)
    """ ticket -> position """
    orders: dict[int, TradeOrder] = field(default_factory=dict)
    """ ticket -> order that is done, oldest first """
    deals: dict[int, TradeDeal] = field(default_factory=dict)
    """ ticket -> deal, oldest first """
    balance: float = 0.0

    @property
    def next_order(self) -> int:
        return next(reversed(self.orders), FIRST_ORDER - 1) + 1

    @property
    def next_deal(self) -> int:
        return next(reversed(self.deals), FIRST_DEAL - 1) + 1

    @property
    def last_msc(self) -> int:
        """Broker time of the newest event: the market may not restart before it."""
        newest_deal = next(reversed(self.deals.values())).time_msc if self.deals else 0
        return max([newest_deal, *(position.time_update_msc for position in self.positions.values())])

    def apply(self, change: Change) -> None:
        self.orders.update((order.ticket, order) for order in change.orders)
        self.deals.update((deal.ticket, deal) for deal in change.deals)
        for ticket in change.closed:
            del self.positions[ticket]
        self.positions.update((position.ticket, position) for position in change.positions)
        self.balance = round(self.balance + sum(amount(deal) for deal in change.deals), MONEY_DIGITS)

    def after(self, change: Change) -> "Ledger":
        """The books as they would be; the history is left out, because nobody asks a forecast for it."""
        forecast = Ledger(dict(self.positions), balance=self.balance)
        forecast.apply(change)
        return forecast

    def position_of(self, symbol: str) -> TradePosition | None:
        return next((position for position in self.positions.values() if position.symbol == symbol), None)


def deposit(ledger: Ledger, money: float, msc: int) -> Change:
    """The first row of every history: type BALANCE, no order, no symbol."""
    return Change(
        deals=(
            build(
                TradeDeal,
                ticket=ledger.next_deal, order=0, time=msc // 1000, time_msc=msc, type=c.DEAL_TYPE_BALANCE,
                entry=c.DEAL_ENTRY_IN, magic=0, position_id=0, reason=c.DEAL_REASON_CLIENT, volume=0.0, price=0.0,
                commission=0.0, swap=0.0, profit=round(money, MONEY_DIGITS), fee=0.0, symbol="",
                comment="Simulated deposit", external_id="",
            ),
        )
    )  # fmt: skip
