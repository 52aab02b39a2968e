"""Dukascopy's .bi5: an hour of one symbol in big-endian records, compressed with LZMA; the hour is in the path."""

import lzma
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.tape import quotes
from mt5sim.tickparts import BadFile, Parts

RECORD = np.dtype([("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("bid_volume", ">f4")])
""" milliseconds in the hour, prices as whole numbers, volumes in millions (MT5's quotes have none: not kept) """
PLACE = re.compile(r"(?P<symbol>[^/]+)/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/(?P<hour>\d\d)h_ticks\.bi5$")
HOUR_MS = 3_600_000
LARGEST_HOUR = 64 * 1024 * 1024
""" bytes of one hour when unpacked: some 3 million ticks """


def symbol_of(path: Path) -> str | None:
    """The symbol that Dukascopy's folders name; None for another path."""
    found = PLACE.search(path.absolute().as_posix())
    return found["symbol"] if found else None


def scale_of(symbol: str) -> float:
    """What whole prices are divided by: three digits for yen and gold, five for the other pairs."""
    name = symbol.upper()
    return 1e3 if "JPY" in name or name.startswith("XAU") else 1e5


def read(path: Path, clock: str) -> Parts:
    """One hour. An empty file is an hour without ticks: that is how Dukascopy writes it."""
    found = PLACE.search(path.absolute().as_posix())
    if found is None:
        raise BadFile(
            "tells its hour by its folders: keep Dukascopy's path SYMBOL/YYYY/MM/DD/HHh_ticks.bi5 (MM from 00 to 11)"
        )
    try:
        # their months count from 0: 11 is December
        hour = datetime(int(found["year"]), int(found["month"]) + 1, int(found["day"]), int(found["hour"]), tzinfo=UTC)
    except ValueError as error:
        raise BadFile(f"names no hour that exists ({error}); months run from 00 to 11, hours from 00 to 23") from error
    records = np.frombuffer(_unpacked(path.read_bytes()), dtype=RECORD)
    inside = records["ms"] < HOUR_MS
    good = records[inside]
    utc = int(hour.timestamp()) * 1000 + good["ms"].astype(np.int64)
    scale = scale_of(found["symbol"])
    ticks = quotes(CLOCKS[clock](utc), good["bid"] / scale, good["ask"] / scale)
    bad = len(records) - len(good)
    first = int(np.argmin(inside)) + 1 if bad else None
    complaint = "a record lies outside its hour" if bad else ""
    return Parts(ticks, len(records), bad, first, complaint)


def _unpacked(raw: bytes) -> bytes:
    if not raw:
        return b""
    unpacker = lzma.LZMADecompressor()
    try:
        data = unpacker.decompress(raw, LARGEST_HOUR)
    except lzma.LZMAError as error:
        raise BadFile(f"cannot be unpacked ({error}); download it again") from error
    if len(data) == LARGEST_HOUR:
        raise BadFile(f"unpacks to more than {LARGEST_HOUR} bytes, which is no hour of ticks; download it again")
    if len(data) % RECORD.itemsize or not unpacker.eof:
        raise BadFile(f"ends in the middle of a record ({len(data)} bytes); download it again")
    return data
