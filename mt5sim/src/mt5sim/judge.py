"""Decide what a trade request would do: a plan, or the retcode with which a broker refuses it."""

from dataclasses import dataclass, field, replace
from math import inf, isfinite

from mt5sim import constants as c
from mt5sim.execution import Desk, Fill
from mt5sim.knobs import Faults
from mt5sim.ledger import VOLUME_DIGITS, Change
from mt5sim.profiles import FILLING_FOK, FILLING_IOC, SymbolProfile
from mt5sim.records import changed
from mt5sim.structs import TradePosition, TradeRequest
from mt5sim.valuation import AccountState, Quote

MARKET_TYPES = (c.ORDER_TYPE_BUY, c.ORDER_TYPE_SELL)
TICKET_ACTIONS = (c.TRADE_ACTION_MODIFY, c.TRADE_ACTION_REMOVE)
PRICED_EXECUTION = (c.SYMBOL_TRADE_EXECUTION_REQUEST, c.SYMBOL_TRADE_EXECUTION_INSTANT)
LOCAL_REFUSALS = (c.TRADE_RETCODE_CLIENT_DISABLES_AT, c.TRADE_RETCODE_CONNECTION)
""" given by the terminal itself: the broker never saw the request, so it has no request id """
WHOLE_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Refusal:
    retcode: int
    quote: Quote | None = None
    """ the current price, where the answer tells it """


@dataclass(frozen=True, slots=True)
class Plan:
    change: Change
    state: AccountState
    """ the account after the change """
    quote: Quote | None = None
    fill: Fill | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Rules in the order in which the first that fails decides. Nothing here changes the ledger."""

    desk: Desk
    netting: bool
    faults: Faults = field(repr=False)
    now_msc: int
    """ the broker's clock """

    def plan(self, request: TradeRequest) -> Plan | Refusal:
        if self.faults.disconnect:
            return Refusal(c.TRADE_RETCODE_CONNECTION)
        if not self.faults.autotrading:
            return Refusal(c.TRADE_RETCODE_CLIENT_DISABLES_AT)
        if request.action in (c.TRADE_ACTION_PENDING, c.TRADE_ACTION_CLOSE_BY):
            # order_mode of every symbol says so too
            return Refusal(c.TRADE_RETCODE_INVALID_ORDER)
        if request.action == c.TRADE_ACTION_SLTP:
            return self._stops(request)
        profile = self.desk.valuation.profiles.get(request.symbol)
        # modifying or removing a pending order names a ticket that cannot exist here
        if request.action in TICKET_ACTIONS or request.action != c.TRADE_ACTION_DEAL or profile is None:
            return Refusal(c.TRADE_RETCODE_INVALID)
        return self._deal(request, profile)

    def _deal(self, request: TradeRequest, profile: SymbolProfile) -> Plan | Refusal:
        if request.type not in MARKET_TYPES:
            return Refusal(c.TRADE_RETCODE_INVALID_ORDER)
        if not _volume_fits(request.volume, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_VOLUME)
        if not _filling_fits(request.type_filling, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_FILL)
        target = self._target(request, profile)
        if isinstance(target, Refusal):
            return target
        if (closed := self._closed_to(request, profile, target)) is not None:
            return Refusal(closed)
        quote = self.desk.valuation.quote(profile.name)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        price = quote.to_open(request.type)
        if profile.exemode in PRICED_EXECUTION:
            if not 0 < request.price < inf:
                return Refusal(c.TRADE_RETCODE_INVALID_PRICE)
            if abs(request.price - price) > request.deviation * profile.point + WHOLE_STEP * profile.point:
                return Refusal(c.TRADE_RETCODE_REQUOTE, quote)
        if not self._closes(request, target) and not _stops_fit(request.type, request.sl, request.tp, quote, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_STOPS, quote)
        return self._affordable(request, profile, target, quote, self._fill(request, profile, price))

    def _fill(self, request: TradeRequest, profile: SymbolProfile, price: float) -> Fill:
        """All of the order at the market's price, unless a fault makes it worse or less."""
        worse = self.faults.slippage_points * profile.point * (1 if request.type == c.ORDER_TYPE_BUY else -1)
        fill = Fill.of(request, round(price + worse, profile.digits) if worse else price, self.now_msc)
        if not self.faults.partial_fill or request.type_filling == c.ORDER_FILLING_FOK:
            return fill
        steps = int(request.volume * self.faults.partial_fill / profile.volume_step + WHOLE_STEP)
        given = min(request.volume, max(profile.volume_min, round(steps * profile.volume_step, VOLUME_DIGITS)))
        return replace(fill, volume=given, unfilled=round(request.volume - given, VOLUME_DIGITS))

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
        return position

    def _closes(self, request: TradeRequest, target: TradePosition | None) -> bool:
        """Whether the deal only reduces what is there, which is allowed when opening is not."""
        return (
            target is not None
            and target.type != request.type
            and round(request.volume - target.volume, VOLUME_DIGITS) <= 0
        )

    def _closed_to(self, request: TradeRequest, profile: SymbolProfile, target: TradePosition | None) -> int | None:
        """The retcode when the market or the symbol does not take this deal."""
        if self.faults.market_closed:
            return c.TRADE_RETCODE_MARKET_CLOSED
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_DISABLED:
            return c.TRADE_RETCODE_TRADE_DISABLED
        if self._closes(request, target):
            return None
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_CLOSEONLY:
            return c.TRADE_RETCODE_CLOSE_ONLY
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_LONGONLY and request.type == c.ORDER_TYPE_SELL:
            return c.TRADE_RETCODE_LONG_ONLY
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_SHORTONLY and request.type == c.ORDER_TYPE_BUY:
            return c.TRADE_RETCODE_SHORT_ONLY
        held = sum(
            p.volume for p in self.desk.ledger.positions.values() if p.symbol == profile.name and p.type == request.type
        )
        over = profile.volume_limit and round(held + request.volume - profile.volume_limit, VOLUME_DIGITS) > 0
        return c.TRADE_RETCODE_LIMIT_VOLUME if over else None

    def _affordable(
        self, request: TradeRequest, profile: SymbolProfile, target: TradePosition | None, quote: Quote, fill: Fill
    ) -> Plan | Refusal:
        ledger, valuation = self.desk.ledger, self.desk.valuation
        try:
            if self.netting:
                change = self.desk.net(profile, target, fill)
            elif target is None:
                change = self.desk.open(profile, fill)
            else:
                change = self.desk.close(profile, target, fill)
        except ArithmeticError:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if valuation.margin(profile, fill.volume, fill.price) is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        state = valuation.state(ledger.after(change))
        short = not self._closes(request, target) and state.margin_free < 0
        # an opposite position may lower the margin; that is always welcome
        if short and state.margin >= valuation.state(ledger).margin:
            return Refusal(c.TRADE_RETCODE_NO_MONEY, quote)
        return Plan(change, state, quote, fill)

    def _stops(self, request: TradeRequest) -> Plan | Refusal:
        ledger, valuation = self.desk.ledger, self.desk.valuation
        by_symbol = ledger.position_of(request.symbol) if self.netting and not request.position else None
        position = by_symbol or ledger.positions.get(request.position)
        if position is None:
            return Refusal(c.TRADE_RETCODE_POSITION_CLOSED)
        profile = valuation.profiles.get(position.symbol)
        if profile is None or (request.symbol and request.symbol != position.symbol):
            return Refusal(c.TRADE_RETCODE_INVALID)
        if self.faults.market_closed:
            return Refusal(c.TRADE_RETCODE_MARKET_CLOSED)
        quote = valuation.quote(position.symbol)
        if quote is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if (request.sl, request.tp) == (position.sl, position.tp):
            return Refusal(c.TRADE_RETCODE_NO_CHANGES)
        if _frozen(position, quote, profile):
            return Refusal(c.TRADE_RETCODE_FROZEN)
        if not _stops_fit(position.type, request.sl, request.tp, quote, profile):
            return Refusal(c.TRADE_RETCODE_INVALID_STOPS, quote)
        moved = changed(
            position, sl=request.sl, tp=request.tp, time_update=self.now_msc // 1000, time_update_msc=self.now_msc
        )
        change = Change(positions=(moved,))
        return Plan(change, valuation.state(ledger.after(change)))


def _volume_fits(volume: float, profile: SymbolProfile) -> bool:
    if not isfinite(volume):
        return False
    steps = volume / profile.volume_step
    whole = abs(steps - round(steps)) <= WHOLE_STEP
    tolerance = profile.volume_step * WHOLE_STEP
    return whole and profile.volume_min - tolerance <= volume <= profile.volume_max + tolerance


def _filling_fits(filling: int, profile: SymbolProfile) -> bool:
    """The table of mql5.com, "Fill policy": by execution mode, then by the symbol's mask."""
    if profile.exemode in PRICED_EXECUTION:
        return filling in (c.ORDER_FILLING_FOK, c.ORDER_FILLING_IOC, c.ORDER_FILLING_RETURN)
    if filling == c.ORDER_FILLING_RETURN:
        return profile.exemode == c.SYMBOL_TRADE_EXECUTION_EXCHANGE
    bit = {c.ORDER_FILLING_FOK: FILLING_FOK, c.ORDER_FILLING_IOC: FILLING_IOC}.get(filling, 0)
    return bool(profile.filling_mode & bit)


def _stops_fit(side: int, sl: float, tp: float, quote: Quote, profile: SymbolProfile) -> bool:
    """On the losing and the winning side of the closing price, and at least the stops level away from it."""
    price = quote.to_close(side)
    sign = 1 if side == c.ORDER_TYPE_BUY else -1
    least = max(profile.stops_level, 1)
    sl_points = round(sign * (price - sl) / profile.point, 6)
    tp_points = round(sign * (tp - price) / profile.point, 6)
    return 0 <= sl < inf and 0 <= tp < inf and (not sl or sl_points >= least) and (not tp or tp_points >= least)


def _frozen(position: TradePosition, quote: Quote, profile: SymbolProfile) -> bool:
    """A stop that the price has come close to may no longer be moved away."""
    price = quote.to_close(position.type)
    distance = profile.freeze_level * profile.point
    return any(stop and abs(price - stop) <= distance for stop in (position.sl, position.tp)) and distance > 0
