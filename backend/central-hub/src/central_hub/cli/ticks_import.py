"""`aitrading ticks import`: a file of ticks into the store, in batches, any number of times with the same result."""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.tick_files import blocks, epoch_of
from central_hub.cli.asking import on_bus
from central_hub.domain.tickfile import FormatFault, Reader, Rows
from central_hub.ports import HubError
from contracts import rpc
from contracts.subjects import ACCOUNT, SYMBOL, TENANT
from contracts.ticks import MAX_TICKS_PER_BATCH, Mark, TickBatch, since
from kit.bus import Bus
from kit.errors import AnswerFault, BusUnavailable

APPEND_TIMEOUT_S = 30.0
TRIES = 5


@dataclass(slots=True)
class Result:
    """What became of the file's rows."""

    file: str
    tenant: str
    account: str
    symbol: str
    epoch: int = 0
    rows: int = 0
    accepted: int = 0
    added: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    crossed: int = 0
    locked: int = 0
    late: int = 0
    seconds: float = 0.0


def run(options: argparse.Namespace) -> int:
    """Import and print what came of it."""
    for name, value, rule in (
        ("tenant", options.tenant, TENANT),
        ("account", options.account, ACCOUNT),
        ("symbol", options.symbol, SYMBOL),
    ):
        if not rule.match(value):
            raise HubError(f"{value!r} is not a {name}.")
    result = Result(str(options.file), options.tenant, options.account, options.symbol)
    result.epoch = epoch_of(options.file, options.clock or "")
    began = time.monotonic()
    on_bus(DataDir(options.data), lambda bus: send(bus, batches(options.file, options.clock, result), result))
    result.seconds = round(time.monotonic() - began, 3)
    _print(result, options.json)
    return 0


def batches(path: Path, clock: str | None, result: Result) -> Iterator[TickBatch]:
    """The file as numbered batches; counts into `result` as it goes."""
    parts = blocks(path)
    try:
        reader = Reader.for_header(next(parts, b"").decode("utf-8", "replace"), clock)
    except FormatFault as fault:
        raise HubError(f"{path} is not a tick file: {fault}") from None
    result.refused = reader.refused
    now_ms, seq = time.time_ns() // 1_000_000, 1
    for block in parts:
        rows = reader.read(block)
        marks = reader.marks(rows)
        count = len(marks)
        result.accepted += count
        result.crossed += int((marks & Mark.CROSSED != 0).sum())
        result.locked += int((marks & Mark.LOCKED != 0).sum())
        result.late += int((marks & Mark.LATE != 0).sum())
        for start in range(0, count, MAX_TICKS_PER_BATCH):
            batch = _batch(result, rows, marks, slice(start, min(start + MAX_TICKS_PER_BATCH, count)), seq, now_ms)
            seq += batch.count
            yield batch
    result.rows = result.accepted + sum(reader.refused.values())


def _batch(
    result: Result, rows: Rows, marks: "np.typing.NDArray[np.uint8]", part: slice, seq: int, now_ms: int
) -> TickBatch:
    count = part.stop - part.start

    def unless_zero(column: "np.typing.NDArray[np.float64]") -> bytes:
        return column[part].astype("<f8").tobytes() if column[part].any() else b""

    return TickBatch(
        result.tenant,
        result.account,
        result.symbol,
        result.epoch,
        seq,
        count,
        rows.time_ms[part].astype("<i8").tobytes(),
        np.full(count, now_ms, "<i8").tobytes(),
        rows.bid[part].astype("<f8").tobytes(),
        rows.ask[part].astype("<f8").tobytes(),
        rows.flags[part].astype("<u4").tobytes(),
        marks[part].tobytes(),
        unless_zero(rows.last),
        unless_zero(rows.volume),
    )


async def send(bus: Bus, ticks: Iterator[TickBatch], result: Result) -> None:
    """Append batch after batch; what the store has already is not sent again."""
    question = rpc.StoredQuestion(result.tenant, result.account, result.epoch)
    stored = _position(await bus.ask(rpc.STORED, question), result)
    for whole in ticks:
        batch = since(whole, stored)
        if batch is None:
            continue
        stored = _position(await _append(bus, batch), result)
        if stored < batch.last_seq:
            raise HubError(
                f"The store holds {result.symbol} up to number {stored} and did not take {batch.first_seq} to "
                f"{batch.last_seq}: run the import again, it continues there."
            )
        result.added += batch.count


async def _append(bus: Bus, batch: TickBatch) -> rpc.Stored:
    # appending is idempotent by number, so an answer that was lost may be asked for again
    for attempt in range(1, TRIES + 1):
        try:
            return await bus.ask(rpc.TICKS_APPEND, batch, APPEND_TIMEOUT_S)
        except BusUnavailable:
            if attempt == TRIES:
                raise
        except AnswerFault as fault:
            if fault.code != "unavailable" or attempt == TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _position(stored: rpc.Stored, result: Result) -> int:
    mine = (p.seq for p in stored.streams if (p.symbol, p.epoch) == (result.symbol, result.epoch))
    return max(mine, default=0)


def _print(result: Result, as_json: bool) -> None:
    if as_json:
        names = Result.__slots__
        print(json.dumps({name: getattr(result, name) for name in names}))
        return
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(result.refused.items())) or "none"
    print(
        f"{result.rows:,} rows: {result.added:,} ticks added, {result.accepted - result.added:,} were stored before, "
        f"refused: {refused}; marked: {result.crossed:,} crossed, {result.locked:,} locked, {result.late:,} late "
        f"({result.seconds:.1f} s)."
    )
