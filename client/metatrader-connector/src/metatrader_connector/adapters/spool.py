"""The spool: every tick waits here, on disk, until the server's store has it."""

import sqlite3
from pathlib import Path

import msgspec

from contracts.accounts import TickGap
from contracts.codec import decode, encode
from contracts.ticks import MAX_TICKS_PER_BATCH, TickBatch, first, join, since
from metatrader_connector.adapters.sqlite import Database
from metatrader_connector.domain.cursor import Cursor

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (symbol TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS batches_place ON batches (symbol, last_seq);
CREATE TABLE IF NOT EXISTS refused (reason TEXT PRIMARY KEY, ticks INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, reason TEXT NOT NULL, from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL, ticks INTEGER NOT NULL, recorded_ms INTEGER NOT NULL
);
"""
FREED = "SELECT coalesce(sum(bytes), 0) FROM batches WHERE symbol = ? AND last_seq <= ?"
READ_BATCHES = 512
"""At most so many small batches are joined into one frame."""
DOWN_TO = 0.95
"""A full spool drops its oldest down to this share, so that it does not drop at every append."""
DROP_AT_ONCE = 256
MOST_GAPS = 1_000
"""So many gaps are kept; each grows while the same symbol goes on losing for the same reason."""
ONE_GAP_MS = 60_000
"""Losses of a symbol that follow each other within this time are one gap."""
ROW_OVERHEAD = 64


class EpochChanged(OSError):
    """The batches carry numbers of an epoch that has ended."""


class SqliteSpool:
    """Implements ports.Spool. The account of ticks lives and dies with this file: `epoch` is when it was made."""

    def __init__(self, path: Path, now_ms: int, max_bytes: int, max_age_ms: int = 0) -> None:
        """`max_age_ms`: how long a tick may wait for the server; 0: for ever."""
        self._database = Database(path, SCHEMA)
        self.max_bytes, self.max_age_ms = max_bytes, max_age_ms
        self.epoch: int = self._database.now(lambda db: _meta(db, "epoch", now_ms))
        self.bytes: int = self._database.now(lambda db: _bytes(db))
        self.refused: dict[str, int] = self._database.now(lambda db: dict(db.execute("SELECT * FROM refused")))
        self.gaps: tuple[TickGap, ...] = self._database.now(_gaps)

    async def cursors(self) -> dict[str, Cursor]:
        """Where reading stands, per symbol, as of the last append."""
        rows = await self._database.run(lambda db: db.execute("SELECT body FROM cursors").fetchall())
        found = [msgspec.msgpack.decode(row[0], type=Cursor) for row in rows]
        return {cursor.symbol: cursor for cursor in found}

    async def spooled(self) -> dict[str, int]:
        """Newest number per symbol, whether it still waits here or not."""
        return {symbol: cursor.next_seq - 1 for symbol, cursor in (await self.cursors()).items()}

    async def oldest(self) -> dict[str, int]:
        """Lowest number per symbol that can still be sent; the next to come where nothing waits."""
        waiting = await self._database.run(
            lambda db: dict(db.execute("SELECT symbol, min(first_seq) FROM batches GROUP BY symbol").fetchall())
        )
        return {symbol: waiting.get(symbol, newest + 1) for symbol, newest in (await self.spooled()).items()}

    async def append(
        self,
        batches: tuple[TickBatch, ...],
        cursors: tuple[Cursor, ...],
        refused: dict[str, int] | None = None,
        epoch: int = 0,
    ) -> tuple[tuple[TickBatch, bytes], ...]:
        """Keep batches, cursors and counts in one transaction; on disk when this returns, with each batch's bytes.

        What does not fit any more pushes the oldest out, in the same transaction as the record of that gap.
        """

        def write(db: sqlite3.Connection) -> tuple[tuple[TickBatch, bytes], ...]:
            now = _meta(db, "epoch", 0)
            if (epoch or now) != now or any(batch.epoch != now for batch in batches):
                raise EpochChanged("a new epoch began meanwhile; these rows will be read again")
            frames = tuple((batch, encode(batch)) for batch in batches)
            before = self.bytes + sum(len(frame) + ROW_OVERHEAD for _, frame in frames)
            freed = 0
            if before > self.max_bytes and batches:  # the newest stay, however little room there is
                reads = _unpack(batches[-1].received_ms)
                freed = _drop(db, before - int(self.max_bytes * DOWN_TO), 0, "spool_full", reads)
            db.executemany(
                "INSERT INTO batches (symbol, first_seq, last_seq, bytes, body) VALUES (?, ?, ?, ?, ?)",
                [(b.symbol, b.first_seq, b.last_seq, len(frame) + ROW_OVERHEAD, frame) for b, frame in frames],
            )
            db.executemany(
                "INSERT OR REPLACE INTO cursors VALUES (?, ?)", [(c.symbol, msgspec.msgpack.encode(c)) for c in cursors]
            )
            for reason, count in (refused or {}).items():
                db.execute(
                    "INSERT INTO refused VALUES (?, ?) "
                    "ON CONFLICT (reason) DO UPDATE SET ticks = ticks + excluded.ticks",
                    (reason, count),
                )
            self.bytes = before - freed  # here, on the file's own thread: changes come one after the other
            if freed:
                self.gaps = _gaps(db)
            return frames

        frames = await self._database.run(write)
        for reason, count in (refused or {}).items():
            self.refused[reason] = self.refused.get(reason, 0) + count
        return frames

    async def read(self, symbol: str, from_seq: int, most: int) -> TickBatch | None:
        """At most `most` ticks of the symbol from `from_seq` on, joined into one batch."""

        def select(db: sqlite3.Connection) -> list[bytes]:
            rows: list[bytes] = []
            total = 0
            for begins, last, body in db.execute(
                "SELECT first_seq, last_seq, body FROM batches WHERE symbol = ? AND last_seq >= ? "
                "ORDER BY last_seq LIMIT ?",
                (symbol, from_seq, READ_BATCHES),
            ):
                size = last - max(begins, from_seq) + 1
                if rows and total + size > min(most, MAX_TICKS_PER_BATCH):
                    break
                rows.append(body)
                total += size
            return rows

        bodies = await self._database.run(select)
        if not bodies:
            return None
        batches = [decode(body, TickBatch) for body in bodies]
        found = since(join(batches), from_seq - 1)
        return None if found is None else first(found, most)

    async def trim(self, stored: dict[str, int]) -> None:
        """Forget what the store has. A batch goes when its last tick is stored."""

        def delete(db: sqlite3.Connection) -> None:
            freed = 0
            for up_to in stored.items():
                (size,) = db.execute(FREED, up_to).fetchone()
                if size:
                    db.execute("DELETE FROM batches WHERE symbol = ? AND last_seq <= ?", up_to)
                    freed += size
            self.bytes -= freed

        await self._database.run(delete)

    async def age(self, now_ms: int) -> None:
        """Drop what has waited for too long, with a record of the gap."""
        if not self.max_age_ms:
            return

        def drop(db: sqlite3.Connection) -> None:
            self.bytes -= _drop(db, 0, now_ms - self.max_age_ms, "too_old", now_ms)
            self.gaps = _gaps(db)

        await self._database.run(drop)

    async def lost(self, gap: TickGap) -> None:
        """Record ticks that never came here."""

        def write(db: sqlite3.Connection) -> None:
            _record(db, gap)
            self.gaps = _gaps(db)

        await self._database.run(write)

    async def begin_epoch(self, epoch: int) -> None:
        """Number everything that waits here anew, from 1, in a new epoch: the server knows more than this file does."""

        def renumber(db: sqlite3.Connection) -> None:
            db.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (epoch,))
            for (body,) in db.execute("SELECT body FROM cursors").fetchall():
                cursor = msgspec.msgpack.decode(body, type=Cursor)
                next_seq = 1
                query = "SELECT id, body FROM batches WHERE symbol = ? ORDER BY last_seq"
                for row, frame in db.execute(query, (cursor.symbol,)).fetchall():
                    batch = msgspec.structs.replace(decode(frame, TickBatch), epoch=epoch, first_seq=next_seq)
                    db.execute(
                        "UPDATE batches SET first_seq = ?, last_seq = ?, body = ? WHERE id = ?",
                        (batch.first_seq, batch.last_seq, encode(batch), row),
                    )
                    next_seq = batch.last_seq + 1
                moved = msgspec.structs.replace(cursor, next_seq=next_seq)
                db.execute(
                    "UPDATE cursors SET body = ? WHERE symbol = ?", (msgspec.msgpack.encode(moved), cursor.symbol)
                )

        await self._database.run(renumber)
        self.epoch = epoch

    async def probe(self) -> str:
        """For the health page: a real commit."""
        await self._database.run(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', 0)"))
        lost = sum(gap.ticks for gap in self.gaps)
        gaps = (
            f"; {lost} ticks were lost in {len(self.gaps)} gap(s), the newest: {self.gaps[-1].reason}" if lost else ""
        )
        return f"{self.bytes // 1024} kB wait for the server{gaps}"

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _drop(db: sqlite3.Connection, needed: int, before_ms: int, reason: str, now_ms: int) -> int:
    """Drop the oldest batches until `needed` bytes are free and none was received before `before_ms`; bytes freed."""
    freed = 0
    while True:
        oldest = db.execute("SELECT id, bytes, body FROM batches ORDER BY id LIMIT ?", (DROP_AT_ONCE,)).fetchall()
        going = []
        for row, size, body in oldest:
            batch = decode(body, TickBatch)
            if freed >= needed and _unpack(batch.received_ms) >= before_ms:
                break
            going.append((row,))
            freed += size
            stamps = (_unpack(batch.time_msc), _unpack(batch.time_msc[-8:]))
            _record(db, TickGap(batch.symbol, min(stamps), max(stamps), batch.count, reason, now_ms))
        db.executemany("DELETE FROM batches WHERE id = ?", going)
        if len(going) < DROP_AT_ONCE:
            return freed


def _record(db: sqlite3.Connection, gap: TickGap) -> None:
    near = (gap.symbol, gap.reason, gap.from_ms - ONE_GAP_MS, gap.from_ms)
    # numbered without a hole, so that neighbours which were dropped one after the other are one gap
    newest = db.execute(
        "SELECT id FROM gaps WHERE symbol = ? AND reason = ? AND to_ms BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", near
    ).fetchone()
    if newest is not None:
        db.execute(
            "UPDATE gaps SET to_ms = ?, ticks = ticks + ?, recorded_ms = ? WHERE id = ?",
            (gap.to_ms, gap.ticks, gap.recorded_ms, newest[0]),
        )
        return
    row = (gap.symbol, gap.reason, gap.from_ms, gap.to_ms, gap.ticks, gap.recorded_ms)
    db.execute("INSERT INTO gaps (symbol, reason, from_ms, to_ms, ticks, recorded_ms) VALUES (?, ?, ?, ?, ?, ?)", row)
    db.execute("DELETE FROM gaps WHERE id <= (SELECT max(id) FROM gaps) - ?", (MOST_GAPS,))


def _gaps(db: sqlite3.Connection) -> tuple[TickGap, ...]:
    rows = db.execute("SELECT symbol, from_ms, to_ms, ticks, reason, recorded_ms FROM gaps ORDER BY id").fetchall()
    return tuple(TickGap(*row) for row in rows)


def _unpack(column: bytes) -> int:
    return int.from_bytes(column[:8], "little", signed=True)


def _meta(db: sqlite3.Connection, name: str, default: int) -> int:
    db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, default))
    return int(db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])


def _bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(sum(bytes), 0) FROM batches").fetchone()[0])
