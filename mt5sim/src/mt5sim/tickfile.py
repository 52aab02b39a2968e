"""Load a recording of one symbol, whatever program wrote it: bad values are kept, what is no tick at all is counted."""

import gzip
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mt5sim import ticks_bi5, ticks_parquet, ticks_text
from mt5sim.config import ConfigError
from mt5sim.tape import Ticks
from mt5sim.tickparts import BadFile, Parts

EXPORT_HEADER = b"<DATE>"
CSV_HEADER = b"ts_ms_utc,bid,ask"
KINDS = (
    f"a CSV with the header {CSV_HEADER.decode()}, a tick export of MT5 (<DATE> <TIME> <BID> <ASK> ...), "
    "HistData ASCII ticks (20120201 000003660,1.3066,1.30677,0), Dukascopy's .bi5 or Parquet"
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WRONG_KINDS: tuple[tuple["re.Pattern[bytes]", str], ...] = (
    (
        re.compile(rb"<DATE>\t(<TIME>\t)?<OPEN>"),
        "holds bars; export the ticks in MT5 (Symbols > Ticks > Export)",
    ),
    (re.compile(rb"\d{8} \d{6};"), "holds HistData's minute bars; download the ASCII tick data instead"),
    (re.compile(rb"PK\x03\x04"), "is a zip archive; unpack it and name the file inside"),
    (re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE), "is a web page, not the file it should be; download it again"),
)
SUFFIXES = (".csv", ".txt", ".gz", ".bi5", ".parquet")
""" of the files that are taken from a folder """


@dataclass(frozen=True, slots=True)
class TickFile:
    """`lines` counts data lines (records of binary files), not the header; line numbers start at 1 with the first."""

    ticks: Ticks
    lines: int
    unparsable: int
    first_bad_line: int | None
    complaint: str = ""
    """ what is wrong with the first bad line, in words; empty when every line is a tick """


def load_ticks(path: Path, clock: str) -> TickFile:
    """The ticks in file order on the broker's clock; of a folder, its files in the order of their names.

    Raises ConfigError when something is missing, damaged, of another kind, or holds lines and not one tick.
    """
    if path.is_dir():
        return _together(path, clock)
    try:
        found = _load(path, clock)
    except BadFile as error:
        raise ConfigError(f"market.file: {path} {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"market.file: cannot read {path}: {error}; is the download complete?") from error
    if found.unparsable and found.unparsable == found.lines:
        raise ConfigError(f"market.file: not one tick in {found.complaint}; use {KINDS}")
    if found.unparsable:
        warnings.warn(
            f"{found.unparsable} of {found.lines} lines are no ticks and were left out, first {found.complaint}",
            stacklevel=2,
        )
    return found


def _load(path: Path, clock: str) -> TickFile:
    if path.suffix == ".bi5":
        return _file(path, ticks_bi5.read(path, clock))
    if path.suffix == ".parquet":
        return _file(path, ticks_parquet.read(path, clock))
    raw = path.read_bytes()
    data = (gzip.decompress(raw) if path.suffix == ".gz" else raw).removeprefix(BYTE_ORDER_MARK)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16").encode()
    return _file(path, _reader_of(data)(data, clock))


def _reader_of(data: bytes) -> Callable[[bytes, str], Parts]:
    first_line = data[:4096].partition(b"\n")[0].strip()
    for pattern, trouble in WRONG_KINDS:
        if pattern.match(first_line):
            raise BadFile(trouble)
    if first_line.startswith(EXPORT_HEADER):
        return ticks_text.read_export
    if ticks_text.HISTDATA_LINE.match(first_line):
        return ticks_text.read_histdata
    if first_line == CSV_HEADER or first_line[:1].isdigit() or not data:
        return ticks_text.read_csv
    shown = first_line[:40].decode("utf-8", "replace")
    raise BadFile(f"has neither a header nor a first line that is known ({shown!r}): use {KINDS}")


def _file(path: Path, parts: Parts) -> TickFile:
    complaint = f"{path.name}, line {parts.first_bad}: {parts.complaint}" if parts.unparsable else ""
    return TickFile(parts.ticks, parts.lines, parts.unparsable, parts.first_bad, complaint)


def _together(folder: Path, clock: str) -> TickFile:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not paths:
        raise ConfigError(f"market.file: the folder {folder} holds no {', '.join(SUFFIXES)}")
    symbols = {symbol for path in paths if (symbol := ticks_bi5.symbol_of(path))}
    if len(symbols) > 1:
        raise ConfigError(
            f"market.file: {folder} holds {', '.join(sorted(symbols))}; "
            f"name one symbol's folder, such as {folder / min(symbols)}"
        )
    files = [load_ticks(path, clock) for path in paths]
    bad = next((file for file in files if file.unparsable), None)
    return TickFile(
        np.concatenate([file.ticks for file in files]),
        sum(file.lines for file in files),
        sum(file.unparsable for file in files),
        None if bad is None else bad.first_bad_line,
        "" if bad is None else bad.complaint,
    )
