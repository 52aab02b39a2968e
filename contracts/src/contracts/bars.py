"""Bars: open, high, low and close of the bid over one timeframe, built from stored ticks."""

from enum import StrEnum

import msgspec


class Timeframe(StrEnum):
    """MT5's names. Values are the names themselves: MT5's own numbers are bit codes, not minutes."""

    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    M30 = "M30"
    H1 = "H1"
    H4 = "H4"
    D1 = "D1"


SECONDS: dict[Timeframe, int] = {
    Timeframe.M1: 60,
    Timeframe.M5: 300,
    Timeframe.M15: 900,
    Timeframe.M30: 1_800,
    Timeframe.H1: 3_600,
    Timeframe.H4: 14_400,
    Timeframe.D1: 86_400,
}
""" timeframe -> length in seconds """


class Bar(msgspec.Struct, frozen=True):
    """One bar. `time_ms` is its opening in UTC; prices are bids, as MT5 draws them."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    spread_mean: float
    """Mean of ask - bid over the bar's ticks, in price units."""
