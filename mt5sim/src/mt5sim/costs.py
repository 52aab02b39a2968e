"""What a broker charges: commission with each deal, swap for each night.

Swap formulas: mql5.com, ENUM_SYMBOL_SWAP_MODE; a bank's year has 360 days.
"""

from mt5sim import constants as c
from mt5sim.ledger import MONEY_DIGITS
from mt5sim.profiles import SymbolProfile
from mt5sim.structs import TradePosition
from mt5sim.valuation import Valuation

BANK_YEAR_DAYS = 360
PERCENT = 100
TRIPLE = 3
DAY_MS = 86_400_000
EPOCH_WEEKDAY = 4
""" 1 January 1970 was a Thursday, counted from Sunday as DAY_OF_WEEK_* """

REOPENING = (c.SYMBOL_SWAP_MODE_REOPEN_CURRENT, c.SYMBOL_SWAP_MODE_REOPEN_BID)
CHARGED = {
    "all": (c.DEAL_ENTRY_IN, c.DEAL_ENTRY_OUT, c.DEAL_ENTRY_INOUT),
    "in": (c.DEAL_ENTRY_IN, c.DEAL_ENTRY_INOUT),
    "out": (c.DEAL_ENTRY_OUT, c.DEAL_ENTRY_INOUT),
}
""" `commission_entry` -> deals that cost; close-by and rollover trade nothing and cost nothing """


def commission(valuation: Valuation, profile: SymbolProfile, lots: float, price: float, entry: int) -> float:
    """Deposit currency, 0 or negative. Raises ArithmeticError when nothing converts the deal's value."""
    if entry not in CHARGED[profile.commission_entry]:
        return 0.0
    paid = lots * profile.commission_per_lot + profile.commission_per_deal
    if not paid and not profile.commission_percent and not profile.commission_min:
        return 0.0
    if profile.commission_percent:
        value = lots * profile.contract_size * price * profile.commission_percent / PERCENT
        converted = valuation.convert(-value, profile.profit, valuation.currency)
        if converted is None:
            raise ArithmeticError(f"no rate from {profile.profit} to {valuation.currency}")
        paid -= converted
    return 0.0 - round(max(paid, profile.commission_min), MONEY_DIGITS)


def nights(profile: SymbolProfile, midnight_msc: int) -> int:
    """How many nights are charged at a midnight of the broker's clock: that of the day which ends there."""
    if profile.swap_weekend:
        return 1
    weekday = (midnight_msc // DAY_MS - 1 + EPOCH_WEEKDAY) % 7
    if weekday in (c.DAY_OF_WEEK_SATURDAY, c.DAY_OF_WEEK_SUNDAY):
        return 0
    return TRIPLE if weekday == profile.swap_rollover3days else 1


def swap(valuation: Valuation, profile: SymbolProfile, position: TradePosition, count: int) -> float:
    """Deposit currency that `count` nights add to a position's swap; negative = the trader pays.

    Raises ArithmeticError when nothing converts it. The modes that reopen positions charge through the price.
    """
    long = position.type == c.POSITION_TYPE_BUY
    points = profile.swap_long if long else profile.swap_short
    mode = profile.swap_mode
    if not points or not count or mode == c.SYMBOL_SWAP_MODE_DISABLED or mode in REOPENING:
        return 0.0
    money, currency = points * position.volume * count, profile.profit
    if mode == c.SYMBOL_SWAP_MODE_POINTS:
        money *= profile.tick_worth * profile.point / profile.tick
    elif mode == c.SYMBOL_SWAP_MODE_CURRENCY_SYMBOL:
        currency = profile.base
    elif mode == c.SYMBOL_SWAP_MODE_CURRENCY_MARGIN:
        currency = profile.margin
    elif mode == c.SYMBOL_SWAP_MODE_CURRENCY_DEPOSIT:
        currency = valuation.currency
    else:
        price = position.price_open
        if mode == c.SYMBOL_SWAP_MODE_INTEREST_CURRENT:
            quote = valuation.quote(profile.name)
            price = quote.to_close(position.type) if quote is not None else price
        money *= profile.contract_size * price / PERCENT / BANK_YEAR_DAYS
    converted = valuation.convert(money, currency, valuation.currency)
    if converted is None:
        raise ArithmeticError(f"no rate from {currency} to {valuation.currency}")
    return round(converted, MONEY_DIGITS)
