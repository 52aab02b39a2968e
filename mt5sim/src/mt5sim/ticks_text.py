"""Recordings as text: `ts_ms_utc,bid,ask`, MT5's own tick export, HistData's ASCII ticks."""

import re
from dataclasses import dataclass, field

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.tape import QUOTE_FLAGS, TICK_DTYPE, FloatArray, IntArray, Ticks, quotes
from mt5sim.textcolumns import CHUNK_BYTES, DOT, BoolArray, Cells, Table, chunks, cut
from mt5sim.tickparts import BadFile, Parts

HISTDATA_LINE = re.compile(rb"\d{8} \d{9},")
EST_MS = 5 * 3_600_000
""" HistData's clock is New York's winter time all year round: no daylight saving """
LARGEST_MSC = 2**62
LARGEST_FLAGS = 2**32
LARGEST_VOLUME = 2.0**62
BID, ASK, LAST = 2, 4, 8
EXPORT_COLUMNS = {"DATE": 0, "TIME": 1, "BID": 2, "ASK": 3, "LAST": 4, "VOLUME": 5, "FLAGS": 6}
DAY_MS = 86_400_000
CLOCK_WIDTH = len("HH:MM:SS")
DATE_WIDTH = len("YYYY.MM.DD")


@dataclass(slots=True)
class Collector:
    """Adds up what the pieces of a file hold. Call `add` for each piece, then `parts`."""

    form: str
    """ how a line should look """
    header: int
    """ lines before the first that counts """
    ticks: list[Ticks] = field(default_factory=list)
    lines: int = 0
    good: int = 0
    first_bad: int | None = None
    bad_text: bytes = b""

    def add(self, piece: bytes, table: Table, sound: BoolArray, ticks: Ticks) -> None:
        """`ticks` are those of the sound lines of the table."""
        if self.first_bad is None and len(ticks) < table.lines:
            there = np.zeros(table.lines, dtype=np.bool_)
            there[table.numbers[sound]] = True
            first = int(np.argmin(there))
            self.first_bad = self.header + self.lines + first + 1
            self.bad_text = piece.split(b"\n", first + 1)[first].rstrip(b"\r")
        self.lines += table.lines
        self.good += len(ticks)
        self.ticks.append(ticks)

    def parts(self) -> Parts:
        ticks = np.concatenate([np.zeros(0, dtype=TICK_DTYPE), *self.ticks])
        complaint = f"{self.bad_text[:60].decode('utf-8', 'replace')!r} is not {self.form}" if self.first_bad else ""
        return Parts(ticks, self.lines, self.lines - self.good, self.first_bad, complaint)


def read_csv(data: bytes, clock: str) -> Parts:
    """`ts_ms_utc,bid,ask`, UTC milliseconds, with or without the header."""
    header = 0 if data[:1].isdigit() else 1
    collector = Collector("ts_ms_utc,bid,ask", header)
    for piece in chunks(_without_header(data, header)):
        table = cut(piece, b",", 3, 3)
        msc, sound = table.columns[0].wholes()
        bid, bid_sound = table.columns[1].decimals()
        ask, ask_sound = table.columns[2].decimals()
        sound = sound & bid_sound & ask_sound & (np.abs(msc) < LARGEST_MSC)
        collector.add(piece, table, sound, quotes(CLOCKS[clock](msc[sound]), bid[sound], ask[sound]))
    return collector.parts()


def read_histdata(data: bytes, clock: str) -> Parts:
    """`YYYYMMDD HHMMSSmmm,bid,ask,volume` in Eastern Standard Time; the volume is always 0 and says nothing."""
    collector = Collector("YYYYMMDD HHMMSSmmm,bid,ask,volume", 0)
    for piece in chunks(data):
        table = cut(piece, b",", 3, 4)
        stamp, bid_cells, ask_cells, volume = table.columns
        days, sound = _days(stamp, (0, 4, 6))
        time, time_sound = _time_of_day(stamp, (9, 11, 13))
        milliseconds, ms_sound = stamp.digits(15, 3)
        bid, bid_sound = bid_cells.decimals()
        ask, ask_sound = ask_cells.decimals()
        _, volume_sound = volume.decimals()
        sound = sound & time_sound & ms_sound & bid_sound & ask_sound & (volume_sound | (volume.width == 0))
        sound &= (stamp.width == len("YYYYMMDD HHMMSSmmm")) & (stamp.character(8) == b" "[0])
        utc = days * DAY_MS + time + milliseconds + EST_MS
        collector.add(piece, table, sound, quotes(CLOCKS[clock](utc[sound]), bid[sound], ask[sound]))
    return collector.parts()


def read_export(data: bytes, _clock: str, piece_bytes: int = CHUNK_BYTES) -> Parts:
    """MT5's export: tab separated, server time as it stands; an empty price means "as before", FLAGS are trusted."""
    header = data.partition(b"\n")[0].strip().decode("ascii", "replace")
    names = [name.strip("<>") for name in header.split("\t")]
    if names != list(EXPORT_COLUMNS)[: len(names)] or len(names) < len(EXPORT_COLUMNS) - 1:
        wanted = "\\t".join(f"<{name}>" for name in EXPORT_COLUMNS)
        raise BadFile(f"has the columns {header!r}; a tick export of MT5 has {wanted}")
    collector = Collector("a line of MT5's tick export", 1)
    before = (0.0, 0.0, 0.0)
    for piece in chunks(_without_header(data, 1), piece_bytes):
        table = cut(piece, b"\t", len(EXPORT_COLUMNS) - 1, len(EXPORT_COLUMNS))
        ticks, sound = _export_rows(table, before)
        if len(ticks):
            before = (float(ticks["bid"][-1]), float(ticks["ask"][-1]), float(ticks["last"][-1]))
        collector.add(piece, table, sound, ticks)
    return collector.parts()


def _export_rows(table: Table, before: tuple[float, float, float]) -> tuple[Ticks, BoolArray]:
    date, time, bid, ask, last, volume_cells, flag_cells = table.columns
    days, sound = _days(date, (0, 5, 8))
    sound &= (date.width == DATE_WIDTH) & (date.character(4) == DOT) & (date.character(7) == DOT)
    of_day, time_sound = _time_of_day(time, (0, 3, 6))
    fraction, fraction_sound = _fraction(time)
    sound &= time_sound & fraction_sound & (time.character(2) == b":"[0]) & (time.character(5) == b":"[0])
    volume, volume_sound = volume_cells.decimals()
    volume[volume_cells.width == 0] = 0.0
    with np.errstate(invalid="ignore"):
        sound &= (volume_sound | (volume_cells.width == 0)) & (volume >= 0) & (volume < LARGEST_VOLUME)
    flags, flags_sound = flag_cells.wholes()
    # old exports have no FLAGS: then say what the filled cells say
    guess = BID * (bid.width > 0) + ASK * (ask.width > 0) + LAST * (last.width > 0)
    flags = np.where(flag_cells.width > 0, flags, np.where(guess > 0, guess, QUOTE_FLAGS))
    sound &= (flags_sound | (flag_cells.width == 0)) & (flags >= 0) & (flags < LARGEST_FLAGS)
    prices: list[FloatArray] = []
    for cells in (bid, ask, last):
        price, price_sound = cells.decimals()
        sound &= price_sound | (cells.width == 0)
        prices.append(price)
    rows = np.zeros(int(np.count_nonzero(sound)), dtype=TICK_DTYPE)
    for name, cells, price, first in zip(("bid", "ask", "last"), (bid, ask, last), prices, before, strict=True):
        rows[name] = _carried(price[sound], cells.width[sound] > 0, first)
    msc = (days * DAY_MS + of_day + fraction)[sound]
    rows["time_msc"], rows["time"] = msc, msc // 1000
    rows["flags"] = flags[sound]
    rows["volume_real"] = volume[sound]
    rows["volume"] = volume[sound].astype(np.uint64)
    return rows, sound


def _carried(values: FloatArray, filled: BoolArray, before: float) -> FloatArray:
    """Every empty cell shows the last filled one above it."""
    source = np.maximum.accumulate(np.where(filled, np.arange(len(values)), -1))
    return np.where(source >= 0, values[source], before)


def _days(cells: Cells, places: tuple[int, int, int]) -> tuple[IntArray, BoolArray]:
    """Days since 1970 of a date whose year, month and day stand at these places."""
    year, sound = cells.digits(places[0], 4)
    month, month_sound = cells.digits(places[1], 2)
    day, day_sound = cells.digits(places[2], 2)
    sound = sound & month_sound & day_sound & (month >= 1) & (month <= 12) & (day >= 1)
    first = ((np.where(sound, year, 1970) - 1970) * 12 + np.where(sound, month, 1) - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64) + day - 1
    following = (first + 1).astype("datetime64[D]").astype(np.int64)
    return days, sound & (days < following)


def _time_of_day(cells: Cells, places: tuple[int, int, int]) -> tuple[IntArray, BoolArray]:
    """Milliseconds since midnight of a time whose hour, minute and second stand at these places."""
    hour, sound = cells.digits(places[0], 2)
    minute, minute_sound = cells.digits(places[1], 2)
    second, second_sound = cells.digits(places[2], 2)
    sound = sound & minute_sound & second_sound & (hour < 24) & (minute < 60) & (second < 60)
    return ((hour * 60 + minute) * 60 + second) * 1000, sound


def _fraction(time: Cells) -> tuple[IntArray, BoolArray]:
    """Milliseconds behind HH:MM:SS; `.5` is half a second, nothing is 0."""
    fraction = np.zeros(len(time.start), dtype=np.int64)
    sound = (time.width == CLOCK_WIDTH) | ((time.width > CLOCK_WIDTH + 1) & (time.character(CLOCK_WIDTH) == DOT))
    for place, worth in zip(range(CLOCK_WIDTH + 1, CLOCK_WIDTH + 4), (100, 10, 1), strict=True):
        digit, digit_sound = time.digits(place, 1)
        inside = time.width > place
        sound &= ~inside | digit_sound
        fraction += np.where(inside, digit * worth, 0)
    return fraction, sound


def _without_header(data: bytes, lines: int) -> bytes:
    return data.partition(b"\n")[2] if lines else data
