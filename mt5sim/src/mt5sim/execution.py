"""Turn a permitted market order into orders, deals and positions, on hedging and on netting accounts."""

from dataclasses import dataclass

from mt5sim import constants as c
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
    """ lots asked for and not given; the remainder of the order is cancelled """

    @classmethod
    def of(cls, request: TradeRequest, price: float, msc: int) -> "Fill":
        return cls(
            request.type, request.volume, price, msc, request.magic, request.comment,
            type_filling=request.type_filling, type_time=request.type_time, sl=request.sl, tp=request.tp,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes tickets for one ledger. Hand each Change to `ledger.apply` before asking for the next."""

    ledger: Ledger
    valuation: Valuation

    def open(self, profile: SymbolProfile, fill: Fill) -> Change:
        """A position of its own. Its ticket and identifier are the ticket of the order that opened it."""
        ticket = self.ledger.next_order
        position = self._position(profile, fill, ticket, ticket, fill.volume)
        return self._change(profile, fill, ticket, c.DEAL_ENTRY_IN, 0.0, position)

    def close(self, profile: SymbolProfile, position: TradePosition, fill: Fill) -> Change:
        """All or part of a position; what is left keeps its price and stops."""
        rest = round(position.volume - fill.volume, VOLUME_DIGITS)
        profit = self._profit(profile, position, fill.volume, fill.price)
        left = None
        if rest > 0:
            left = changed(position, volume=rest, time_update=fill.msc // 1000, time_update_msc=fill.msc)
        return self._change(profile, fill, position.identifier, c.DEAL_ENTRY_OUT, profit, left, position)

    def net(self, profile: SymbolProfile, position: TradePosition | None, fill: Fill) -> Change:
        """On a netting account: open, add to, reduce, close or reverse the one position of the symbol."""
        if position is None:
            return self.open(profile, fill)
        if position.type == fill.side:
            return self._change(profile, fill, position.identifier, c.DEAL_ENTRY_IN, 0.0, _added(position, fill))
        beyond = round(fill.volume - position.volume, VOLUME_DIGITS)
        if beyond <= 0:
            return self.close(profile, position, fill)
        profit = self._profit(profile, position, position.volume, fill.price)
        # the identifier survives a reversal, the ticket becomes that of the reversing order
        reversed_ = self._position(profile, fill, self.ledger.next_order, position.identifier, beyond)
        return self._change(profile, fill, position.identifier, c.DEAL_ENTRY_INOUT, profit, reversed_, position)

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
        profit: float,
        position: TradePosition | None,
        before: TradePosition | None = None,
    ) -> Change:
        ticket = self.ledger.next_order
        gone = before is not None and (position is None or position.ticket != before.ticket)
        return Change(
            orders=(_order(profile, fill, ticket, position_id),),
            deals=(_deal(profile, fill, self.ledger.next_deal, ticket, position_id, entry, profit),),
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


def _added(position: TradePosition, fill: Fill) -> TradePosition:
    """More of the same on a netting account: volume-weighted price; new stops replace the old, missing ones do not."""
    volume = round(position.volume + fill.volume, VOLUME_DIGITS)
    price = (position.price_open * position.volume + fill.price * fill.volume) / volume
    return changed(
        position, volume=volume, price_open=price, sl=fill.sl or position.sl, tp=fill.tp or position.tp,
        time_update=fill.msc // 1000, time_update_msc=fill.msc,
    )  # fmt: skip


def _order(profile: SymbolProfile, fill: Fill, ticket: int, position_id: int) -> TradeOrder:
    seconds = fill.msc // 1000
    return build(
        TradeOrder,
        ticket=ticket, time_setup=seconds, time_setup_msc=fill.msc, time_done=seconds, time_done_msc=fill.msc,
        time_expiration=0, type=fill.side, type_time=fill.type_time, type_filling=fill.type_filling,
        state=c.ORDER_STATE_PARTIAL if fill.unfilled else c.ORDER_STATE_FILLED, magic=fill.magic,
        position_id=position_id, position_by_id=0, reason=fill.reason,
        volume_initial=round(fill.volume + fill.unfilled, VOLUME_DIGITS), volume_current=fill.unfilled,
        price_open=fill.price, sl=fill.sl, tp=fill.tp, price_current=fill.price, price_stoplimit=0.0,
        symbol=profile.name, comment=fill.comment, external_id="",
    )  # fmt: skip


def _deal(
    profile: SymbolProfile, fill: Fill, ticket: int, order: int, position_id: int, entry: int, profit: float
) -> TradeDeal:
    return build(
        TradeDeal,
        ticket=ticket, order=order, time=fill.msc // 1000, time_msc=fill.msc, type=fill.side, entry=entry,
        magic=fill.magic, position_id=position_id, reason=fill.reason, volume=fill.volume, price=fill.price,
        commission=0.0 - round(fill.volume * profile.commission_per_lot, MONEY_DIGITS), swap=0.0, profit=profit,
        fee=0.0, symbol=profile.name, comment=fill.comment, external_id="",
    )  # fmt: skip
