"""The spool: every tick waits here, on disk, until the server's store has it."""

import sqlite3
from pathlib import Path

import msgspec

from contracts.codec import decode, encode
from contracts.ticks import MAX_TICKS_PER_BATCH, TickBatch, first, join, since
from metatrader_connector.adapters.sqlite import Database
from metatrader_connector.domain.cursor import Cursor
from metatrader_connector.ports import SpoolFull

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (symbol TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS batches_place ON batches (symbol, last_seq);
CREATE TABLE IF NOT EXISTS refused (reason TEXT PRIMARY KEY, ticks INTEGER NOT NULL) WITHOUT ROWID;
"""
READ_BATCHES = 512
"""At most so many small batches are joined into one frame."""
RESUME_BELOW = 0.9
ROW_OVERHEAD = 64


class EpochChanged(OSError):
    """The batches carry numbers of an epoch that has ended."""


class SqliteSpool:
    """Implements ports.Spool. The account of ticks lives and dies with this file: `epoch` is when it was made."""

    def __init__(self, path: Path, now_ms: int, max_bytes: int) -> None:
        self._database = Database(path, SCHEMA)
        self.max_bytes = max_bytes
        self.epoch: int = self._database.now(lambda db: _meta(db, "epoch", now_ms))
        self.bytes: int = self._database.now(lambda db: _bytes(db))
        self.refused: dict[str, int] = self._database.now(lambda db: dict(db.execute("SELECT * FROM refused")))
        self.full = False

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

    def room(self) -> bool:
        """Whether more may be appended; after it was full, only once a tenth is free again."""
        self.full = self.bytes >= self.max_bytes * (RESUME_BELOW if self.full else 1.0)
        return not self.full

    async def append(
        self,
        batches: tuple[TickBatch, ...],
        cursors: tuple[Cursor, ...],
        refused: dict[str, int] | None = None,
        epoch: int = 0,
    ) -> tuple[tuple[TickBatch, bytes], ...]:
        """Keep batches, cursors and counts in one transaction; on disk when this returns, with each batch's bytes."""
        if not self.room():
            raise SpoolFull(f"the spool holds its limit of {self.max_bytes} bytes; the server must take ticks first")

        def write(db: sqlite3.Connection) -> tuple[int, tuple[tuple[TickBatch, bytes], ...]]:
            now = _meta(db, "epoch", 0)
            if (epoch or now) != now or any(batch.epoch != now for batch in batches):
                raise EpochChanged("a new epoch began meanwhile; these rows will be read again")
            frames = tuple((batch, encode(batch)) for batch in batches)
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
            return sum(len(frame) + ROW_OVERHEAD for _, frame in frames), frames

        added, frames = await self._database.run(write)
        self.bytes += added
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

        def delete(db: sqlite3.Connection) -> int:
            for symbol, seq in stored.items():
                db.execute("DELETE FROM batches WHERE symbol = ? AND last_seq <= ?", (symbol, seq))
            return _bytes(db)

        self.bytes = await self._database.run(delete)

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
        if self.full:
            raise SpoolFull("the spool is full: no ticks are read until the server takes some")
        return f"{self.bytes // 1024} kB wait for the server"

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _meta(db: sqlite3.Connection, name: str, default: int) -> int:
    db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, default))
    return int(db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])


def _bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(sum(bytes), 0) FROM batches").fetchone()[0])
