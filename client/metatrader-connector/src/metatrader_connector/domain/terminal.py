"""What a terminal says and is told, in MT5's words; the one vocabulary of the connector and its terminal process."""

import msgspec

from contracts.accounts import PriceSource

TICK_BYTES = 60
"""One packed row of `copy_ticks_*`."""


class TickRead(msgspec.Struct, frozen=True, array_like=True):
    """Read `count` ticks of `symbol` from `from_s` (broker seconds, never 0) on."""

    symbol: str
    from_s: int
    count: int


class RangeRead(msgspec.Struct, frozen=True, array_like=True):
    """Read every tick of `symbol` from `from_s` to `to_s`, broker seconds, both included."""

    symbol: str
    from_s: int
    to_s: int


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """The terminal is connected. `simulated`, `replay` and `live` say whether its prices are real."""

    name: str
    company: str
    build: int
    simulated: bool
    replay: bool
    folder: str = ""
    """Where it is installed, as it says itself."""
    live: bool = False
    """A simulated terminal that is fed with an exchange's real quotes."""

    @property
    def source(self) -> PriceSource:
        """What to call its prices wherever a person sees them."""
        if not self.simulated:
            return PriceSource.LIVE
        if self.live:
            return PriceSource.LIVE_SIMULATED
        return PriceSource.REPLAY if self.replay else PriceSource.SIMULATED


class AccountFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's AccountInfo."""

    login: int
    server: str
    company: str
    currency: str
    margin_mode: int
    leverage: int
    balance: float
    equity: float
    margin: float
    margin_free: float
    profit: float
    trade_allowed: bool
    trade_expert: bool
    trade_mode: int = 0
    """0 demo, 1 contest, 2 real money."""


class TerminalFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's TerminalInfo."""

    connected: bool
    trade_allowed: bool
    tradeapi_disabled: bool
    ping_last: int


class SymbolFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's SymbolInfo."""

    name: str
    description: str
    digits: int
    point: float
    trade_contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    currency_base: str
    currency_profit: str
    trade_stops_level: int
    filling_mode: int
    trade_exemode: int
    trade_mode: int
    time: int = 0
    """When its newest quote came, broker seconds."""


class PositionFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's TradePosition. `time_msc` is broker time."""

    ticket: int
    symbol: str
    type: int
    volume: float
    price_open: float
    price_current: float
    profit: float
    swap: float
    time_msc: int
    magic: int
    comment: str
    sl: float
    tp: float
    identifier: int


class AccountLook(msgspec.Struct, frozen=True, array_like=True):
    """Account, terminal and positions, read one after the other."""

    account: AccountFacts
    terminal: TerminalFacts
    positions: tuple[PositionFacts, ...]


class SymbolLook(msgspec.Struct, frozen=True, array_like=True):
    """The first `done` of the symbols that were asked for; ask again for the others."""

    done: int
    symbols: tuple[SymbolFacts, ...]
    unknown: tuple[str, ...]


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """One line of the broker's whole list of symbols."""

    name: str
    currency_base: str
    currency_profit: str
    trade_mode: int


class DealFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's TradeDeal. `time_msc` is broker time; `order` is the order's ticket."""

    ticket: int
    order: int
    time_msc: int
    type: int
    magic: int
    position_id: int
    volume: float
    price: float
    symbol: str
    comment: str


class OrderFacts(msgspec.Struct, frozen=True, array_like=True):
    """Fields of MT5's TradeOrder: an order that has not been filled, or was."""

    ticket: int
    type: int
    state: int
    magic: int
    volume_initial: float
    symbol: str
    comment: str
    time_setup_msc: int


class Picture(msgspec.Struct, frozen=True, array_like=True):
    """Account, terminal, positions and symbols, read one after the other."""

    account: AccountFacts
    terminal: TerminalFacts
    positions: tuple[PositionFacts, ...]
    symbols: tuple[SymbolFacts, ...]
    unknown: tuple[str, ...]
    """Symbols the terminal does not have."""


class Findings(msgspec.Struct, frozen=True, array_like=True):
    """All that could be an order's trace. `connected`: the terminal reached its broker before and after the search."""

    connected: bool
    positions: tuple[PositionFacts, ...]
    orders: tuple[OrderFacts, ...]
    history: tuple[OrderFacts, ...]
    deals: tuple[DealFacts, ...]


class Request(msgspec.Struct, frozen=True, array_like=True):
    """A market order as `order_send` takes it, and what the terminal process looks at once more right before."""

    symbol: str
    volume: float
    type: int
    fillings: tuple[int, ...]
    """Filling modes in the order in which they are tried: a broker that does not take one has executed nothing."""
    deviation: int
    magic: int
    comment: str
    position: int
    sl: float
    tp: float
    not_after_ms: int
    """UTC; it is not sent later."""
    lease_until_ns: int
    """`boot_ns` of the machine; it is not sent later."""
    lowest: float = 0.0
    highest: float = 0.0
    """The price it may be sent at; 0: any."""
    login: int = 0
    """The account it is for; another one may have been logged in since the last look. 0: any."""
    server: str = ""
    """The broker's server it is for. Empty: any."""
    filling_known: bool = False
    """The first mode was taken before: it need not be checked."""


class Rehearsal(msgspec.Struct, frozen=True, array_like=True):
    """An order that is only checked, never sent: a market buy of so many lots, with these filling modes in turn."""

    symbol: str
    volume: float
    fillings: tuple[int, ...]


class Checked(msgspec.Struct, frozen=True, array_like=True):
    """The answer to `order_check`. `retcode` 0 is MT5's yes; `error` is its last_error when there was no answer."""

    retcode: int
    comment: str
    margin: float
    margin_free: float
    filling: int
    error: int = 0


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """The answer to `order_send`. `retcode` 0 = there was none; then `error` and `text` are MT5's last_error.

    `sent_ns` is the monotonic clock when `order_send` was entered, 0 when it never was.
    """

    retcode: int
    deal: int
    order: int
    volume: float
    price: float
    comment: str
    error: int
    text: str
    sent_ms: int
    sent_ns: int
    tick_time_msc: int
    """The quote's broker time when it was sent."""
    deals: tuple[DealFacts, ...]
    """The order's deals, when the terminal knew them at once."""
    filling: int = 0
    """The filling mode it was sent with."""


EXPIRED, FENCED, COLLAR, OTHER_ACCOUNT, HALTED = -20_001, -20_002, -20_003, -20_004, -20_005
"""Our own codes, outside of MT5's: `order_send` was not called."""
OTHER_TERMINAL = -20_010
"""The terminal that answered is not the one of the settings."""
HELD_BACK = {
    EXPIRED: "expired",
    FENCED: "fenced",
    COLLAR: "collar",
    OTHER_ACCOUNT: "wrong_account",
    HALTED: "halted",
}
""" our code -> what the server and the trader are told """


def held_back(request: Request, price: float, now_ms: int, boot_ns: int) -> tuple[int, str] | None:
    """(code, words) of what forbids the order at this last moment; None when nothing does."""
    if now_ms >= request.not_after_ms:
        return EXPIRED, "expired before its turn came"
    if boot_ns >= request.lease_until_ns:
        return FENCED, "this client's lease of the account ran out before its turn came"
    if request.highest > 0 and not request.lowest <= price <= request.highest:
        return COLLAR, f"the price {price:g} has left {request.lowest:g} to {request.highest:g}"
    return None


class Call(msgspec.Struct, frozen=True, array_like=True):
    """Parent to terminal process. `argument` is what the method takes, encoded."""

    id: int
    method: str
    argument: msgspec.Raw = msgspec.Raw(b"\xc0")


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """Terminal process to parent. `error` 0: `result` holds the encoded answer; else MT5's last_error."""

    id: int
    error: int
    text: str
    result: msgspec.Raw = msgspec.Raw(b"\xc0")


class Launch(msgspec.Struct, frozen=True):
    """What a terminal process is started with."""

    module: str
    path: str
    lock: str
    """File that only one terminal process of this client may hold."""
    open_timeout_ms: int
    halt_file: str = ""
    """While this file exists the trader has stopped trading; it is looked at right before every order."""


CONNECTION_LOST = frozenset({-10000, -10001, -10002, -10003, -10004, -10005, -5})
"""last_error codes after which only a new start of the terminal process helps."""
