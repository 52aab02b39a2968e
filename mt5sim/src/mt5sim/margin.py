"""What a position ties up, by calculation mode and before it is changed into the deposit's currency.

Formulas: mql5.com, ENUM_SYMBOL_CALC_MODE; fixed and hedged margin: metatrader5.com help, "Margin calculation: retail
forex, futures".
"""

from mt5sim import constants as c
from mt5sim.profiles import SymbolProfile

FOREX = (c.SYMBOL_CALC_MODE_FOREX, c.SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE)
FUTURES = (c.SYMBOL_CALC_MODE_FUTURES, c.SYMBOL_CALC_MODE_EXCH_FUTURES)
BONDS = (c.SYMBOL_CALC_MODE_EXCH_BONDS, c.SYMBOL_CALC_MODE_EXCH_BONDS_MOEX)
STOCKS = (c.SYMBOL_CALC_MODE_EXCH_STOCKS, c.SYMBOL_CALC_MODE_EXCH_STOCKS_MOEX)
CFDS = (c.SYMBOL_CALC_MODE_CFD, c.SYMBOL_CALC_MODE_CFDINDEX, c.SYMBOL_CALC_MODE_CFDLEVERAGE)
LEVERAGED = (c.SYMBOL_CALC_MODE_FOREX, c.SYMBOL_CALC_MODE_CFDLEVERAGE)
SUPPORTED = (*FOREX, *CFDS, *FUTURES, *STOCKS, *BONDS, c.SYMBOL_CALC_MODE_SERV_COLLATERAL)
""" options are missing: their formulas are not documented """

PERCENT = 100.0


def needed(
    profile: SymbolProfile, leverage: int, lots: float, price: float, side: int, *, open_already: bool = False
) -> float:
    """Margin currency for `lots` of one side. `open_already` = maintenance margin, where the symbol has one."""
    money = profile.margin_initial
    if open_already and profile.margin_maintenance:
        money = profile.margin_maintenance
    if profile.calc_mode in FUTURES:
        amount = lots * money
    elif money:
        amount = lots * money / _leverage(profile, leverage)
    else:
        amount = by_size(profile, leverage, lots * profile.contract_size, price)
    return amount * rate(profile, side, open_already=open_already)


def covered(profile: SymbolProfile, leverage: int, lots: float, price: float) -> float:
    """Margin currency for lots that the other side covers, at the mean of both sides' rates."""
    if profile.margin_initial or profile.calc_mode in FUTURES:
        amount = lots * profile.margin_hedged
    else:
        amount = by_size(profile, leverage, lots * profile.margin_hedged, price)
    return amount * (rate(profile, 0, open_already=True) + rate(profile, 1, open_already=True)) / 2


def by_size(profile: SymbolProfile, leverage: int, units: float, price: float) -> float:
    """`units` = lots * contract size."""
    mode = profile.calc_mode
    if mode in FOREX:
        return units / _leverage(profile, leverage)
    if mode in BONDS:
        return units * profile.face_value * price / PERCENT
    if mode == c.SYMBOL_CALC_MODE_CFDINDEX:
        return units * price * (profile.tick_value / profile.tick if profile.tick_value else 1.0)
    if mode == c.SYMBOL_CALC_MODE_SERV_COLLATERAL:
        return 0.0
    return units * price / _leverage(profile, leverage)


def rate(profile: SymbolProfile, side: int, *, open_already: bool) -> float:
    buy = side == c.ORDER_TYPE_BUY
    initial = profile.margin_rate_buy if buy else profile.margin_rate_sell
    maintenance = profile.maintenance_rate_buy if buy else profile.maintenance_rate_sell
    return (maintenance or initial) if open_already else initial


def slope(profile: SymbolProfile, lots: float) -> float:
    """Profit currency that a buy earns when the price rises by 1.0."""
    if profile.calc_mode in FUTURES:
        return lots * profile.tick_worth / profile.tick
    if profile.calc_mode in BONDS:
        return lots * profile.contract_size * profile.face_value / PERCENT
    if profile.calc_mode == c.SYMBOL_CALC_MODE_SERV_COLLATERAL:
        return 0.0
    return lots * profile.contract_size


def gain(profile: SymbolProfile, side: int, lots: float, opened: float, closed: float) -> float:
    """Profit currency between two prices."""
    return (closed - opened if side == c.ORDER_TYPE_BUY else opened - closed) * slope(profile, lots)


def _leverage(profile: SymbolProfile, leverage: int) -> int:
    return leverage if profile.calc_mode in LEVERAGED else 1
