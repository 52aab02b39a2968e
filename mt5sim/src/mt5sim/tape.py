"""The ticks of one symbol in arrival order, with the indexes that make reading them cheap."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mt5sim import constants as c

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Ticks = npt.NDArray[np.void]

TICK_DTYPE = np.dtype(
    [
        ("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"),
        ("volume", "<u8"), ("time_msc", "<i8"), ("flags", "<u4"), ("volume_real", "<f8"),
    ]
)  # fmt: skip
""" packed, 60 bytes, as copy_ticks_* returns it """

QUOTE_FLAGS = c.TICK_FLAG_BID | c.TICK_FLAG_ASK
TRADE_FLAGS = c.TICK_FLAG_LAST | c.TICK_FLAG_VOLUME | c.TICK_FLAG_BUY | c.TICK_FLAG_SELL
FLAG_MASKS = {c.COPY_TICKS_ALL: 0, c.COPY_TICKS_INFO: QUOTE_FLAGS, c.COPY_TICKS_TRADE: TRADE_FLAGS}
""" COPY_TICKS_* -> which tick flags qualify; 0 = every tick """


def quotes(time_msc: IntArray, bid: FloatArray, ask: FloatArray) -> Ticks:
    """Rows of quotes without trades, as FX symbols have them: `last` and `volume` 0, flags 6."""
    ticks = np.zeros(len(time_msc), dtype=TICK_DTYPE)
    ticks["time"] = time_msc // 1000
    ticks["time_msc"] = time_msc
    ticks["bid"] = bid
    ticks["ask"] = ask
    ticks["flags"] = QUOTE_FLAGS
    return ticks


@dataclass(slots=True)
class Tape:
    """`arrival[i]` says when tick i becomes visible; it never decreases, whatever the tick's own time stamp says."""

    ticks: Ticks
    arrival: IntArray
    newest_msc: IntArray
    """ tick -> largest time stamp up to it, so that a stamp that goes back keeps its place when searched """
    newest_sound: IntArray
    """ tick -> index of the newest tick, up to it, at which one could trade; -1 = none yet """

    @classmethod
    def of(cls, ticks: Ticks, arrival: IntArray) -> Self:
        bid, ask = ticks["bid"], ticks["ask"]
        with np.errstate(invalid="ignore"):
            sound = (bid > 0) & (ask > 0) & np.isfinite(bid) & np.isfinite(ask)
        index = np.where(sound, np.arange(len(ticks), dtype=np.int64), -1)
        newest_msc = np.maximum.accumulate(np.ascontiguousarray(ticks["time_msc"]))
        return cls(ticks, arrival, newest_msc, np.maximum.accumulate(index))

    def __len__(self) -> int:
        return len(self.ticks)

    def then(self, more: Self, keep_from: int = 0) -> Self:
        """This tape from `keep_from` on, followed by another."""
        return type(self).of(
            np.concatenate([self.ticks[keep_from:], more.ticks]),
            np.concatenate([self.arrival[keep_from:], more.arrival]),
        )

    def first_at(self, msc: int) -> int:
        return int(np.searchsorted(self.newest_msc, msc, side="left"))

    def qualifying(self, start: int, stop: int, flags: int, count: int | None = None) -> tuple[Ticks, int]:
        """Copies of the first `count` qualifying ticks of [start, stop), and the index after the last one."""
        mask = FLAG_MASKS[flags]
        if mask == 0:
            end = stop if count is None else min(stop, start + count)
            return self.ticks[start:end].copy(), max(start, end)
        part = self.ticks[start:stop]
        chosen = np.flatnonzero(part["flags"] & mask)[:count]
        return part[chosen], start + int(chosen[-1]) + 1 if len(chosen) else start

    def row(self, index: int) -> tuple[Any, ...]:
        """One tick as plain Python numbers."""
        row: tuple[Any, ...] = self.ticks[index].item()
        return row


@dataclass(slots=True)
class GrowingTape(Tape):
    """A tape that ticks are added to as they happen: cheap, for the arrays have room to spare."""

    _room: tuple[Ticks, IntArray, IntArray, IntArray]
    """ the arrays that the visible ones are the beginning of """

    @classmethod
    def empty(cls) -> Self:
        room = _room(1_024)
        return cls(room[0][:0], room[1][:0], room[2][:0], room[3][:0], room)

    def extend(self, ticks: Ticks, arrival: IntArray) -> None:
        """Add ticks that arrived after all others."""
        count, more = len(self), Tape.of(ticks, arrival)
        total = count + len(more)
        if total > len(self._room[0]):
            self._keep(0, _room(2 * total))
        for room, added in zip(self._room, (more.ticks, more.arrival, more.newest_msc, more.newest_sound), strict=True):
            room[count:total] = added
        if count:
            np.maximum(self._room[2][count:total], self._room[2][count - 1], out=self._room[2][count:total])
        sound = self._room[3][count:total]
        sound[sound >= 0] += count
        if count:
            np.maximum(sound, self._room[3][count - 1], out=sound)
        self._show(total)

    def forget_half(self) -> int:
        """Forget the oldest half; returns how many ticks that were."""
        drop = len(self) // 2
        self._keep(drop, _room(len(self)))
        return drop

    def _keep(self, first: int, room: tuple[Ticks, IntArray, IntArray, IntArray]) -> None:
        count = len(self) - first
        for new, old in zip(room, self._room, strict=True):
            new[:count] = old[first : first + count]
        room[3][:count] = np.maximum(room[3][:count] - first, -1)
        self._room = room
        self._show(count)

    def _show(self, count: int) -> None:
        self.ticks, self.arrival, self.newest_msc, self.newest_sound = (
            self._room[0][:count], self._room[1][:count], self._room[2][:count], self._room[3][:count],
        )  # fmt: skip


def _room(size: int) -> tuple[Ticks, IntArray, IntArray, IntArray]:
    return np.zeros(size, dtype=TICK_DTYPE), *(np.zeros(size, dtype=np.int64) for _ in range(3))  # type: ignore[return-value]
