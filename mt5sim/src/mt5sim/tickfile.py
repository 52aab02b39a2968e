"""Load a file of ticks, keeping bad values, counting what is no tick at all."""

import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.config import ConfigError
from mt5sim.tape import QUOTE_FLAGS, TICK_DTYPE, IntArray, Ticks, quotes

CSV_HEADER = b"ts_ms_utc,bid,ask"
EXPORT_HEADER = b"<DATE>"
CSV_ROW = np.dtype([("msc", "<i8"), ("bid", "<f8"), ("ask", "<f8")])
CSV_COLUMNS = 3
EXPORT_COLUMNS = 6
LAST_FLAG = 8
LARGEST_MSC = 2**62


@dataclass(frozen=True, slots=True)
class TickFile:
    """`lines` counts data lines, not the header; line numbers start at 1 with the file's first line."""

    ticks: Ticks
    lines: int
    unparsable: int
    first_bad_line: int | None


def load_ticks(path: Path, clock: str) -> TickFile:
    """The ticks in file order on the broker's clock. Raises ConfigError when the file is missing or of another kind."""
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError) as error:
        raise ConfigError(f"market.file: cannot read {path}: {error}") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    first_line, _, rest = data.partition(b"\n")
    if first_line.startswith(EXPORT_HEADER):
        return _load_export(rest)
    if first_line.strip() == CSV_HEADER:
        return _load_csv(rest, 2, clock)
    if first_line[:1].isdigit():
        return _load_csv(data, 1, clock)
    raise ConfigError(f"market.file: {path} has neither the header {CSV_HEADER.decode()} nor MT5's <DATE> <TIME> ...")


def _load_csv(data: bytes, first_number: int, clock: str) -> TickFile:
    lines = data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    bad: list[int] = []
    try:
        rows = np.loadtxt(io.BytesIO(data), dtype=CSV_ROW, delimiter=",", comments=None, ndmin=1) if lines else None
    except ValueError:
        rows = None
    # numpy skips blank lines silently; only the slow reader counts them
    if rows is None or len(rows) != lines:
        rows, bad = _csv_line_by_line(data.splitlines(), first_number)
    msc = CLOCKS[clock](np.ascontiguousarray(rows["msc"]))
    return TickFile(quotes(msc, rows["bid"], rows["ask"]), lines, len(bad), bad[0] if bad else None)


def _csv_line_by_line(lines: Iterable[bytes], first_number: int) -> tuple[Ticks, list[int]]:
    rows: list[tuple[int, float, float]] = []
    bad: list[int] = []
    for number, line in enumerate(lines, first_number):
        parts = line.split(b",")
        try:
            if len(parts) != CSV_COLUMNS:
                raise ValueError
            msc = int(parts[0])
            if abs(msc) > LARGEST_MSC:
                raise ValueError
            rows.append((msc, float(parts[1]), float(parts[2])))
        except ValueError:
            bad.append(number)
    return np.array(rows, dtype=CSV_ROW), bad


def _load_export(data: bytes) -> TickFile:
    """MT5's own export: tab separated, server time, an empty price means "as before"."""
    rows: list[tuple[int, float, float, float, int, int, int, float]] = []
    bad: list[int] = []
    bid = ask = last = 0.0
    lines = data.splitlines()
    for number, line in enumerate(lines, 2):
        parts = line.split(b"\t")
        try:
            if len(parts) < EXPORT_COLUMNS:
                raise ValueError
            date, time, bid_text, ask_text, last_text, volume_text = parts[:EXPORT_COLUMNS]
            msc = _midnight_ms(date) + _time_ms(time)
            row_bid = float(bid_text) if bid_text.strip() else bid
            row_ask = float(ask_text) if ask_text.strip() else ask
            row_last = float(last_text) if last_text.strip() else last
            volume = float(volume_text) if volume_text.strip() else 0.0
            # old exports have no FLAGS column: then say what the filled cells say
            guess = (2 * bool(bid_text) + 4 * bool(ask_text) + LAST_FLAG * bool(last_text)) or QUOTE_FLAGS
            flags = int(parts[EXPORT_COLUMNS]) if len(parts) > EXPORT_COLUMNS else guess
            if flags < 0 or not 0 <= volume < LARGEST_MSC:
                raise ValueError
        except ValueError:
            bad.append(number)
            continue
        bid, ask, last = row_bid, row_ask, row_last
        rows.append((msc // 1000, bid, ask, last, int(volume), msc, flags, volume))
    return TickFile(np.array(rows, dtype=TICK_DTYPE), len(lines), len(bad), bad[0] if bad else None)


@lru_cache(maxsize=64)
def _midnight_ms(date: bytes) -> int:
    day = datetime.strptime(date.decode("ascii"), "%Y.%m.%d").replace(tzinfo=UTC)
    return int(day.timestamp()) * 1000


def _time_ms(text: bytes) -> int:
    hours, minutes, seconds = text.split(b":")
    whole, _, fraction = seconds.strip().partition(b".")
    milliseconds = int(fraction.ljust(3, b"0")[:3]) if fraction else 0
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1000 + milliseconds


def recorded_pace(time_msc: IntArray, longest_gap_ms: int) -> IntArray:
    """When each tick of a recording becomes visible, in ms after the first.

    A stamp that goes back, or jumps further than any weekend, is bad data: it must not stop or empty the replay.
    """
    steps = np.diff(time_msc, prepend=time_msc[:1])
    steps[(steps < 0) | (steps > longest_gap_ms)] = 0
    return np.cumsum(steps)
