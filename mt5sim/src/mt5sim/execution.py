"""Turn what a broker accepts into orders, deals and positions, on hedging and on netting accounts."""

from dataclasses import dataclass

from mt5sim import constants as c
from mt5sim.costs import commission
from mt5sim.ledger import MONEY_DIGITS, VOLUME_DIGITS, Change, Ledger
from mt5sim.profiles import SymbolProfile
from mt5sim.records import build, changed
from mt5sim.structs import TradeDeal, TradeOrder, TradePosition, TradeRequest
from mt5sim.valuation import Valuation


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: so many lots of a side at a price, at a moment on the broker's clock, and why."""

    side: int
    volume: float
    price: float
    msc: int
    magic: int = 0
    comment: str = ""
    reason: int = c.DEAL_REASON_EXPERT
    type_filling: int = c.ORDER_FILLING_FOK
    type_time: int = c.ORDER_TIME_GTC
    sl: float = 0.0
    tp: float = 0.0
    unfilled: float = 0.0
    """ lots asked for and not given """
    works_on: bool = False
    """ the order stays for what is unfilled; else the remainder is cancelled """
    order: TradeOrder | None = None
    """ the order that is filled, when it exists already """

    @classmethod
    def of(cls, request: TradeRequest, price: float, msc: int) -> "Fill":
        return cls(
            request.type, request.volume, price, msc, request.magic, request.comment,
            type_filling=request.type_filling, type_time=request.type_time, sl=request.sl, tp=request.tp,
        )  # fmt: skip

    @classmethod
    def of_order(cls, order: TradeOrder, price: float, msc: int) -> "Fill":
        """All that an existing order still waits for."""
        return cls(
            order.type % 2, order.volume_current, price, msc, order.magic, order.comment, order.reason,
            order.type_filling, order.type_time, order.sl, order.tp, order=order,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes tickets for one ledger. Hand each Change to `ledger.apply` before asking for the next.

    Every method raises ArithmeticError when nothing converts a result to the deposit's currency.
    """

    ledger: Ledger
    valuation: Valuation

    def open(self, profile: SymbolProfile, fill: Fill) -> Change:
        """A position of its own. Its ticket and identifier are the ticket of the order that opened it."""
        ticket = self._ticket(fill)
        position = self._position(profile, fill, ticket, ticket, fill.volume)
        return self._change(profile, fill, ticket, c.DEAL_ENTRY_IN, position)

    def add(self, profile: SymbolProfile, position: TradePosition, fill: Fill) -> Change:
        """More of the same: volume-weighted price; new stops replace the old, missing ones do not."""
        volume = round(position.volume + fill.volume, VOLUME_DIGITS)
        price = (position.price_open * position.volume + fill.price * fill.volume) / volume
        added = changed(
            position, volume=volume, price_open=price, sl=fill.sl or position.sl, tp=fill.tp or position.tp,
            time_update=fill.msc // 1000, time_update_msc=fill.msc,
        )  # fmt: skip
        return self._change(profile, fill, position.identifier, c.DEAL_ENTRY_IN, added)

    def close(
        self, profile: SymbolProfile, position: TradePosition, fill: Fill, entry: int = c.DEAL_ENTRY_OUT
    ) -> Change:
        """All or part of a position; what is left keeps its price and stops, and its part of the swap."""
        rest = round(position.volume - fill.volume, VOLUME_DIGITS)
        swap, left = position.swap, None
        if rest > 0:
            swap = round(position.swap * fill.volume / position.volume, MONEY_DIGITS)
            left = changed(
                position, volume=rest, swap=round(position.swap - swap, MONEY_DIGITS),
                time_update=fill.msc // 1000, time_update_msc=fill.msc,
            )  # fmt: skip
        profit = self._profit(profile, position, fill.volume, fill.price)
        return self._change(profile, fill, position.identifier, entry, left, position, profit, swap)

    def net(self, profile: SymbolProfile, position: TradePosition | None, fill: Fill) -> Change:
        """On a netting account: open, add to, reduce, close or reverse the one position of the symbol."""
        if position is None:
            return self.open(profile, fill)
        if position.type == fill.side:
            return self.add(profile, position, fill)
        beyond = round(fill.volume - position.volume, VOLUME_DIGITS)
        if beyond <= 0:
            return self.close(profile, position, fill)
        profit = self._profit(profile, position, position.volume, fill.price)
        # the identifier survives a reversal, the ticket becomes that of the reversing order
        turned = self._position(profile, fill, self._ticket(fill), position.identifier, beyond)
        return self._change(
            profile, fill, position.identifier, c.DEAL_ENTRY_INOUT, turned, position, profit, position.swap
        )

    def close_by(self, profile: SymbolProfile, position: TradePosition, opposite: TradePosition, fill: Fill) -> Change:
        """Two opposite positions against each other, at each other's opening price.

        The first deal carries the result of both, the second closes at its own opening price: metatrader5.com help,
        "Close By". Commission is not charged, since nothing is traded.
        """
        ticket = self.ledger.next_order
        msc, lots = fill.msc, fill.volume
        order = changed(
            self._order(profile, fill, ticket, position.identifier), type=c.ORDER_TYPE_CLOSE_BY,
            position_by_id=opposite.identifier,
        )  # fmt: skip
        first = self.close(
            profile, position, Fill(1 - position.type, lots, opposite.price_open, msc, fill.magic, fill.comment),
            c.DEAL_ENTRY_OUT_BY,
        )  # fmt: skip
        second = self.close(
            profile, opposite, Fill(1 - opposite.type, lots, opposite.price_open, msc, fill.magic, fill.comment),
            c.DEAL_ENTRY_OUT_BY,
        )  # fmt: skip
        deals = (first.deals[0], changed(second.deals[0], ticket=first.deals[0].ticket + 1))
        return Change(
            (order,), tuple(changed(deal, order=ticket) for deal in deals),
            first.positions + second.positions, first.closed + second.closed,
        )  # fmt: skip

    def reopen(self, profile: SymbolProfile, position: TradePosition, closed: float, opened: float, msc: int) -> Change:
        """Charge a night through the price: the position closes and opens again under a new ticket."""
        fill = Fill(
            1 - position.type, position.volume, closed, msc, position.magic, position.comment, c.DEAL_REASON_ROLLOVER
        )
        out = self.close(profile, position, fill)
        ticket = self.ledger.next_order + 1
        back = Fill(
            position.type, position.volume, opened, msc, position.magic, position.comment, c.DEAL_REASON_ROLLOVER,
            sl=position.sl, tp=position.tp,
        )  # fmt: skip
        again = changed(
            self._position(profile, back, ticket, position.identifier, position.volume), reason=position.reason
        )
        return Change(
            (*out.orders, self._order(profile, back, ticket, position.identifier)),
            (
                *out.deals,
                self._deal(
                    profile, back, out.deals[0].ticket + 1, ticket, position.identifier, c.DEAL_ENTRY_IN, 0.0, 0.0
                ),
            ),
            (again,),
            (position.ticket,),
        )

    def _ticket(self, fill: Fill) -> int:
        return self.ledger.next_order if fill.order is None else int(fill.order.ticket)

    def _profit(self, profile: SymbolProfile, position: TradePosition, volume: float, price: float) -> float:
        profit = self.valuation.profit(position.type, profile, volume, position.price_open, price)
        if profit is None:
            raise ArithmeticError(f"no rate from {profile.profit} to {self.valuation.currency}")
        return profit

    def _change(
        self,
        profile: SymbolProfile,
        fill: Fill,
        position_id: int,
        entry: int,
        position: TradePosition | None,
        before: TradePosition | None = None,
        profit: float = 0.0,
        swap: float = 0.0,
    ) -> Change:
        ticket = self._ticket(fill)
        gone = before is not None and (position is None or position.ticket != before.ticket)
        return Change(
            orders=(self._order(profile, fill, ticket, position_id),),
            deals=(self._deal(profile, fill, self.ledger.next_deal, ticket, position_id, entry, profit, swap),),
            positions=() if position is None else (position,),
            closed=(before.ticket,) if before is not None and gone else (),
        )

    def _position(
        self, profile: SymbolProfile, fill: Fill, ticket: int, identifier: int, volume: float
    ) -> TradePosition:
        seconds = fill.msc // 1000
        return build(
            TradePosition,
            ticket=ticket, time=seconds, time_msc=fill.msc, time_update=seconds, time_update_msc=fill.msc,
            type=fill.side, magic=fill.magic, identifier=identifier, reason=fill.reason, volume=volume,
            price_open=fill.price, sl=fill.sl, tp=fill.tp, price_current=fill.price, swap=0.0, profit=0.0,
            symbol=profile.name, comment=fill.comment, external_id="",
        )  # fmt: skip

    def _order(self, profile: SymbolProfile, fill: Fill, ticket: int, position_id: int) -> TradeOrder:
        seconds = fill.msc // 1000
        state = c.ORDER_STATE_PARTIAL if fill.unfilled else c.ORDER_STATE_FILLED
        done = {"time_done": seconds, "time_done_msc": fill.msc}
        if fill.unfilled and fill.works_on:
            done = {"time_done": 0, "time_done_msc": 0}
        if fill.order is not None:
            return changed(
                fill.order, state=state, position_id=position_id, volume_current=fill.unfilled,
                price_current=fill.price, **done,
            )  # fmt: skip
        return build(
            TradeOrder,
            ticket=ticket, time_setup=seconds, time_setup_msc=fill.msc, time_expiration=0, type=fill.side,
            type_time=fill.type_time, type_filling=fill.type_filling, state=state, magic=fill.magic,
            position_id=position_id, position_by_id=0, reason=fill.reason,
            volume_initial=round(fill.volume + fill.unfilled, VOLUME_DIGITS), volume_current=fill.unfilled,
            price_open=fill.price, sl=fill.sl, tp=fill.tp, price_current=fill.price, price_stoplimit=0.0,
            symbol=profile.name, comment=fill.comment, external_id="", **done,
        )  # fmt: skip

    def _deal(
        self,
        profile: SymbolProfile,
        fill: Fill,
        ticket: int,
        order: int,
        position_id: int,
        entry: int,
        profit: float,
        swap: float,
    ) -> TradeDeal:
        paid = fee = 0.0
        if entry != c.DEAL_ENTRY_OUT_BY and fill.reason != c.DEAL_REASON_ROLLOVER:
            paid = commission(self.valuation, profile, fill.volume, fill.price, entry)
            fee = 0.0 - round(fill.volume * profile.fee_per_lot, MONEY_DIGITS)
        return build(
            TradeDeal,
            ticket=ticket, order=order, time=fill.msc // 1000, time_msc=fill.msc, type=fill.side, entry=entry,
            magic=fill.magic, position_id=position_id, reason=fill.reason, volume=fill.volume, price=fill.price,
            commission=paid, swap=swap, profit=profit, fee=fee, symbol=profile.name, comment=fill.comment,
            external_id="",
        )  # fmt: skip
