"""The tick store on ClickHouse."""

import hashlib
import uuid
from typing import Any

import numpy as np

from contracts.bars import Bar
from contracts.rpc import BarsQuestion, StatsQuestion, TicksQuestion, TickStats
from contracts.ticks import TickBatch
from database_service.adapters import tick_sql
from database_service.adapters.clickhouse import Handle
from database_service.adapters.clickhouse_bars import ClickHouseBars
from database_service.adapters.native import COLUMNS, tick_block
from database_service.domain.bars import CHUNK
from database_service.domain.catalog import NewestTick
from database_service.domain.streams import StreamKey
from database_service.ports import StreamState
from kit import log

_log = log.get("tick_store")
_MODULO = 2**64


def _is_whole(count: int, total: int, highest: int) -> bool:
    return count == highest and total == highest * (highest + 1) // 2 % _MODULO


def _names(key: StreamKey) -> dict[str, Any]:
    return {"tenant": key.tenant, "account": key.account, "symbol": key.symbol, "epoch": key.epoch}


class ClickHouseTicks:
    """Ticks in `market.ticks`: one handle writes, one reads."""

    def __init__(self, writer: Handle, reader: Handle) -> None:
        self._writer = writer
        self._reader = reader
        self._bars = ClickHouseBars(reader)
        self._life = uuid.uuid4().hex

    async def load(self) -> list[StreamState]:
        """Every stream; what lies beyond a hole is moved to `market.ticks_aside` first."""
        self._life = uuid.uuid4().hex  # what was moved aside comes again, and must not pass for a repeated insert
        states = []
        for *names, count, total, highest, oldest_ms, newest_ms, newest in await self._writer.rows(tick_sql.LOAD):
            key = StreamKey(*names)
            whole = _is_whole(count, total, highest)
            seq = highest if whole else await self._mend(key)
            self._bars.found(key, seq, oldest_ms, newest_ms)
            # a stream of late ticks only has no newest: ClickHouse answers zeros then
            states.append(StreamState(key, seq, NewestTick(*newest) if newest[0] else None))
        await self._bars.load()
        return states

    async def _mend(self, key: StreamKey) -> int:
        names = _names(key)
        await self._writer.command("OPTIMIZE TABLE market.ticks FINAL")  # a number written twice becomes one row
        found = await self._writer.rows(tick_sql.CONTIGUOUS, names)
        seq = int(found[0][0]) if found else 0
        _log.error("stream_not_whole", **names, kept_up_to=seq, moved_to="market.ticks_aside")
        await self._writer.command(tick_sql.ASIDE, names | {"seq": seq})
        await self._writer.command(tick_sql.REMOVE, names | {"seq": seq})
        await self._writer.command(tick_sql.UNROLL, names | {"chunk": seq // CHUNK})
        return seq

    async def watermark(self, key: StreamKey) -> int:
        """Highest contiguous number, asked of the store."""
        names = _names(key)
        count, total, highest = (await self._writer.rows(tick_sql.WHOLE, names))[0]
        if _is_whole(count, total, highest):
            return int(highest)
        found = await self._writer.rows(tick_sql.CONTIGUOUS, names)
        return int(found[0][0]) if found else 0

    async def insert(self, parts: list[TickBatch], stored_ms: int) -> None:
        """One insert, one part, on disk when it returns. Tried again with the same parts it is done once: the first
        try may have arrived although its answer did not."""
        names = [(p.tenant, p.account, p.symbol, p.epoch, p.first_seq, p.count) for p in parts]
        token = hashlib.sha256(f"{self._life} {names!r}".encode()).hexdigest()

        def write(client: Any) -> None:
            client.raw_insert(
                "market.ticks",
                COLUMNS,
                tick_block(parts, stored_ms),
                # one thread: more of them cost a tenth more processor time and save nothing of the clock
                settings={"insert_deduplication_token": token, "max_threads": 1, "max_insert_threads": 1},
                fmt="Native",
            )

        await self._writer.call(write)
        for part in parts:
            self._bars.written(part)

    async def ticks(self, question: TicksQuestion) -> TickBatch:
        """The first run of neighbouring numbers of one epoch: a batch has no holes."""
        names: dict[str, Any] = {
            "tenant": question.tenant,
            "account": question.account,
            "symbol": question.symbol,
            "limit": question.limit,
        }
        if question.from_ms == 0 and question.to_ms == 0:
            found = await self._reader.rows(
                f"SELECT max((epoch, seq)) FROM market.ticks WHERE {tick_sql.STREAM}",  # noqa: S608 bound parameters
                names,
            )
            epoch, newest = found[0][0]
            names |= {"epoch": epoch, "above": max(0, newest - question.limit)}
            packed = await self._reader.packed(tick_sql.NEWEST_TICKS, names)
        else:
            names |= {"from_ms": question.from_ms, "to_ms": question.to_ms}
            packed = await self._reader.packed(tick_sql.TICKS_IN_TIME, names)
        rows = np.frombuffer(packed, tick_sql.TICK)
        breaks = np.flatnonzero((np.diff(rows["seq"]) != 1) | (np.diff(rows["epoch"]) != 0))
        return _batch(question, rows[: breaks[0] + 1] if len(breaks) else rows)

    async def bars(self, question: BarsQuestion) -> tuple[Bar, ...]:
        """Bars, oldest first."""
        return await self._bars.bars(question)

    async def tend(self) -> bool:
        """Make minutes of what was written; True when more waits."""
        return await self._bars.roll()

    async def stats(self, question: StatsQuestion) -> tuple[TickStats, ...]:
        """Counted in the store."""
        names = {"tenant": question.tenant, "account": question.account}
        return tuple(
            TickStats(account, symbol, epoch, rows, last - distinct, rows - distinct, last, *rest)
            for account, symbol, epoch, rows, distinct, last, *rest in await self._reader.rows(tick_sql.STATS, names)
        )

    async def probe(self) -> str:
        """One round trip of the handle that writes; the other may be busy with a long question."""
        version = (await self._writer.rows("SELECT version()"))[0][0]
        return f"ClickHouse {version}"

    async def close(self) -> None:
        """Let go of both handles."""
        await self._reader.close()
        await self._writer.close()


def _batch(question: TicksQuestion, rows: "np.ndarray[Any, Any]") -> TickBatch:
    def column(name: str) -> bytes:
        return np.ascontiguousarray(rows[name]).tobytes()

    def optional(name: str) -> bytes:
        return column(name) if rows[name].any() else b""

    return TickBatch(
        question.tenant,
        question.account,
        question.symbol,
        int(rows["epoch"][0]) if len(rows) else 0,
        int(rows["seq"][0]) if len(rows) else 0,
        len(rows),
        column("time_msc"),
        column("received_ms"),
        column("bid"),
        column("ask"),
        column("flags"),
        column("marks"),
        optional("last"),
        optional("volume_real"),
        int(rows["bridge_ms"][-1]) if len(rows) else 0,
    )
