"""Ticks on the wire: a batch is columns of little-endian arrays, so that a thousand ticks cost one decode."""

import array
import sys
from collections.abc import Iterable
from enum import IntFlag

import msgspec

MAX_TICKS_PER_BATCH = 20_000
"""A batch above this is refused by the bridge: 20,000 ticks are about 740 kB, one bus message holds 8 MB."""


class Mark(IntFlag):
    """What the connector noticed about a tick it kept. Refused ticks never get a mark: they do not travel."""

    NONE = 0
    CROSSED = 1  # bid > ask; kept, because the broker did send it
    LOCKED = 2  # bid == ask
    LATE = 4  # older than the newest tick already read; order of arrival is kept
    BACKFILLED = 8  # read from history after a disconnect, not when it happened


class TickBatch(msgspec.Struct, frozen=True, array_like=True, tag="ticks"):
    """`count` ticks of one symbol, numbered `first_seq`, `first_seq + 1`, … without a hole.

    `epoch` names one life of the terminal's spool (its creation, ms since 1970): numbering starts again at 1 in a new
    epoch. The key of a tick for ever is (tenant, account, symbol, epoch, seq).

    Columns are little-endian and have `count` entries: `time_msc`, `received_ms` int64 (UTC ms), `bid`, `ask`
    float64 as the terminal gave them, `flags` uint32 (MT5's TICK_FLAG bits), `marks` uint8 (`Mark` bits). `last` and
    `volume_real` (float64) are empty when every value is zero, as it is for FX.
    """

    tenant: str
    account: str
    symbol: str
    epoch: int
    first_seq: int
    count: int
    time_msc: bytes
    received_ms: bytes
    bid: bytes
    ask: bytes
    flags: bytes
    marks: bytes
    last: bytes = b""
    volume_real: bytes = b""
    bridge_ms: int = 0
    """When the bridge received it, UTC ms; 0 until then."""

    @property
    def last_seq(self) -> int:
        """Number of the newest tick in the batch."""
        return self.first_seq + self.count - 1


class Tick(msgspec.Struct, frozen=True):
    """One quote, for those who read one at a time. `time_msc` is the broker's stamp in UTC ms."""

    symbol: str
    seq: int
    time_msc: int
    received_ms: int
    bid: float
    ask: float
    marks: int = 0


_WIDTHS = (("time_msc", 8), ("received_ms", 8), ("bid", 8), ("ask", 8), ("flags", 4), ("marks", 1))


def column_fault(batch: TickBatch) -> str | None:
    """Say in words why the columns do not hold `count` ticks; None when they do. Call before trusting a batch."""
    if not 0 < batch.count <= MAX_TICKS_PER_BATCH:
        return f"count {batch.count} is outside 1..{MAX_TICKS_PER_BATCH}"
    if batch.first_seq < 1 or batch.epoch < 1:
        return "first_seq and epoch start at 1"
    for name, width in _WIDTHS:
        size = len(getattr(batch, name))
        if size != batch.count * width:
            return f"column {name} has {size} bytes, {batch.count} ticks need {batch.count * width}"
    for name in ("last", "volume_real"):
        size = len(getattr(batch, name))
        if size not in (0, batch.count * 8):
            return f"column {name} has {size} bytes, {batch.count} ticks need {batch.count * 8} or none"
    return None


def pack(typecode: str, values: Iterable[float]) -> bytes:
    """Values as a little-endian column. Type codes of `array`: q int64, d float64, I uint32, B uint8."""
    column = array.array(typecode, values)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def unpack(typecode: str, column: bytes) -> "array.array[float]":
    """A little-endian column as an array; the reverse of `pack`."""
    values: array.array[float] = array.array(typecode)
    values.frombytes(column)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def rows(batch: TickBatch) -> list[Tick]:
    """The batch as single ticks, oldest first."""
    return [
        Tick(batch.symbol, batch.first_seq + i, int(t), int(r), b, a, int(m))
        for i, (t, r, b, a, m) in enumerate(
            zip(
                unpack("q", batch.time_msc),
                unpack("q", batch.received_ms),
                unpack("d", batch.bid),
                unpack("d", batch.ask),
                unpack("B", batch.marks),
                strict=True,
            )
        )
    ]


def since(batch: TickBatch, seq: int) -> TickBatch | None:
    """The part of the batch numbered above `seq`; None when nothing is left. Used to trim what is already known."""
    skip = seq - batch.first_seq + 1
    if skip <= 0:
        return batch
    if skip >= batch.count:
        return None
    return msgspec.structs.replace(
        batch,
        first_seq=batch.first_seq + skip,
        count=batch.count - skip,
        last=batch.last[skip * 8 :],
        volume_real=batch.volume_real[skip * 8 :],
        **{name: getattr(batch, name)[skip * width :] for name, width in _WIDTHS},
    )


def first(batch: TickBatch, count: int) -> TickBatch:
    """The oldest `count` ticks of the batch, at least one; all of them when it has no more."""
    if count >= batch.count:
        return batch
    return msgspec.structs.replace(
        batch,
        count=count,
        last=batch.last[: count * 8],
        volume_real=batch.volume_real[: count * 8],
        **{name: getattr(batch, name)[: count * width] for name, width in _WIDTHS},
    )


def join(batches: list[TickBatch]) -> TickBatch:
    """One batch out of neighbours of the same stream. The caller has made sure that numbers follow each other."""
    if len(batches) == 1:
        return batches[0]
    optional = {}
    for name in ("last", "volume_real"):
        columns = [getattr(b, name) for b in batches]
        # one non-zero column makes all explicit: an absent one stands for zeros
        optional[name] = (
            b"".join(c or bytes(8 * b.count) for c, b in zip(columns, batches, strict=True)) if any(columns) else b""
        )
    return msgspec.structs.replace(
        batches[0],
        count=sum(b.count for b in batches),
        **{name: b"".join([getattr(b, name) for b in batches]) for name, _ in _WIDTHS},
        **optional,
    )
