"""Read blocks of a tick file: which rows are quotes, in order and sane, and why the others are not."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from central_hub.domain.brokertime import server_to_utc
from contracts.ticks import Mark

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAN, NOT_POSITIVE, UNPARSABLE = "nan", "not_positive", "unparsable"
BID_AND_ASK = 6
"""MT5's TICK_FLAG bits for "bid and ask changed"; what a quote without flags gets."""
LATEST_MS = 4_102_444_800_000
"""The year 2100; a stamp beyond it is not milliseconds."""
PLAIN_HEADER = "ts_ms_utc,bid,ask"


class FormatFault(ValueError):
    """The file is of no known format; the text says which are."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Quotes of one block, equally long columns. Every row of the block is here or in a count of refusals."""

    time_ms: Ints
    bid: Floats
    ask: Floats
    flags: npt.NDArray[np.uint32]
    last: Floats
    volume: Floats


@dataclass(slots=True)
class Reader:
    """One file. Give it the first line, then blocks of whole lines; `marks` needs the rows in the file's order."""

    export: bool
    """MT5's tab-separated export instead of `ts_ms_utc,bid,ask`."""
    clock: str = "utc"
    """Clock of an export: `ny+7` or `utc`."""
    refused: dict[str, int] = field(default_factory=dict)
    """ reason -> rows kept out """
    _newest_ms: int = 0
    _bid: float = 0.0
    _ask: float = 0.0
    _columns: tuple[str, ...] = ()

    @classmethod
    def for_header(cls, line: str, clock: str | None = None) -> "Reader":
        """The reader for a file with this first line. FormatFault when nobody knows it."""
        names = tuple(part.strip().strip("<>").upper() for part in line.lstrip("\ufeff").split("\t"))
        if {"DATE", "TIME", "BID", "ASK"} <= set(names):
            return cls(True, clock or "ny+7", _columns=names)
        if line.lstrip("\ufeff").strip().lower() == PLAIN_HEADER:
            return cls(False)
        raise FormatFault(
            f"its first line is neither `{PLAIN_HEADER}` nor MT5's `<DATE> <TIME> <BID> <ASK> …` separated by tabs."
        )

    def read(self, block: bytes) -> Rows:
        """The good rows of a block of whole lines; the others are counted in `refused`."""
        rows = self._read_export(block) if self.export else self._read_plain(block)
        return self._sane(rows)

    def marks(self, rows: Rows) -> npt.NDArray[np.uint8]:
        """What is to be noted about each row. Call once per block, in order: lateness is judged against all before."""
        if not len(rows.time_ms):
            return np.zeros(0, np.uint8)
        before = np.concatenate(([self._newest_ms], np.maximum.accumulate(rows.time_ms)[:-1]))
        newest = np.maximum(before, self._newest_ms)
        marks = np.zeros(len(rows.time_ms), np.uint8)
        for which, mark in (
            (rows.bid > rows.ask, Mark.CROSSED),
            (rows.bid == rows.ask, Mark.LOCKED),
            (rows.time_ms < newest, Mark.LATE),
        ):
            marks[which] |= np.uint8(mark)
        self._newest_ms = max(self._newest_ms, int(rows.time_ms.max()))
        return marks

    def _refuse(self, reason: str, count: int) -> None:
        if count:
            self.refused[reason] = self.refused.get(reason, 0) + count

    def _sane(self, rows: Rows) -> Rows:
        finite = np.isfinite(rows.bid) & np.isfinite(rows.ask)
        self._refuse(NAN, int((~finite).sum()))
        with np.errstate(invalid="ignore"):
            positive = (rows.bid > 0) & (rows.ask > 0)
        self._refuse(NOT_POSITIVE, int((finite & ~positive).sum()))
        keep = finite & positive
        if keep.all():
            return rows
        return Rows(
            rows.time_ms[keep],
            rows.bid[keep],
            rows.ask[keep],
            rows.flags[keep],
            rows.last[keep],
            rows.volume[keep],
        )

    def _read_plain(self, block: bytes) -> Rows:
        table = _fast(block)
        if table is None:
            lines = [line for line in block.split(b"\n") if line.strip()]
            numbers = [_three(line) for line in lines]
            good = [row for row in numbers if row is not None]
            self._refuse(UNPARSABLE, len(lines) - len(good))
            table = np.array(good, np.float64).reshape(-1, 3)
        count = len(table)
        return Rows(
            table[:, 0].astype(np.int64),
            table[:, 1].copy(),
            table[:, 2].copy(),
            np.full(count, BID_AND_ASK, np.uint32),
            np.zeros(count),
            np.zeros(count),
        )

    def _read_export(self, block: bytes) -> Rows:
        stamps: list[str] = []
        quotes: list[tuple[float, float, int, float, float]] = []
        for raw in block.split(b"\n"):
            if not raw.strip():
                continue
            try:
                stamp, *quote = self._export_row(raw.decode("ascii").rstrip("\r"))
            except (ValueError, KeyError):
                self._refuse(UNPARSABLE, 1)
                continue
            stamps.append(stamp)
            quotes.append(tuple(quote))  # type: ignore[arg-type]  # five numbers, see _export_row
        table = np.array(quotes, np.float64).reshape(-1, 5)
        server = np.array(stamps, "datetime64[ms]").astype(np.int64)
        return Rows(
            server_to_utc(server, self.clock),
            table[:, 0].copy(),
            table[:, 1].copy(),
            table[:, 2].astype(np.uint32),
            table[:, 3].copy(),
            table[:, 4].copy(),
        )

    def _export_row(self, line: str) -> tuple[str, float, float, int, float, float]:
        cells = dict(zip(self._columns, (cell.strip() for cell in line.split("\t")), strict=False))
        date, clock = cells["DATE"], cells["TIME"]
        stamp = f"{date[:4]}-{date[5:7]}-{date[8:10]}T{clock}"
        if len(date) != 10 or not 8 <= len(clock) <= 12 or not 0 < _ms(stamp) < LATEST_MS:
            raise ValueError(stamp)
        # an empty cell means: as before
        bid = float(cells["BID"]) if cells["BID"] else self._bid
        ask = float(cells["ASK"]) if cells["ASK"] else self._ask
        # zero is a value that MT5 writes for an empty book; what was never known is not a value
        if (not bid and not cells["BID"]) or (not ask and not cells["ASK"]):
            raise ValueError("no quote known yet")
        flags = int(cells.get("FLAGS") or BID_AND_ASK)
        if not 0 <= flags < 2**32:
            raise ValueError(flags)
        row = (stamp, bid, ask, flags, float(cells.get("LAST") or 0), float(cells.get("VOLUME") or 0))
        if bid > 0 and ask > 0 and bid + ask < float("inf"):
            self._bid, self._ask = bid, ask
        return row


def _ms(stamp: str) -> int:
    return int(np.datetime64(stamp, "ms").astype(np.int64))


def _fast(block: bytes) -> "Floats | None":
    """All rows at once; None when any line is not exactly three numbers with a plausible time."""
    if not block.endswith(b"\n"):
        block += b"\n"
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == 10)
    commas = np.searchsorted(np.flatnonzero(text == 44), ends)
    if (np.diff(commas, prepend=0) != 2).any():
        return None
    if not np.isin(text, _PLAIN).all():
        return None  # signs of something unusual: let the careful way decide
    cells = block.replace(b"\n", b",")
    if b",," in cells or cells.startswith(b","):
        return None
    try:
        numbers = np.array(cells[:-1].split(b",")).astype(np.float64)
    except ValueError:
        return None
    table = numbers.reshape(-1, 3)
    stamps = table[:, 0]
    if ((stamps < 1) | (stamps >= LATEST_MS) | (stamps % 1 != 0)).any():
        return None
    return table


_PLAIN = np.frombuffer(b"0123456789.,\n", np.uint8)


def _three(line: bytes) -> tuple[float, float, float] | None:
    """time, bid and ask of a line; None when it is something else. `nan` and `inf` are numbers here."""
    cells = line.strip().split(b",")
    if len(cells) != 3 or any(b"_" in cell for cell in cells):
        return None
    try:
        stamp, bid, ask = int(cells[0]), float(cells[1]), float(cells[2])
    except ValueError:
        return None
    return (float(stamp), bid, ask) if 0 < stamp < LATEST_MS else None
