"""What a broker says about a symbol, and five built-in examples."""

from dataclasses import dataclass

from mt5sim import constants as c

FILLING_FOK, FILLING_IOC, FILLING_BOC = 1, 2, 4
""" Bits of `filling_mode`. They are not the ORDER_FILLING_* numbers, which is the commonest cause of retcode 10030. """

ORDER_MARKET, ORDER_LIMIT, ORDER_STOP, ORDER_STOP_LIMIT, ORDER_SL, ORDER_TP, ORDER_CLOSEBY = 1, 2, 4, 8, 16, 32, 64
""" Bits of `order_mode` """
ALL_ORDERS = 127

EXPIRATION_GTC, EXPIRATION_DAY, EXPIRATION_SPECIFIED, EXPIRATION_SPECIFIED_DAY = 1, 2, 4, 8
""" Bits of `expiration_mode` """

COMMISSION_ENTRIES = ("all", "in", "out")


@dataclass(frozen=True, slots=True)
class SymbolProfile:
    """One symbol. Volumes in lots, levels in points, swaps as `swap_mode` says, everything else as written beside it.

    Sources: the fields are those of MqlSymbolInfo; mql5.com, "Symbol properties".
    """

    name: str
    base: str
    profit: str
    margin: str
    digits: int
    price: float
    """ where the generator starts; replay ignores it """
    description: str = ""
    path: str = ""
    contract_size: float = 100_000.0
    volume_min: float = 0.01
    volume_max: float = 100.0
    volume_step: float = 0.01
    volume_limit: float = 0.0
    filling_mode: int = FILLING_FOK | FILLING_IOC
    exemode: int = c.SYMBOL_TRADE_EXECUTION_MARKET
    trade_mode: int = c.SYMBOL_TRADE_MODE_FULL
    calc_mode: int = c.SYMBOL_CALC_MODE_FOREX
    stops_level: int = 0
    freeze_level: int = 0
    spread_points: float = 10.0
    """ typical spread of the generator """
    volatility_points: float = 15.0
    """ typical move of the generator in one minute """
    margin_hedged: float = 0.0
    """ contract size charged for a hedged lot, or money when `margin_initial` is set; 0 = the hedged volume is free """
    swap_mode: int = c.SYMBOL_SWAP_MODE_DISABLED
    swap_long: float = 0.0
    swap_short: float = 0.0
    swap_rollover3days: int = c.DAY_OF_WEEK_WEDNESDAY
    commission_per_lot: float = 0.0
    """ deposit currency, each deal """
    expiration_mode: int = 15
    order_mode: int = ALL_ORDERS
    order_gtc_mode: int = c.SYMBOL_ORDERS_GTC
    """ DAILY deletes pending orders, stop losses and take profits at the end of the day, DAILY_NO_STOPS only orders """
    tick_size: float = 0.0
    """ smallest step of the price; 0 = one point """
    tick_value: float = 0.0
    """ what a tick earns per lot of a future, in profit currency; 0 = contract_size * tick_size """
    margin_initial: float = 0.0
    """ margin currency per lot; not 0 = a fixed margin instead of the formula; what a future needs """
    margin_maintenance: float = 0.0
    """ the same for a position that is open; 0 = as initial """
    margin_hedged_use_leg: bool = False
    """ True = a hedged symbol needs what its larger side needs; `margin_hedged` does not matter """
    margin_rate_buy: float = 1.0
    margin_rate_sell: float = 1.0
    """ multiply the margin of a side """
    maintenance_rate_buy: float = 0.0
    maintenance_rate_sell: float = 0.0
    """ the same for a position that is open; 0 = as initial """
    face_value: float = 0.0
    """ of a bond, whose price is a percentage of it """
    swap_weekend: bool = False
    """ True = every night counts once, Saturday and Sunday too, and no night three times """
    commission_per_deal: float = 0.0
    """ deposit currency """
    commission_percent: float = 0.0
    """ of the deal's value: lots * contract_size * price, in profit currency """
    commission_min: float = 0.0
    """ deposit currency, the least that a charged deal costs """
    commission_entry: str = "all"
    """ which deals are charged: all, in or out; a reversal is both """
    fee_per_lot: float = 0.0
    """ deposit currency, each deal, in the column `fee` """
    trade_sessions: str = ""
    """ "Mon-Thu 00:05-24:00; Fri 00:05-23:55" on the broker's clock; empty = always """
    quote_sessions: str = ""
    """ the same for quotes """

    @property
    def point(self) -> float:
        return float(round(10.0**-self.digits, self.digits))

    @property
    def tick(self) -> float:
        """The smallest step of the price."""
        return self.tick_size or self.point

    @property
    def tick_worth(self) -> float:
        """What one tick of one lot is worth, in profit currency."""
        return self.tick_value or self.contract_size * self.tick


def _forex(name: str, digits: int, price: float, spread: float, move: float, text: str) -> SymbolProfile:
    base, profit = name[:3], name[3:]
    return SymbolProfile(
        name, base, profit, base, digits, price, text, f"Forex\\{name}", spread_points=spread, volatility_points=move
    )


BUILT_IN: dict[str, SymbolProfile] = {
    profile.name: profile
    for profile in (
        _forex("EURUSD", 5, 1.08500, 8, 12, "Euro vs US Dollar"),
        _forex("GBPUSD", 5, 1.27000, 11, 16, "Great Britain Pound vs US Dollar"),
        _forex("USDJPY", 3, 148.500, 10, 18, "US Dollar vs Japanese Yen"),
        SymbolProfile(
            "XAUUSD",
            "XAU",
            "USD",
            "XAU",
            2,
            2400.0,
            "Gold vs US Dollar",
            "Metals\\XAUUSD",
            contract_size=100.0,
            volume_max=20.0,
            stops_level=1,
            spread_points=16,
            volatility_points=60,
        ),
        SymbolProfile(
            "BTCUSD",
            "BTC",
            "USD",
            "USD",
            2,
            67_900.0,
            "Bitcoin vs US Dollar",
            "Crypto\\BTCUSD",
            contract_size=1.0,
            volume_max=10.0,
            calc_mode=c.SYMBOL_CALC_MODE_CFDLEVERAGE,
            spread_points=1200,
            volatility_points=3000,
        ),
    )
}
