"""Decide what a trade request would do: a plan, or the retcode with which a broker refuses it."""

from dataclasses import dataclass, replace
from math import inf

from mt5sim import constants as c
from mt5sim.execution import Fill
from mt5sim.ledger import VOLUME_DIGITS, Change
from mt5sim.pending import PendingCase
from mt5sim.profiles import ORDER_CLOSEBY, ORDER_MARKET, SymbolProfile
from mt5sim.records import changed
from mt5sim.rules import PRICED_EXECUTION, WHOLE_STEP, filling_fits, frozen, side_of, stops_fit, volume_fits
from mt5sim.structs import TradePosition, TradeRequest
from mt5sim.valuation import Quote
from mt5sim.verdict import LOCAL_REFUSALS, Plan, Refusal

__all__ = ["LOCAL_REFUSALS", "MARKET_TYPES", "Judge", "Plan", "Refusal"]

MARKET_TYPES = (c.ORDER_TYPE_BUY, c.ORDER_TYPE_SELL)


@dataclass(frozen=True, slots=True)
class Judge(PendingCase):
    """Rules in the order in which the first that fails decides. Nothing here changes the ledger."""

    def plan(self, request: TradeRequest) -> Plan | Refusal:
        """What the request would do now."""
        if self.faults.disconnect:
            return Refusal(c.TRADE_RETCODE_CONNECTION)
        if not self.faults.autotrading:
            return Refusal(c.TRADE_RETCODE_CLIENT_DISABLES_AT)
        if request.action == c.TRADE_ACTION_SLTP:
            return self._stops(request)
        if request.action == c.TRADE_ACTION_CLOSE_BY:
            return self._close_by(request)
        if request.action == c.TRADE_ACTION_MODIFY:
            return self.modify(request)
        if request.action == c.TRADE_ACTION_REMOVE:
            return self.remove(request)
        profile = self.desk.valuation.profiles.get(request.symbol)
        if profile is not None and request.action == c.TRADE_ACTION_DEAL:
            return self._deal(request, profile)
        if profile is not None and request.action == c.TRADE_ACTION_PENDING:
            return self.place(request, profile)
        return Refusal(c.TRADE_RETCODE_INVALID)

    def _deal(self, request: TradeRequest, profile: SymbolProfile) -> Plan | Refusal:
        if request.type not in MARKET_TYPES or not profile.order_mode & ORDER_MARKET:
            return Refusal(c.TRADE_RETCODE_INVALID_ORDER)
        if not volume_fits(request.volume, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_VOLUME)
        if not filling_fits(request.type_filling, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_FILL)
        target = self._target(request, profile)
        if isinstance(target, Refusal):
            return target
        closes = self.closes(request.type, request.volume, target)
        code = self.shut(profile) or (None if closes else self.barred(profile, request.type))
        if code is not None:
            return Refusal(code)
        if not closes and self.over_volume(profile, request.type, request.volume):
            return Refusal(c.TRADE_RETCODE_LIMIT_VOLUME)
        quote = self.quote(profile)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        refused = self._priced(request, profile, quote)
        if refused is not None:
            return refused
        if not closes and not stops_fit(request.type, request.sl, request.tp, quote.to_close(request.type), profile):
            return Refusal(c.TRADE_RETCODE_INVALID_STOPS, quote)
        if closes and target is not None and frozen(target, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        if self.luck.retcode:
            return Refusal(self.luck.retcode, quote)
        return self.execute(profile, target, self._fill(request, profile, quote.to_open(request.type)), quote)

    def _priced(self, request: TradeRequest, profile: SymbolProfile, quote: Quote) -> Refusal | None:
        """Instant and Request execution trade at the price asked for, or offer a new one."""
        if profile.exemode not in PRICED_EXECUTION:
            return None
        if not 0 < request.price < inf:
            return Refusal(c.TRADE_RETCODE_INVALID_PRICE)
        gone = abs(request.price - quote.to_open(request.type)) > (request.deviation + WHOLE_STEP) * profile.point
        return Refusal(c.TRADE_RETCODE_REQUOTE, quote) if gone or self.luck.requote else None

    def _fill(self, request: TradeRequest, profile: SymbolProfile, price: float) -> Fill:
        """All of the order at the market's price, unless a fault or bad luck makes it worse or less."""
        points = self.faults.slippage_points + self.luck.slippage_points
        worse = points * profile.point * (1 if request.type == c.ORDER_TYPE_BUY else -1)
        fill = Fill.of(request, round(price + worse, profile.digits) if worse else price, self.now_msc)
        share = self.faults.partial_fill or self.luck.share
        if share == 1 or request.type_filling == c.ORDER_FILLING_FOK:
            return fill
        steps = int(request.volume * share / profile.volume_step + WHOLE_STEP)
        given = min(request.volume, max(profile.volume_min, round(steps * profile.volume_step, VOLUME_DIGITS)))
        rest = round(request.volume - given, VOLUME_DIGITS)
        return replace(fill, volume=given, unfilled=rest, works_on=request.type_filling == c.ORDER_FILLING_RETURN)

    def _target(self, request: TradeRequest, profile: SymbolProfile) -> TradePosition | Refusal | None:
        """The position this deal works on; None opens one."""
        ledger = self.desk.ledger
        if not request.position:
            return ledger.position_of(profile.name) if self.netting else None
        position = ledger.positions.get(request.position)
        if position is None:
            return Refusal(c.TRADE_RETCODE_POSITION_CLOSED)
        if position.symbol != profile.name or position.type == request.type:
            return Refusal(c.TRADE_RETCODE_INVALID)
        if round(request.volume - position.volume, VOLUME_DIGITS) > 0:
            return Refusal(c.TRADE_RETCODE_INVALID_CLOSE_VOLUME)
        if round(self._closing(position) + request.volume - position.volume, VOLUME_DIGITS) > 0:
            return Refusal(c.TRADE_RETCODE_CLOSE_ORDER_EXIST)
        return Refusal(c.TRADE_RETCODE_FIFO_CLOSE) if self._jumps_queue(position) else position

    def _closing(self, position: TradePosition) -> float:
        """Lots of the position that orders which still work are going to close."""
        return sum(
            order.volume_current
            for order in self.desk.ledger.pending.values()
            if order.position_id == position.identifier and side_of(order.type) != position.type
        )

    def _jumps_queue(self, position: TradePosition) -> bool:
        """Whether an older position of the symbol would have to be closed first."""
        if not self.account.fifo_close:
            return False
        same = (p for p in self.desk.ledger.positions.values() if p.symbol == position.symbol)
        oldest = min(same, key=lambda p: (p.time_msc, p.identifier))
        return bool(oldest.ticket != position.ticket)

    def _stops(self, request: TradeRequest) -> Plan | Refusal:
        ledger, valuation = self.desk.ledger, self.desk.valuation
        by_symbol = ledger.position_of(request.symbol) if self.netting and not request.position else None
        position = by_symbol or ledger.positions.get(request.position)
        if position is None:
            return Refusal(c.TRADE_RETCODE_POSITION_CLOSED)
        profile = valuation.profiles.get(position.symbol)
        if profile is None or (request.symbol and request.symbol != position.symbol):
            return Refusal(c.TRADE_RETCODE_INVALID)
        if (code := self.shut(profile)) is not None:
            return Refusal(code)
        quote = self.quote(profile)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if (request.sl, request.tp) == (position.sl, position.tp):
            return Refusal(c.TRADE_RETCODE_NO_CHANGES)
        if frozen(position, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        if not stops_fit(position.type, request.sl, request.tp, quote.to_close(position.type), profile):
            return Refusal(c.TRADE_RETCODE_INVALID_STOPS, quote)
        moved = changed(
            position, sl=request.sl, tp=request.tp, time_update=self.now_msc // 1000, time_update_msc=self.now_msc
        )
        change = Change(positions=(moved,))
        return Plan(change, valuation.state(ledger.after(change)))

    def _close_by(self, request: TradeRequest) -> Plan | Refusal:
        """Two opposite positions of a hedging account against each other, as far as both reach."""
        ledger, valuation = self.desk.ledger, self.desk.valuation
        position, opposite = (ledger.positions.get(t) for t in (request.position, request.position_by))
        if self.netting:
            return Refusal(c.TRADE_RETCODE_INVALID)
        if position is None or opposite is None:
            return Refusal(c.TRADE_RETCODE_POSITION_CLOSED)
        profile = valuation.profiles.get(position.symbol)
        if profile is None or opposite.symbol != position.symbol or opposite.type == position.type:
            return Refusal(c.TRADE_RETCODE_INVALID)
        if not profile.order_mode & ORDER_CLOSEBY:
            return Refusal(c.TRADE_RETCODE_INVALID_ORDER)
        if (code := self.shut(profile)) is not None:
            return Refusal(code)
        quote = self.quote(profile)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if frozen(position, quote, profile) or frozen(opposite, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        if self._closing(position) or self._closing(opposite):
            return Refusal(c.TRADE_RETCODE_CLOSE_ORDER_EXIST)
        if self._jumps_queue(position) and self._jumps_queue(opposite):
            return Refusal(c.TRADE_RETCODE_FIFO_CLOSE)
        comment = request.comment or f"close #{position.ticket} by #{opposite.ticket}"
        lots = min(position.volume, opposite.volume)
        fill = Fill(1 - position.type, lots, opposite.price_open, self.now_msc, request.magic, comment)
        try:
            change = self.desk.close_by(profile, position, opposite, fill)
        except ArithmeticError:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        return Plan(change, valuation.state(ledger.after(change)), quote, fill)
