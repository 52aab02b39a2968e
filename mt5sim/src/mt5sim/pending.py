"""Decide about pending orders: placing, modifying and removing them."""

from dataclasses import dataclass
from math import inf

from mt5sim import constants as c
from mt5sim.ledger import Change
from mt5sim.profiles import SymbolProfile
from mt5sim.records import build, changed
from mt5sim.rules import (
    PENDING_BITS,
    STOP_LIMITS,
    distance,
    expiration_fits,
    limit_fits,
    on_tick,
    order_frozen,
    pending_filling_fits,
    side_of,
    stops_fit,
    volume_fits,
)
from mt5sim.structs import TradeOrder, TradeRequest
from mt5sim.valuation import Quote
from mt5sim.verdict import Case, Plan, Refusal


@dataclass(frozen=True, slots=True)
class PendingCase(Case):
    """Rules in the order in which the first that fails decides. No margin is reserved for a pending order."""

    def place(self, request: TradeRequest, profile: SymbolProfile) -> Plan | Refusal:
        """A new order of one of the six pending types."""
        if not profile.order_mode & PENDING_BITS.get(request.type, 0):
            return Refusal(c.TRADE_RETCODE_INVALID_ORDER)
        if not volume_fits(request.volume, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_VOLUME)
        if not pending_filling_fits(request.type_filling, request.type, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_FILL)
        if not expiration_fits(request.type_time, request.expiration, self.now_msc, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_EXPIRATION)
        code = self.shut(profile) or self.barred(profile, side_of(request.type))
        if code is not None:
            return Refusal(code)
        pending = self.desk.ledger.pending
        if self.account.limit_orders and len(pending) >= self.account.limit_orders:
            return Refusal(c.TRADE_RETCODE_LIMIT_ORDERS)
        if self.over_volume(profile, side_of(request.type), request.volume):
            return Refusal(c.TRADE_RETCODE_LIMIT_VOLUME)
        quote = self.quote(profile)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        refused = self._levels(request, request.type, request.type_filling, quote, profile)
        if refused is not None:
            return refused
        if self.luck.retcode:
            return Refusal(self.luck.retcode, quote)
        return self._plan(self._order(request, quote), request.volume)

    def modify(self, request: TradeRequest) -> Plan | Refusal:
        """Other prices, stops or another lifetime for an order that still works."""
        order = self.desk.ledger.pending.get(request.order)
        profile = None if order is None else self.desk.valuation.profiles.get(order.symbol)
        if order is None or profile is None or order.type not in PENDING_BITS:
            return Refusal(c.TRADE_RETCODE_INVALID)
        if (code := self.shut(profile)) is not None:
            return Refusal(code)
        quote = self.quote(profile)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if not expiration_fits(request.type_time, request.expiration, self.now_msc, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_EXPIRATION)
        stoplimit = request.stoplimit if order.type in STOP_LIMITS else 0.0
        moved = changed(
            order, price_open=request.price, price_stoplimit=stoplimit, sl=request.sl, tp=request.tp,
            type_time=request.type_time, time_expiration=_expiration(request),
        )  # fmt: skip
        if moved == order:
            return Refusal(c.TRADE_RETCODE_NO_CHANGES)
        if order_frozen(order, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        refused = self._levels(request, order.type, order.type_filling, quote, profile)
        return refused if refused is not None else self._plan(moved, order.volume_current)

    def remove(self, request: TradeRequest) -> Plan | Refusal:
        """An order that still works goes into the history as cancelled."""
        order = self.desk.ledger.pending.get(request.order)
        profile = None if order is None else self.desk.valuation.profiles.get(order.symbol)
        if order is None or profile is None:
            return Refusal(c.TRADE_RETCODE_INVALID)
        if (code := self.shut(profile)) is not None:
            return Refusal(code)
        quote = self.quote(profile)
        if quote is not None and order.type in PENDING_BITS and order_frozen(order, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        return self._plan(ended(order, c.ORDER_STATE_CANCELED, self.now_msc), order.volume_current)

    def _levels(
        self, request: TradeRequest, order_type: int, filling: int, quote: Quote, profile: SymbolProfile
    ) -> Refusal | None:
        """Prices on the right side of the market, stops on the right side of the order, all far enough away."""
        if not 0 < request.price < inf or not on_tick(request.price, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_PRICE, quote)
        opening = request.price
        if order_type in STOP_LIMITS:
            if not limit_fits(order_type, request.price, request.stoplimit, profile):
                return Refusal(c.TRADE_RETCODE_INVALID_PRICE, quote)
            opening = request.stoplimit
        points = distance(order_type, request.price, quote, profile)
        if points < 0 or (filling == c.ORDER_FILLING_BOC and points == 0):
            return Refusal(c.TRADE_RETCODE_INVALID_PRICE, quote)
        if points < profile.stops_level or not stops_fit(side_of(order_type), request.sl, request.tp, opening, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_STOPS, quote)
        return None

    def _order(self, request: TradeRequest, quote: Quote) -> TradeOrder:
        stoplimit = request.stoplimit if request.type in STOP_LIMITS else 0.0
        return build(
            TradeOrder,
            ticket=self.desk.ledger.next_order, time_setup=self.now_msc // 1000, time_setup_msc=self.now_msc,
            time_done=0, time_done_msc=0, time_expiration=_expiration(request), type=request.type,
            type_time=request.type_time, type_filling=request.type_filling, state=c.ORDER_STATE_PLACED,
            magic=request.magic, position_id=0, position_by_id=0, reason=c.ORDER_REASON_EXPERT,
            volume_initial=request.volume, volume_current=request.volume, price_open=request.price, sl=request.sl,
            tp=request.tp, price_current=quote.to_open(side_of(request.type)), price_stoplimit=stoplimit,
            symbol=request.symbol, comment=request.comment, external_id="",
        )  # fmt: skip

    def _plan(self, order: TradeOrder, volume: float) -> Plan:
        state = self.desk.valuation.state(self.desk.ledger)
        return Plan(Change(orders=(order,)), state, order=order.ticket, volume=volume)


def ended(order: TradeOrder, state: int, msc: int) -> TradeOrder:
    """The order as the history keeps it when it was not filled: ORDER_STATE_CANCELED, EXPIRED or REJECTED."""
    return changed(order, state=state, time_done=msc // 1000, time_done_msc=msc)


def _expiration(request: TradeRequest) -> int:
    dated = request.type_time in (c.ORDER_TIME_SPECIFIED, c.ORDER_TIME_SPECIFIED_DAY)
    return int(request.expiration) if dated else 0
