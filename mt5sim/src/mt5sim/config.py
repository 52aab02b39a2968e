"""What a simulated terminal is made of: account, symbols, market, clock, memory and faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import MappingProxyType

from mt5sim import constants as c
from mt5sim.chance import CALM, Execution
from mt5sim.clock import CLOCKS
from mt5sim.exchange import SYMBOLS as LIVE_SYMBOLS
from mt5sim.knobs import Faults
from mt5sim.margin import FUTURES, SUPPORTED
from mt5sim.market_week import week
from mt5sim.markets import Generator, Live, Market, Replay, mistakes_of, symbols_of
from mt5sim.profiles import BUILT_IN, COMMISSION_ENTRIES, SymbolProfile

MARGIN_MODES = {
    "netting": c.ACCOUNT_MARGIN_MODE_RETAIL_NETTING,
    "exchange": c.ACCOUNT_MARGIN_MODE_EXCHANGE,
    "hedging": c.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING,
}
TRADE_MODES = {"demo": c.ACCOUNT_TRADE_MODE_DEMO, "contest": c.ACCOUNT_TRADE_MODE_CONTEST}
""" no "real": nothing here may ever look like a real account """

STOP_OUT_MODES = {"percent": c.ACCOUNT_STOPOUT_MODE_PERCENT, "money": c.ACCOUNT_STOPOUT_MODE_MONEY}
NO_FAULTS: Mapping[str, object] = MappingProxyType({})
NO_RATES: Mapping[str, float] = MappingProxyType({})
MAX_NAME = 29


class ConfigError(ValueError):
    """The configuration cannot work. The text lists every mistake and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Account:
    login: int = 10_001
    password: str = ""
    """ when set, `initialize` and `login` refuse any other """
    server: str = "mt5sim-Demo"
    name: str = "Simulated account"
    currency: str = "USD"
    leverage: int = 100
    margin_mode: str = "hedging"
    balance: float = 10_000.0
    trade_mode: str = "demo"
    margin_call: float = 100.0
    stop_out: float = 50.0
    """ margin level in percent below which the broker closes the largest loss; 0 = never """
    stop_out_mode: str = "percent"
    """ money = `margin_call` and `stop_out` are an equity in deposit currency """
    limit_orders: int = 0
    """ most pending orders at a time; 0 = any number """
    limit_positions: int = 0
    """ most open positions at a time; 0 = any number """
    fifo_close: bool = False
    """ True = the oldest position of a symbol must be closed first: retcode 10045 """
    trade_allowed: bool = True
    """ False = the broker lets nobody trade on this account: retcode 10017 """
    trade_expert: bool = True
    """ False = the broker forbids automated trading: retcode 10026 """


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    account: Account = Account()
    symbols: tuple[SymbolProfile, ...] = ()
    """ empty = the replayed symbol, or all built-in ones """
    market: Market = field(default_factory=Generator)
    clock: str = "utc"
    """ "utc", "ny+7" or "eet" """
    state_file: Path | None = None
    """ where the broker remembers the account; None = only as long as the process lives """
    conversion: Mapping[str, float] = field(default_factory=lambda: NO_RATES)
    """ "EURUSD" -> rate, for currencies no symbol of the terminal converts """
    execution: Execution = CALM
    """ what may happen to an order on its way """
    faults: Mapping[str, object] = field(default_factory=lambda: NO_FAULTS)
    """ knob -> value, set when the terminal is loaded """
    faults_file: Path | None = None
    """ a JSON object of knobs, read again whenever it changes: how a test works the knobs of another process """

    def __post_init__(self) -> None:
        for name in ("state_file", "faults_file"):
            path = getattr(self, name)
            object.__setattr__(self, name, None if path is None else Path(path))
        if not self.symbols:
            object.__setattr__(self, "symbols", _default_symbols(self.market))
        mistakes = [
            *_account_mistakes(self.account), *_symbol_mistakes(self.symbols), *self.execution.mistakes(),
            *self._other_mistakes(),
        ]  # fmt: skip
        if mistakes:
            raise ConfigError("; ".join(mistakes))

    def _other_mistakes(self) -> list[str]:
        mistakes = []
        names = {profile.name for profile in self.symbols}
        if unknown_knobs := set(self.faults) - set(Faults.__slots__):
            mistakes.append(f"faults: {', '.join(sorted(unknown_knobs))}: use {', '.join(Faults.__slots__)}")
        if self.clock not in CLOCKS:
            mistakes.append(f"clock is {self.clock!r}: use one of {', '.join(CLOCKS)}")
        if any(len(pair) < MAX_PAIR or not 0 < rate < inf for pair, rate in self.conversion.items()):
            mistakes.append('conversion: write {"EURUSD": 1.085}, two currency codes and a positive rate')
        return [*mistakes, *mistakes_of(self.market, names)]


MAX_PAIR = 6


def _default_symbols(market: Market) -> tuple[SymbolProfile, ...]:
    if isinstance(market, Replay):
        return tuple(BUILT_IN[name] for name in symbols_of(market) if name in BUILT_IN)
    if isinstance(market, Live):
        return (LIVE_SYMBOLS[market.symbol],) if market.symbol in LIVE_SYMBOLS else ()
    return tuple(BUILT_IN.values())


def _account_mistakes(account: Account) -> list[str]:
    mistakes = []
    if account.login <= 0:
        mistakes.append("account.login: use a positive number")
    if account.leverage <= 0:
        mistakes.append("account.leverage: use a positive number such as 100")
    if account.margin_mode not in MARGIN_MODES:
        mistakes.append(f"account.margin_mode is {account.margin_mode!r}: use hedging, netting or exchange")
    if account.stop_out_mode not in STOP_OUT_MODES:
        mistakes.append(f"account.stop_out_mode is {account.stop_out_mode!r}: use percent or money")
    if min(account.limit_orders, account.limit_positions) < 0:
        mistakes.append("account.limit_orders, limit_positions: use 0 or more")
    if account.trade_mode not in TRADE_MODES:
        mistakes.append(f"account.trade_mode is {account.trade_mode!r}: use demo or contest, never real")
    if not 0 <= account.balance < inf:
        mistakes.append("account.balance: use 0 or more")
    if "sim" not in account.server.lower():
        mistakes.append(f'account.server is {account.server!r}: it must contain "sim", so nobody takes it for a broker')
    if not account.currency:
        mistakes.append("account.currency: write a currency code such as USD")
    return mistakes


def _symbol_mistakes(symbols: tuple[SymbolProfile, ...]) -> list[str]:
    mistakes = []
    names = [profile.name for profile in symbols]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.append(f"symbols: {name} is listed twice")
    for s in symbols:
        if not 0 < len(s.name) <= MAX_NAME:
            mistakes.append(f"symbols: the name {s.name!r} must have 1 to {MAX_NAME} characters")
        if not 0 < s.volume_min <= s.volume_max or s.volume_step <= 0:
            mistakes.append(f"{s.name}: need 0 < volume_min <= volume_max and volume_step > 0")
        if s.digits < 0 or s.price <= 0 or s.contract_size <= 0:
            mistakes.append(f"{s.name}: digits must not be negative, price and contract_size must be positive")
        if s.calc_mode not in SUPPORTED:
            mistakes.append(f"{s.name}: calc_mode {s.calc_mode} is not simulated; use one of {SUPPORTED}")
        if s.calc_mode in FUTURES and s.margin_initial <= 0:
            mistakes.append(f"{s.name}: a future needs margin_initial, its margin per lot")
        if not 0 <= s.swap_mode <= c.SYMBOL_SWAP_MODE_REOPEN_BID:
            mistakes.append(f"{s.name}: swap_mode {s.swap_mode} is none of SYMBOL_SWAP_MODE_*")
        if s.commission_entry not in COMMISSION_ENTRIES:
            mistakes.append(f"{s.name}: commission_entry is {s.commission_entry!r}: use all, in or out")
        for sessions in (s.trade_sessions, s.quote_sessions):
            try:
                week(sessions)
            except ValueError as error:
                mistakes.append(f"{s.name}: {error}")
    return mistakes
