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
    """ placed, altered or done; an order without a time_done is still working """
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
    """Call `apply` with each Change after it is on disk."""

    positions: dict[int, TradePosition] = field(default_factory=dict)
    """ ticket -> position """
    pending: dict[int, TradeOrder] = field(default_factory=dict)
    """ ticket -> order that still works: a pending one, or the rest of a market order """
    orders: dict[int, TradeOrder] = field(default_factory=dict)
    """ ticket -> order that is done, in the order of being done """
    deals: dict[int, TradeDeal] = field(default_factory=dict)
    """ ticket -> deal, oldest first """
    balance: float = 0.0
    last_order: int = FIRST_ORDER - 1
    """ the newest order ticket given out """
    last_msc: int = 0
    """ broker time of the newest event: the market may not restart before it """
    version: int = 0
    """ grows with every change """

    @property
    def next_order(self) -> int:
        return self.last_order + 1

    @property
    def next_deal(self) -> int:
        return next(reversed(self.deals), FIRST_DEAL - 1) + 1

    def apply(self, change: Change) -> None:
        for order in sorted(change.orders, key=lambda row: row.time_done_msc):
            if order.time_done_msc:
                self.pending.pop(order.ticket, None)
                self.orders[order.ticket] = order
            else:
                self.pending[order.ticket] = order
            self.last_order = max(self.last_order, order.ticket)
            self.last_msc = max(self.last_msc, order.time_setup_msc, order.time_done_msc)
        self.deals.update((deal.ticket, deal) for deal in change.deals)
        for ticket in change.closed:
            del self.positions[ticket]
        self.positions.update((position.ticket, position) for position in change.positions)
        self.last_msc = max(
            [self.last_msc, *(d.time_msc for d in change.deals), *(p.time_update_msc for p in change.positions)]
        )
        self.balance = round(self.balance + sum(amount(deal) for deal in change.deals), MONEY_DIGITS)
        self.version += 1

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
