"""What a broker says about a symbol, and five built-in examples."""

from dataclasses import dataclass

from mt5sim import constants as c

FILLING_FOK, FILLING_IOC, FILLING_BOC = 1, 2, 4
""" Bits of `filling_mode`. They are not the ORDER_FILLING_* numbers, which is the commonest cause of retcode 10030. """

ORDER_MARKET, ORDER_SL, ORDER_TP = 1, 16, 32
""" Bits of `order_mode`: what this version trades, so a script that asks first is told the truth. """


@dataclass(frozen=True, slots=True)
class SymbolProfile:
    """One symbol. Volumes in lots, levels in points, `commission_per_lot` in deposit currency per deal."""

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
    """ contract size charged for a hedged lot; 0 = the hedged volume is free """
    swap_mode: int = c.SYMBOL_SWAP_MODE_DISABLED
    swap_long: float = 0.0
    swap_short: float = 0.0
    swap_rollover3days: int = c.DAY_OF_WEEK_WEDNESDAY
    commission_per_lot: float = 0.0
    expiration_mode: int = 15
    order_mode: int = ORDER_MARKET | ORDER_SL | ORDER_TP

    @property
    def point(self) -> float:
        return float(round(10.0**-self.digits, self.digits))


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
