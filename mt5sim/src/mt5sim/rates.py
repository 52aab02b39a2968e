"""Bars from ticks."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mt5sim import constants as c
from mt5sim.feed import Feed
from mt5sim.tape import IntArray, Tape, Ticks

Rates = npt.NDArray[np.void]

RATE_DTYPE = np.dtype(
    [
        ("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
        ("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8"),
    ]
)  # fmt: skip
""" packed, 60 bytes, as copy_rates_* returns it """

NO_RATES = np.zeros(0, dtype=RATE_DTYPE)

DAY = 86_400
EPOCH_TO_SUNDAY = 3 * DAY
""" 1 January 1970 was a Thursday; a week's bar opens on Sunday """
HOUR_BIT, WEEK_BIT, MONTH_BIT = 0x4000, 0x8000, 0xC000
KIND_BITS = 0xC000

TIMEFRAMES = {value for name, value in vars(c).items() if name.startswith("TIMEFRAME_")}


def opening_times(seconds: IntArray, timeframe: int) -> IntArray:
    """When the bar of each second opens. A timeframe is bit-coded: 0x4001 is one hour, not 16385 minutes."""
    kind, units = timeframe & KIND_BITS, timeframe & ~KIND_BITS
    if kind == MONTH_BIT:
        months = seconds.astype("datetime64[s]").astype("datetime64[M]")
        return months.astype("datetime64[s]").astype(np.int64)
    if kind == WEEK_BIT:
        return (seconds + EPOCH_TO_SUNDAY + DAY) // (7 * DAY) * (7 * DAY) - EPOCH_TO_SUNDAY - DAY
    length = units * (3600 if kind == HOUR_BIT else 60)
    return seconds // length * length


@dataclass(slots=True)
class BarBook:
    """The bars of one symbol, extended from the last bar on when more ticks have become visible."""

    _known: dict[int, tuple[Tape, int, int, Rates]] = field(default_factory=dict)
    """ timeframe -> tape, visible ticks, first tick of the last bar, bars """

    def bars(self, feed: Feed, timeframe: int, digits: int) -> Rates:
        """Bid bars of everything visible; ticks without two real prices make no bar."""
        tape, visible = feed.tape, feed.visible
        known_tape, seen, start, rates = self._known.get(timeframe, (tape, -1, 0, NO_RATES))
        if known_tape is not tape:
            start, rates = 0, NO_RATES
        elif seen == visible:
            return rates
        index = np.arange(start, visible)
        sound = index[tape.newest_sound[start:visible] == index]
        # the newest stamp so far, not the tick's own: a stamp that goes back must not reopen an old bar
        opened = opening_times(tape.newest_msc[sound] // 1000, timeframe)
        starts = np.flatnonzero(np.diff(opened, prepend=opened[:1] - 1))
        if len(starts):
            rates = np.concatenate([rates[:-1], _grouped(tape.ticks[sound], opened, starts, digits)])
            start = int(sound[starts[-1]])
        self._known[timeframe] = (tape, visible, start, rates)
        return rates


def _grouped(ticks: Ticks, opened: IntArray, starts: IntArray, digits: int) -> Rates:
    rates = np.zeros(len(starts), dtype=RATE_DTYPE)
    ends = np.append(starts[1:], len(ticks))
    bid = np.ascontiguousarray(ticks["bid"])
    rates["time"] = opened[starts]
    rates["open"] = bid[starts]
    rates["high"] = np.maximum.reduceat(bid, starts)
    rates["low"] = np.minimum.reduceat(bid, starts)
    rates["close"] = bid[ends - 1]
    rates["tick_volume"] = ends - starts
    rates["spread"] = np.rint((ticks["ask"] - bid)[ends - 1] * 10.0**digits)
    return rates
