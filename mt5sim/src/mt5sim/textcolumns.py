"""Cut a text file of ticks into cells and read their numbers with numpy: exact, and without a Python step per line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

CHUNK_BYTES = 32 * 1024 * 1024
NEWLINE, RETURN, MINUS, DOT, ZERO = b"\n"[0], b"\r"[0], b"-"[0], b"."[0], b"0"[0]
EXACT_DIGITS = 15
""" a whole number of 15 digits and a power of ten up to 10^22 are exact doubles, so their quotient is rounded once """
WHOLE_DIGITS = 18
TEN_TO = 10.0 ** np.arange(EXACT_DIGITS + 1)
LONGEST_NUMBER = 24


def chunks(data: bytes, piece_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Pieces of about this size that end with a line."""
    start = 0
    while start < len(data):
        stop = len(data)
        if stop - start > piece_bytes:
            stop = data.rfind(b"\n", start, start + piece_bytes) + 1 or data.find(b"\n", start) + 1 or stop
        yield data[start:stop]
        start = stop


@dataclass(frozen=True, slots=True)
class Cells:
    """One column: where each line's cell begins and ends in the text."""

    text: Bytes
    start: IntArray
    end: IntArray

    @property
    def width(self) -> IntArray:
        """Characters of each cell; 0 = empty."""
        return self.end - self.start

    def character(self, place: int) -> Bytes:
        """The character at this place of each cell; whatever follows the cell when it is shorter."""
        found: Bytes = self.text[np.minimum(self.start + place, max(len(self.text) - 1, 0))]
        return found

    def digits(self, place: int, count: int) -> tuple[IntArray, BoolArray]:
        """The whole number written in `count` digits at `place`, and whether all of them are digits."""
        value = np.zeros(len(self.start), dtype=np.int64)
        sound = self.end - self.start >= place + count
        for offset in range(place, place + count):
            digit = self.character(offset) - np.uint8(ZERO)
            sound &= digit <= 9
            value = value * 10 + digit
        return value, sound

    def wholes(self) -> tuple[IntArray, BoolArray]:
        """Whole numbers, and which cells hold one."""
        mantissa, fraction, exact = self._scan(WHOLE_DIGITS)
        mantissa = mantissa.astype(np.int64)
        return self._rest(mantissa, exact & (fraction < 0), int)

    def decimals(self) -> tuple[FloatArray, BoolArray]:
        """Numbers as `float(text)` reads them, nan and inf included, and which cells hold one."""
        mantissa, fraction, exact = self._scan(EXACT_DIGITS)
        return self._rest(mantissa / TEN_TO[np.maximum(fraction, 0)], exact, float)

    def text_of(self, index: int) -> bytes:
        return self.text[self.start[index] : self.end[index]].tobytes()

    def _scan(self, most_digits: int) -> tuple[IntArray, IntArray, BoolArray]:
        """Mantissa, digits after the dot (-1 = no dot), and whether the cell is just digits, a dot and a minus."""
        count, width = len(self.start), self.width
        mantissa = np.zeros(count, dtype=np.int64)
        digits = np.zeros(count, dtype=np.int64)
        fraction = np.full(count, -1, dtype=np.int64)
        negative = (self.character(0) == MINUS) & (width > 0) if count else np.zeros(0, dtype=np.bool_)
        exact = width <= LONGEST_NUMBER
        for place in range(min(int(width.max(initial=0)), LONGEST_NUMBER)):
            inside = place < width
            character = self.character(place)
            value = character - np.uint8(ZERO)
            digit = inside & (value <= 9) & (digits < most_digits)
            mantissa = np.where(digit, mantissa * 10 + value, mantissa)
            digits += digit
            fraction += digit & (fraction >= 0)
            dot = inside & (character == DOT) & (fraction < 0)
            fraction[dot] = 0
            exact &= ~inside | digit | dot | (negative if place == 0 else False)
        exact &= digits > 0
        return np.where(negative, -mantissa, mantissa), fraction, exact

    def _rest(self, values: Any, exact: BoolArray, read: Callable[[bytes], Any]) -> tuple[Any, BoolArray]:
        """The few cells that are written in another way are read one by one."""
        sound = exact.copy()
        for index in np.flatnonzero(~exact & (self.width > 0) & (self.width <= LONGEST_NUMBER)):
            text = self.text_of(int(index))
            try:
                if b"_" in text:
                    continue
                values[index] = read(text)
            except (ValueError, OverflowError):
                continue
            sound[index] = True
        return values, sound


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of a piece of text that have a fitting number of cells."""

    columns: tuple[Cells, ...]
    numbers: IntArray
    """ which lines of the piece these are, counted from 0 """
    lines: int
    """ lines of the piece, fitting or not """


def cut(piece: bytes, separator: bytes, least: int, most: int) -> Table:
    """Lines of `least` to `most` cells; the cells that a line does not have are empty."""
    text = np.frombuffer(piece, dtype=np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    if len(piece) and not piece.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1]) if len(ends) else ends
    separators = np.flatnonzero(text == separator[0])
    count = np.bincount(np.searchsorted(ends, separators), minlength=len(ends))
    first = np.cumsum(count) - count
    fitting = np.flatnonzero((count >= least - 1) & (count < most))
    starts, stops, count, first = starts[fitting], ends[fitting], count[fitting], first[fitting]
    stops = stops - ((stops > starts) & (text[np.maximum(stops - 1, 0)] == RETURN)) if len(stops) else stops
    columns = []
    begin = starts
    for column in range(most):
        if len(separators):
            found = separators[np.minimum(first + column, len(separators) - 1)]
            end = np.where(column < count, found, stops)
        else:
            end = stops
        columns.append(Cells(text, np.minimum(begin, stops), np.minimum(end, stops)))
        begin = end + 1
    return Table(tuple(columns), fitting, len(ends))
