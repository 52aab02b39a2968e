"""What a read of the terminal would give at this moment, kept true by reads and made longer by the EA in between.

Invariant: the rows are a prefix of what the terminal gives from `from_s` on. A read states that outright. Rows of the
EA are added only when they say where in such a read they stand, begin within what is known, and agree with it; whatever
does not fit is left to the next read. So no frame that is lost, repeated, late or wrong can lose or double a tick.
"""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from metatrader_connector.domain.cursor import TICK_DTYPE, Rows, rows_of
from metatrader_connector.domain.ea_frames import Ticks
from metatrader_connector.domain.terminal import TICK_BYTES

MOST_ROWS = 60_000
KEPT_S = 2
"""So many seconds before the cursor stay, for frames that are a little behind."""
SHORT_READS = 5
"""So many reads in a row that lack what the EA has told mean that it told what the terminal does not have."""


class Push(Enum):
    """What became of rows of the EA."""

    FITS = "fits"
    """They are known now, and the EA stands where we do."""
    HOLE = "hole"
    """They do not touch what is known: the EA has to begin again from where we stand."""
    DIFFERS = "differs"
    """They contradict what the terminal gave."""


@dataclass(slots=True)
class Mirror:
    """One symbol's rows. Call `read_back` with every answer of the terminal, `push` with the EA's rows."""

    from_s: int
    version: int = 0
    """Rises with every new row."""
    _rows: bytearray = field(default_factory=bytearray)
    _short: int = 0

    @property
    def count(self) -> int:
        """How many rows are known."""
        return len(self._rows) // TICK_BYTES

    def place(self, from_s: int) -> int | None:
        """Where a read from this second begins; None when that is not known."""
        if from_s <= self.from_s:
            return 0 if from_s == self.from_s else None
        later = self._stamps() >= from_s * 1000
        return int(np.argmax(later)) if bool(later.any()) else None

    def rows(self, from_s: int, most: int) -> bytes | None:
        """What a read would give; None when the terminal has to be asked."""
        place = self.place(from_s)
        if place is None:
            return None
        return bytes(self._rows[place * TICK_BYTES : (place + most) * TICK_BYTES])

    def read_back(self, from_s: int, packed: bytes, most: int, asked_with: int) -> bool:
        """The terminal's answer to a read of at most `most` rows. `asked_with`: `count` when it was asked. False: rows
        that were given out before are not the terminal's, and its answer counts now."""
        place = self.place(from_s)
        if place is None:  # before what is known, or after all of it: then nothing was given out from there on
            self._begin(from_s, packed)
            return True
        known = bytes(self._rows[place * TICK_BYTES :])
        common = min(len(known), len(packed))
        if known[:common] != packed[:common]:
            self._begin(from_s, packed)
            return False
        if len(packed) > common:
            self._rows += packed[common:]
            self.version += 1
        missing = len(packed) < min(most, asked_with - place) * TICK_BYTES
        self._short = self._short + 1 if missing else 0
        if self._short >= SHORT_READS:
            self._begin(from_s, packed)
            return False
        self._prune(from_s)
        return True

    def push(self, told: Ticks) -> Push:
        """Rows of the EA."""
        rows = rows_of(told.rows)
        stamps = rows["time_msc"]
        if bool((np.diff(stamps) < 0).any()):
            return Push.HOLE  # a late tick: the terminal knows best where it belongs
        if told.from_s >= self.from_s:
            begin = self.place(told.from_s)
            if begin is None:
                return Push.HOLE
            at = begin + told.at
        else:
            ours = stamps >= self.from_s * 1000
            first = int(np.argmax(ours)) if bool(ours.any()) else len(rows)
            if first == len(rows):
                return Push.FITS if len(rows) else Push.HOLE  # all of it is behind us
            if first == 0 and told.at:
                return Push.HOLE  # how many rows lie between the two beginnings is not known
            rows, at = rows[first:], 0
        return self._join(rows, at)

    def _join(self, rows: Rows, at: int) -> Push:
        known = self.count
        if at > known or (at == known and known):  # one row has to be the same: it proves the place
            return Push.HOLE
        if not len(rows):
            return Push.FITS if not known else Push.HOLE
        same = min(known - at, len(rows))
        if rows[:same].tobytes() != bytes(self._rows[at * TICK_BYTES : (at + same) * TICK_BYTES]):
            return Push.DIFFERS
        fresh = rows[same:]
        if len(fresh):
            if known + len(fresh) > MOST_ROWS or (known and int(fresh["time_msc"][0]) < int(self._stamps().max())):
                return Push.HOLE
            self._rows += fresh.tobytes()
            self.version += 1
        return Push.FITS

    def _stamps(self) -> Rows:
        return np.frombuffer(self._rows, dtype=TICK_DTYPE)["time_msc"]

    def _begin(self, from_s: int, packed: bytes) -> None:
        self.from_s, self._rows, self._short = from_s, bytearray(packed), 0
        self.version += 1

    def _prune(self, from_s: int) -> None:
        """Forget what lies far behind the cursor, where the rows split cleanly."""
        kept_s = from_s - KEPT_S
        if kept_s <= self.from_s or (place := self.place(kept_s)) is None or place == 0:
            return
        if bool((self._stamps()[place:] < kept_s * 1000).any()):
            return
        del self._rows[: place * TICK_BYTES]
        self.from_s = kept_s
