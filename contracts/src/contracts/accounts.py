"""What a terminal says about itself: account, positions, instruments."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class PriceSource(StrEnum):
    """Where prices come from. Anything but LIVE is labelled wherever a person sees it."""

    LIVE = "live"
    SIMULATED = "simulated"
    REPLAY = "replay"
    LIVE_SIMULATED = "live_simulated"
    """A public exchange's real quotes; the account that trades on them is simulated."""


class MarginMode(StrEnum):
    """How the broker keeps positions: one per symbol, or one per deal."""

    NETTING = "netting"
    HEDGING = "hedging"


class Side(StrEnum):
    """Direction of a position or an order."""

    BUY = "BUY"
    SELL = "SELL"


class Position(msgspec.Struct, frozen=True):
    """An open position as the terminal reports it."""

    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    price_open: float
    price_current: float
    profit: Decimal
    swap: Decimal
    time_ms: int
    magic: int = 0
    comment: str = ""
    sl: float = 0.0
    tp: float = 0.0


class Instrument(msgspec.Struct, frozen=True):
    """The contract of one symbol: what an order for it must respect."""

    symbol: str
    description: str
    digits: int
    point: float
    contract_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    currency_base: str
    currency_profit: str
    stops_level_points: int = 0


class TickGap(msgspec.Struct, frozen=True):
    """Ticks of one symbol that the client had or missed, and that the store will never have."""

    symbol: str
    from_ms: int
    """UTC ms of the first missing tick; where no tick was seen, of the last one before."""
    to_ms: int
    """UTC ms of the last missing tick; where no tick was seen, of the first one after."""
    ticks: int
    """How many; 0 when nobody counted them."""
    reason: str
    """`spool_full`, `too_old`, `not_read` or `history_changed`."""
    recorded_ms: int
    """When the client recorded it, UTC ms."""


class AccountState(msgspec.Struct, frozen=True, tag="account"):
    """A full picture of one account; a newer one replaces it. `taken_ms` is the connector's clock, UTC."""

    tenant: str
    account: str
    taken_ms: int
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
    """The terminal reaches its broker."""
    trade_allowed: bool
    trade_blocked_because: str
    """In plain words, what stands between an order and the market; empty when nothing does."""
    positions: tuple[Position, ...]
    instruments: tuple[Instrument, ...]
    ticks_refused: dict[str, int] = {}
    """ reason -> how many ticks the connector kept out since its spool was made """
    order_ids_open: tuple[str, ...] = ()
    fence: int = 0
    """The lease of the client that reports, as the bridge granted it, 0 without one: signals are made out to it."""
    tick_gaps: tuple[TickGap, ...] = ()
    """The newest gaps in the ticks, oldest first."""
