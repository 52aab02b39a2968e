"""Parquet files with a time column, bid and ask; pyarrow is needed for them and for nothing else."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.tape import quotes
from mt5sim.tickparts import BadFile, Parts

TIMES = ("ts_ms_utc", "time_msc", "timestamp", "time", "ts")
""" names of the time column, in the order they are looked for: UTC milliseconds, or an Arrow timestamp """


def read(path: Path, clock: str) -> Parts:
    """Columns `ts_ms_utc` (or an Arrow timestamp), `bid`, `ask`; rows with an empty cell are counted as no ticks."""
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        arrow: Any = importlib.import_module("pyarrow")
    except ImportError as error:
        raise BadFile("is Parquet, which needs pyarrow: pip install mt5sim[parquet]") from error
    try:
        table = parquet.ParquetFile(path).read()
    except (arrow.ArrowException, OSError) as error:
        raise BadFile(f"cannot be read as Parquet ({str(error).splitlines()[0]})") from error
    names = table.column_names
    time = next((name for name in TIMES if name in names), None)
    if time is None or not {"bid", "ask"} <= set(names):
        raise BadFile(f"has the columns {', '.join(names)}; it needs ts_ms_utc (UTC milliseconds), bid and ask")
    kind = table.schema.field(time).type
    if not (arrow.types.is_timestamp(kind) or arrow.types.is_integer(kind)):
        raise BadFile(f"has a {time} of the type {kind}; write UTC milliseconds or a timestamp")
    try:
        stamps = table.column(time)
        if arrow.types.is_timestamp(kind):
            stamps = stamps.cast(arrow.timestamp("ms", kind.tz), safe=False).cast(arrow.int64())
        bid, ask = (table.column(name).cast(arrow.float64()) for name in ("bid", "ask"))
    except arrow.ArrowException as error:
        raise BadFile(f"has a column that is no number ({str(error).splitlines()[0]})") from error
    sound = np.ones(len(table), dtype=np.bool_)
    for column in (stamps, bid, ask):
        sound &= column.is_valid().to_numpy()
    msc = stamps.fill_null(0).to_numpy().astype(np.int64)[sound]
    ticks = quotes(CLOCKS[clock](msc), bid.fill_null(0.0).to_numpy()[sound], ask.fill_null(0.0).to_numpy()[sound])
    bad = len(table) - len(ticks)
    return Parts(ticks, len(table), bad, int(np.argmin(sound)) + 1 if bad else None, "an empty cell" if bad else "")
