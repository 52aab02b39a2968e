"""What is decided about a trade request, and the rules that every kind of request shares."""

from dataclasses import dataclass, field

from mt5sim import constants as c
from mt5sim.chance import NO_LUCK, Luck
from mt5sim.config import Account
from mt5sim.execution import Desk, Fill
from mt5sim.knobs import Faults
from mt5sim.ledger import VOLUME_DIGITS, Change
from mt5sim.market_week import is_open
from mt5sim.profiles import SymbolProfile
from mt5sim.rules import side_of
from mt5sim.structs import TradePosition
from mt5sim.valuation import AccountState, Quote

LOCAL_REFUSALS = (c.TRADE_RETCODE_CLIENT_DISABLES_AT, c.TRADE_RETCODE_CONNECTION)
""" given by the terminal itself: the broker never saw the request, so it has no request id """


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
    order: int = 0
    """ the ticket that the answer names, where no deal does """
    volume: float = 0.0
    """ the lots that the answer names, where no fill does """


@dataclass(frozen=True, slots=True)
class Case:
    """An account at a moment of the broker's clock. Nothing here changes the ledger."""

    desk: Desk
    account: Account
    faults: Faults = field(repr=False)
    now_msc: int
    luck: Luck = NO_LUCK

    @property
    def netting(self) -> bool:
        """One position per symbol: retail netting and exchange accounts."""
        return self.account.margin_mode != "hedging"

    def shut(self, profile: SymbolProfile) -> int | None:
        """The retcode when the broker takes no request for this symbol now."""
        if not self.account.trade_allowed or profile.trade_mode == c.SYMBOL_TRADE_MODE_DISABLED:
            return c.TRADE_RETCODE_TRADE_DISABLED
        if profile.calc_mode == c.SYMBOL_CALC_MODE_SERV_COLLATERAL:
            return c.TRADE_RETCODE_TRADE_DISABLED
        if not self.account.trade_expert:
            return c.TRADE_RETCODE_SERVER_DISABLES_AT
        if self.faults.market_closed or not is_open(profile.trade_sessions, self.now_msc):
            return c.TRADE_RETCODE_MARKET_CLOSED
        return None

    def barred(self, profile: SymbolProfile, side: int) -> int | None:
        """The retcode when the symbol may not be opened to this side."""
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_CLOSEONLY:
            return c.TRADE_RETCODE_CLOSE_ONLY
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_LONGONLY and side == c.ORDER_TYPE_SELL:
            return c.TRADE_RETCODE_LONG_ONLY
        if profile.trade_mode == c.SYMBOL_TRADE_MODE_SHORTONLY and side == c.ORDER_TYPE_BUY:
            return c.TRADE_RETCODE_SHORT_ONLY
        return None

    def over_volume(self, profile: SymbolProfile, side: int, volume: float) -> bool:
        """Whether positions and pending orders of one side would exceed the symbol's `volume_limit`."""
        if not profile.volume_limit:
            return False
        ledger = self.desk.ledger
        held = sum(p.volume for p in ledger.positions.values() if p.symbol == profile.name and p.type == side)
        held += sum(
            o.volume_current for o in ledger.pending.values() if o.symbol == profile.name and side_of(o.type) == side
        )
        return round(held + volume - profile.volume_limit, VOLUME_DIGITS) > 0

    def quote(self, profile: SymbolProfile) -> Quote | None:
        """The price to trade at; none outside the quote sessions."""
        if not is_open(profile.quote_sessions, self.now_msc):
            return None
        return self.desk.valuation.quote(profile.name)

    def closes(self, side: int, volume: float, target: TradePosition | None) -> bool:
        """Whether a deal only reduces what is there, which is allowed when opening is not."""
        return target is not None and target.type != side and round(volume - target.volume, VOLUME_DIGITS) <= 0

    def execute(self, profile: SymbolProfile, target: TradePosition | None, fill: Fill, quote: Quote) -> Plan | Refusal:
        """Write the fill into the books as they would be, unless the account cannot pay for it.

        `target` is the position the deal works on; None opens one.
        """
        ledger, valuation = self.desk.ledger, self.desk.valuation
        limit = self.account.limit_positions
        if target is None and limit and len(ledger.positions) >= limit:
            return Refusal(c.TRADE_RETCODE_LIMIT_POSITIONS)
        initial = valuation.margin(profile, fill.volume, fill.price, fill.side)
        try:
            if target is None:
                change = self.desk.open(profile, fill)
            elif self.netting or target.type == fill.side:
                change = self.desk.net(profile, target, fill)
            else:
                change = self.desk.close(profile, target, fill)
        except ArithmeticError:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        if initial is None:
            return Refusal(c.TRADE_RETCODE_PRICE_OFF)
        state = valuation.state(ledger.after(change))
        if self.closes(fill.side, fill.volume, target):
            return Plan(change, state, quote, fill)
        kept = valuation.margin(profile, fill.volume, fill.price, fill.side, open_already=True) or 0.0
        short = state.margin_free - max(0.0, initial - kept) < 0
        # an opposite position may lower the margin; that is always welcome
        if short and state.margin >= valuation.total_margin(ledger.positions.values()):
            return Refusal(c.TRADE_RETCODE_NO_MONEY, quote)
        return Plan(change, state, quote, fill)
