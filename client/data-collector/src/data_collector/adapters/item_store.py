"""Items and source states in SQLite; the newest are kept, and each only once."""

import sqlite3
from pathlib import Path

import msgspec

from data_collector.domain.items import Item
from data_collector.domain.politeness import SourceState

KEEP_ITEMS = 20_000
KEEP_BAD = 20
SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY, heard INTEGER NOT NULL, at_ms INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_at ON items (at_ms);
CREATE TABLE IF NOT EXISTS sources (url TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


class ItemStore:
    """Used from one thread at a time; open it where it is used."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._bad = path.parent / "bad-documents"
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def keep(self, items: list[Item], state: SourceState, now_ms: int) -> int:
        """Keep what is new together with the source's state; how many were new. An event that changed replaces the
        older one, because its key is the same."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            before = self._count()
            self._db.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET at_ms = excluded.at_ms, "
                "body = excluded.body",
                [(item.key, now_ms, item.at_ms, msgspec.json.encode(item)) for item in items],
            )
            new = self._count() - before
            self._db.execute(
                "DELETE FROM items WHERE key IN "
                "(SELECT key FROM items ORDER BY heard DESC, at_ms DESC LIMIT -1 OFFSET ?)",
                (KEEP_ITEMS,),
            )
            self._db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (state.url, msgspec.json.encode(state)))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return new

    def _count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM items").fetchone()[0])

    def state(self, url: str) -> SourceState:
        """What is remembered of a source."""
        row = self._db.execute("SELECT body FROM sources WHERE url = ?", (url,)).fetchone()
        return msgspec.json.decode(row[0], type=SourceState) if row else SourceState(url)

    def newest(self, most: int = 200) -> list[Item]:
        """The newest items by their own time."""
        rows = self._db.execute("SELECT body FROM items ORDER BY at_ms DESC LIMIT ?", (most,)).fetchall()
        return [msgspec.json.decode(row[0], type=Item) for row in rows]

    def keep_aside(self, source: str, document: bytes, reason: str, now_ms: int) -> None:
        """A document that could not be used, for inspection; the newest twenty."""
        self._bad.mkdir(exist_ok=True, mode=0o700)
        (self._bad / f"{now_ms}.txt").write_bytes(f"{source}\n{reason}\n\n".encode() + document[:262_144])
        for old in sorted(self._bad.iterdir())[:-KEEP_BAD]:
            old.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
