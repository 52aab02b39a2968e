"""Bars on ClickHouse: minutes of complete chunks, kept in a table, and the newest ticks themselves."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contracts.bars import SECONDS, Bar
from contracts.rpc import BarsQuestion
from contracts.ticks import TickBatch
from database_service.adapters import tick_sql
from database_service.adapters.clickhouse import Handle
from database_service.domain.bars import CHUNK, end_of, spans
from database_service.domain.streams import StreamKey

ROLL_CHUNKS = 8
"""Chunks rolled at once: half a million ticks, about 40 ms, so that a question waits no longer than that."""


@dataclass(slots=True)
class _Symbol:
    """What is stored of one symbol of an account."""

    oldest_ms: int
    newest_ms: int
    seq: dict[int, int] = field(default_factory=dict)
    """ epoch -> watermark """
    rolled: dict[int, int] = field(default_factory=dict)
    """ epoch -> complete chunks whose minutes are stored """


class ClickHouseBars:
    """Tell it of every stream found and every part written; call `roll` now and then."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._symbols: dict[tuple[str, str, str], _Symbol] = {}

    async def load(self) -> None:
        """Learn which minutes are stored; call after `found` for every stream."""
        for tenant, account, symbol, epoch, chunks in await self._handle.rows(tick_sql.ROLLED):
            known = self._symbols.get((tenant, account, symbol))
            if known is not None and epoch in known.seq:
                known.rolled[epoch] = min(chunks, known.seq[epoch] // CHUNK)

    def found(self, key: StreamKey, seq: int, oldest_ms: int, newest_ms: int) -> None:
        """The store holds 1..`seq` of a stream, with stamps in this range."""
        symbol = self._symbols.setdefault(key[:3], _Symbol(oldest_ms, newest_ms))
        symbol.oldest_ms = min(symbol.oldest_ms, oldest_ms)
        symbol.newest_ms = max(symbol.newest_ms, newest_ms)
        symbol.seq[key.epoch] = seq

    def written(self, part: TickBatch) -> None:
        """A part is durable."""
        stamps = np.frombuffer(part.time_msc, "<i8")
        key = StreamKey(part.tenant, part.account, part.symbol, part.epoch)
        self.found(key, part.last_seq, int(stamps.min()), int(stamps.max()))

    async def roll(self) -> bool:
        """Make the minutes of a few complete chunks; True when more wait."""
        for names, symbol in self._symbols.items():
            for epoch, seq in symbol.seq.items():
                done, complete = symbol.rolled.get(epoch, 0), seq // CHUNK
                if done < complete:
                    upto = min(complete, done + ROLL_CHUNKS)
                    await self._handle.command(
                        tick_sql.ROLL,
                        _names(names) | {"epoch": epoch, "chunk": CHUNK, "above": done * CHUNK, "upto": upto * CHUNK},
                    )
                    symbol.rolled[epoch] = upto
                    return True
        return False

    async def bars(self, question: BarsQuestion) -> tuple[Bar, ...]:
        """The newest `limit` bars opening before `to_ms`, oldest first."""
        names = (question.tenant, question.account, question.symbol)
        symbol = self._symbols.get(names)
        if symbol is None:
            return ()
        step = SECONDS[question.timeframe] * 1_000
        end = end_of(step, question.to_ms, symbol.newest_ms)
        above = {epoch: symbol.rolled.get(epoch, 0) for epoch in symbol.seq}
        sql = tick_sql.bars(above, CHUNK)
        rows = np.empty(0, tick_sql.BAR)
        for start in spans(step, question.limit, end, symbol.oldest_ms):
            values = {"step": step, "from_ms": start, "to_ms": end, "limit": question.limit}
            packed = await self._handle.packed(sql, _names(names) | values)
            rows = np.frombuffer(packed, tick_sql.BAR)
            if len(rows) >= question.limit:
                break
        return tuple(Bar(*row) for row in reversed(rows.tolist()))


def _names(names: tuple[str, str, str]) -> dict[str, Any]:
    return dict(zip(("tenant", "account", "symbol"), names, strict=True))
