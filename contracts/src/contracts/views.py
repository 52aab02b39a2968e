"""What the browser sees: the gateway's REST answers and live stream. TypeScript is generated from here."""

from decimal import Decimal

import msgspec

from contracts.accounts import MarginMode, Position, PriceSource, Side, TickGap
from contracts.audit import DependencyHealth


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/session."""

    name: str
    password: str


class FirstUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/setup, once, with the code that the platform printed at its first start."""

    code: str
    name: str
    password: str


class Session(msgspec.Struct, frozen=True):
    """GET /api/v1/session: who is signed in. Every change sends `csrf` back as `X-CSRF-Token`."""

    name: str
    tenant: str
    role: str
    expires_ms: int
    csrf: str
    id: str = ""
    """Of the session: the one that `SessionView.current` marks."""
    user_id: str = ""
    amr: tuple[str, ...] = ()
    """How the person proved who they are: `pwd`, `otp`, `hwk` (a passkey), `rec` (a recovery code), `mfa`."""
    auth_ms: int = 0
    """When they last did."""
    second_factor_due: bool = False
    """The tenant requires a second factor and the person has none: nothing but adding one is allowed."""


class SetupState(msgspec.Struct, frozen=True):
    """GET /api/v1/setup: whether the first user is still to be made."""

    needed: bool


class Problem(msgspec.Struct, frozen=True):
    """Every error answer. `code` is a word, `reason` a sentence that says what to do, `error_id` finds the log line."""

    code: str
    reason: str
    error_id: str = ""


class SymbolView(msgspec.Struct, frozen=True):
    """A line of the watch list. Stamps are UTC ms; the age of a price is the server's clock minus `received_ms`."""

    account: str
    symbol: str
    description: str
    digits: int
    point: float
    bid: float
    ask: float
    time_msc: int
    received_ms: int
    ticks: int
    source: PriceSource
    volume_min: Decimal = Decimal(0)
    """Lots; all three are 0 while the terminal has not told the symbol's contract."""
    volume_max: Decimal = Decimal(0)
    volume_step: Decimal = Decimal(0)


class SymbolsView(msgspec.Struct, frozen=True):
    """GET /api/v1/symbols."""

    symbols: tuple[SymbolView, ...]
    server_ms: int


class TickView(msgspec.Struct, frozen=True):
    """A stored tick. `marks` are the bits of `contracts.ticks.Mark`: 1 crossed, 2 locked, 4 late, 8 backfilled."""

    seq: int
    time_msc: int
    bid: float
    ask: float
    marks: int


class TicksView(msgspec.Struct, frozen=True):
    """GET /api/v1/ticks."""

    symbol: str
    ticks: tuple[TickView, ...]


class BarView(msgspec.Struct, frozen=True):
    """One candle; `time_ms` is its opening, UTC."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int


class BarsView(msgspec.Struct, frozen=True):
    """GET /api/v1/bars."""

    symbol: str
    timeframe: str
    bars: tuple[BarView, ...]


class AccountView(msgspec.Struct, frozen=True):
    """An account with its positions, as its terminal last reported it."""

    account: str
    server: str
    company: str
    currency: str
    margin_mode: MarginMode
    leverage: int
    balance: Decimal
    equity: Decimal
    margin: Decimal
    margin_free: Decimal
    profit: Decimal
    source: PriceSource
    connected: bool
    trade_allowed: bool
    trade_blocked_because: str
    taken_ms: int
    positions: tuple[Position, ...]
    ticks_refused: dict[str, int]
    tick_gaps: tuple[TickGap, ...] = ()
    """Ticks that are lost for good, and why."""


class AccountsView(msgspec.Struct, frozen=True):
    """GET /api/v1/accounts."""

    accounts: tuple[AccountView, ...]
    server_ms: int


class PositionView(msgspec.Struct, frozen=True):
    """A position with the account it stands on."""

    account: str
    position: Position


class PositionsView(msgspec.Struct, frozen=True):
    """GET /api/v1/positions."""

    positions: tuple[PositionView, ...]


class OrderView(msgspec.Struct, frozen=True):
    """An order and what came of it."""

    id: str
    account: str
    strategy: str
    symbol: str
    side: Side
    volume: Decimal
    filled_volume: Decimal
    price: float
    state: str
    reason: str
    ticket: int
    deal: int
    position: int
    created_ms: int
    updated_ms: int


class OrdersView(msgspec.Struct, frozen=True):
    """GET /api/v1/orders."""

    orders: tuple[OrderView, ...]


class ExecutionView(msgspec.Struct, frozen=True):
    """A terminal's answer to a signal, with its time stamps (UTC ms)."""

    number: int
    account: str
    order_id: str
    signal_id: str
    state: str
    code: str
    reason: str
    symbol: str
    side: Side
    filled_volume: Decimal
    price: float
    ticket: int
    deal: int
    received_ms: int
    sent_ms: int
    answered_ms: int


class ExecutionsView(msgspec.Struct, frozen=True):
    """GET /api/v1/executions."""

    executions: tuple[ExecutionView, ...]


class ServiceView(msgspec.Struct, frozen=True):
    """A service or engine for the operator. `heartbeat_age_ms` is -1 when none was ever heard.

    Engines send no heartbeats: the hub probes them, and that probe is their only dependency.
    """

    service: str
    state: str
    ready: bool
    pid: int
    port: int
    version: str
    restarts: int
    started_ms: int
    heartbeat_age_ms: int
    dependencies: tuple[DependencyHealth, ...]
    kind: str = "service"
    """`service` or `engine`."""


class ServicesView(msgspec.Struct, frozen=True):
    """GET /api/v1/services. `hub_reachable` false: the list is the gateway's own, from heartbeats alone."""

    services: tuple[ServiceView, ...]
    hub_reachable: bool
    server_ms: int


class TrailRow(msgspec.Struct, frozen=True):
    """A record of the audit trail where it stands in its chain."""

    position: int
    at_ms: int
    service: str
    kind: str
    subject: str
    detail: dict[str, str]
    correlation_id: str
    hash: str
    """SHA-256 over the record before it and this one, in hex."""


class TrailView(msgspec.Struct, frozen=True):
    """GET /api/v1/audit: records of one's own tenant, oldest first."""

    records: tuple[TrailRow, ...]
    server_ms: int


class OrderRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's market order. `volume` is a decimal string in lots."""

    account: str
    symbol: str
    side: Side
    volume: Decimal
    position: int = 0


class CommandRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/commands, with the header `Idempotency-Key`. Exactly one of the three is meant by `kind`."""

    kind: str
    """`place_order`, `pause` or `resume`."""
    order: OrderRequest | None = None
    reason: str = ""


class CommandAccepted(msgspec.Struct, frozen=True):
    """The command is on its way; `id` is its name in orders and audit."""

    id: str


class StreamTicks(msgspec.Struct, frozen=True, tag_field="k", tag="t"):
    """The newest quote per symbol since the last message, every 20 ms at most.

    `d` rows: [account, symbol, time_msc, received_ms, bid, ask, ticks folded in, highest bid, lowest bid].
    """

    q: int
    """Rises by one with each message of this connection: a gap means messages were lost."""
    now: int
    """The server's clock, UTC ms."""
    d: tuple[tuple[str, str, int, int, float, float, int, float, float], ...]


class StreamAccount(msgspec.Struct, frozen=True, tag_field="k", tag="a"):
    """An account's new state."""

    q: int
    account: AccountView


class StreamOrder(msgspec.Struct, frozen=True, tag_field="k", tag="o"):
    """An order's new state."""

    q: int
    order: OrderView


class StreamExecution(msgspec.Struct, frozen=True, tag_field="k", tag="e"):
    """A new execution."""

    q: int
    execution: ExecutionView


class StreamHeartbeat(msgspec.Struct, frozen=True, tag_field="k", tag="h"):
    """Every second, and at once when trading is paused or resumed, so that silence is noticed.

    `bus` tells whether the gateway hears the platform.
    """

    q: int
    now: int
    bus: bool
    paused: bool | None = None
    """Whether the tenant's trading is paused, as the engine says; None while that is not known."""


StreamMessage = StreamTicks | StreamAccount | StreamOrder | StreamExecution | StreamHeartbeat
