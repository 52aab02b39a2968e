"""Lay out tick batches as one block of ClickHouse's Native format: columns are copied, never walked tick by tick.

Format: clickhouse.com/docs/interfaces/formats/Native; a LowCardinality column is its version, then per block the
index type with its flags, the dictionary, and one index per row.
"""

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from contracts.ticks import TickBatch

_SHARED_DICTIONARIES = 1
_ADDITIONAL_KEYS = 1 << 9
_UPDATE_DICTIONARY = 1 << 10
_INDEX_UINT32 = 2

COLUMNS = (
    *("tenant", "account", "symbol", "epoch", "seq", "time_msc", "received_ms", "bridge_ms", "stored_ms"),
    *("bid", "ask", "last", "volume_real", "flags", "marks"),
)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _varint(len(raw)) + raw


def _words(name: str, values: list[str], counts: NDArray[np.int64]) -> Iterable[bytes]:
    """A LowCardinality(String) column: `values[i]` repeated `counts[i]` times."""
    dictionary = {value: i for i, value in enumerate(dict.fromkeys(values))}
    index = np.repeat(np.array([dictionary[value] for value in values], "<u4"), counts)
    yield _text(name) + _text("LowCardinality(String)")
    yield struct.pack(
        "<QQQ", _SHARED_DICTIONARIES, _INDEX_UINT32 | _ADDITIONAL_KEYS | _UPDATE_DICTIONARY, len(dictionary)
    )
    yield b"".join(_text(value) for value in dictionary)
    yield struct.pack("<Q", len(index))
    yield index.tobytes()


def _column(name: str, kind: str, parts: Iterable[bytes]) -> Iterable[bytes]:
    yield _text(name) + _text(kind)
    yield from parts


def tick_block(batches: list[TickBatch], stored_ms: int) -> bytes:
    """All ticks of all batches, in the order of `COLUMNS`."""
    counts = np.array([batch.count for batch in batches], np.int64)
    total = int(counts.sum())
    starts = np.cumsum(counts) - counts
    firsts = np.array([batch.first_seq for batch in batches], np.int64)
    seq = np.repeat(firsts - starts, counts) + np.arange(total, dtype=np.int64)

    def repeated(values: list[int]) -> list[bytes]:
        return [np.repeat(np.array(values, "<i8"), counts).tobytes()]

    def optional(name: str) -> Iterable[bytes]:
        return (getattr(batch, name) or bytes(8 * batch.count) for batch in batches)

    out: list[bytes] = [_varint(len(COLUMNS)) + _varint(total)]
    out += _words("tenant", [batch.tenant for batch in batches], counts)
    out += _words("account", [batch.account for batch in batches], counts)
    out += _words("symbol", [batch.symbol for batch in batches], counts)
    out += _column("epoch", "UInt64", repeated([batch.epoch for batch in batches]))
    out += _column("seq", "UInt64", [seq.astype("<i8").tobytes()])
    out += _column("time_msc", "Int64", (batch.time_msc for batch in batches))
    out += _column("received_ms", "Int64", (batch.received_ms for batch in batches))
    out += _column("bridge_ms", "Int64", repeated([batch.bridge_ms for batch in batches]))
    out += _column("stored_ms", "Int64", [np.full(total, stored_ms, "<i8").tobytes()])
    out += _column("bid", "Float64", (batch.bid for batch in batches))
    out += _column("ask", "Float64", (batch.ask for batch in batches))
    out += _column("last", "Float64", optional("last"))
    out += _column("volume_real", "Float64", optional("volume_real"))
    out += _column("flags", "UInt32", (batch.flags for batch in batches))
    out += _column("marks", "UInt8", (batch.marks for batch in batches))
    return b"".join(out)
