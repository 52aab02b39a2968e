"""Items and source states in SQLite: every version is kept, the newest are kept longest, and the outbox is a number."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import msgspec

from contracts.errands import NewsBatch, OutboxPage
from contracts.news import MOST_AT_ONCE, CalendarEvent, NewsItem
from data_collector.domain.items import Item, same
from data_collector.domain.politeness import SourceState
from data_collector.ports import Tally

KEEP_ITEMS = 20_000
KEEP_BAD = 20
MAX_BAD_BYTES = 262_144
KINDS: dict[str, type[NewsItem] | type[CalendarEvent]] = {"news": NewsItem, "event": CalendarEvent}
SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS versions_key ON versions (key, number);
CREATE INDEX IF NOT EXISTS versions_source ON versions (source);
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO marks VALUES ('stored', 0), ('refused', 0), ('dropped', 0);
"""


class ItemStore:
    """Implements ports.Items. Threads take turns."""

    def __init__(self, path: Path, keep_items: int = KEEP_ITEMS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._bad, self._keep = path.parent / "bad-documents", keep_items
        self._turn = Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def keep(self, items: list[Item], state: SourceState, now_ms: int) -> int:
        """Keep what is new or says something else than before, together with the source's state; how many there were.

        The older version stays as it was: what was known when is never rewritten.
        """
        new = 0
        with self._transaction():
            for item in items:
                row = self._db.execute(
                    "SELECT kind, body FROM versions WHERE key = ? ORDER BY number DESC LIMIT 1", (item.key,)
                ).fetchone()
                before = _read(*row) if row else None
                if before is not None and same(before, item):
                    continue
                new += 1
                # a clock that was put back must not make a newer version look like the older one
                seen = max(now_ms, before.first_seen_ms + 1) if before else now_ms
                version = before.version + 1 if before else 1
                made = msgspec.structs.replace(item, first_seen_ms=seen, version=version)
                kind = "news" if isinstance(item, NewsItem) else "event"
                self._db.execute(
                    "INSERT INTO versions (key, source, kind, body) VALUES (?, ?, ?, ?)",
                    (item.key, item.source, kind, msgspec.json.encode(made)),
                )
            self._db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (state.name, msgspec.json.encode(state)))
            if new:
                self._forget_oldest()
        return new

    def _forget_oldest(self) -> None:
        row = self._db.execute(
            "SELECT number FROM versions ORDER BY number DESC LIMIT 1 OFFSET ?", (self._keep,)
        ).fetchone()
        if row is None:
            return
        self._db.execute(
            "UPDATE marks SET value = value + (SELECT count(*) FROM versions WHERE number <= ? AND number > "
            "(SELECT value FROM marks WHERE name = 'stored')) WHERE name = 'dropped'",
            row,
        )
        self._db.execute("DELETE FROM versions WHERE number <= ?", row)

    def state(self, name: str, address: str) -> SourceState:
        """What is remembered of a source."""
        with self._turn:
            row = self._db.execute("SELECT body FROM sources WHERE name = ?", (name,)).fetchone()
        found = msgspec.json.decode(row[0], type=SourceState) if row else None
        return found if found is not None and found.address == address else SourceState(name, address)

    def newest(self, most: int = 200) -> list[Item]:
        """What was seen last, newest first."""
        with self._turn:
            rows = self._db.execute("SELECT kind, body FROM versions ORDER BY number DESC LIMIT ?", (most,)).fetchall()
        return [_read(*row) for row in rows]

    def count(self, source: str) -> int:
        """Versions kept of a source."""
        with self._turn:
            return int(self._db.execute("SELECT count(*) FROM versions WHERE source = ?", (source,)).fetchone()[0])

    def outbox(self, stored: int, refused: int) -> OutboxPage:
        """What the server has goes forward only; it does not have what was never handed out."""
        with self._transaction():
            most = int(self._db.execute("SELECT coalesce(max(number), 0) FROM versions").fetchone()[0])
            known = self._mark("stored")
            if known < stored <= most:
                self._db.execute("UPDATE marks SET value = ? WHERE name = 'stored'", (stored,))
                self._db.execute("UPDATE marks SET value = value + ? WHERE name = 'refused'", (max(0, refused),))
                known = stored
            rows = self._db.execute(
                "SELECT number, kind, body FROM versions WHERE number > ? ORDER BY number LIMIT ?",
                (known, MOST_AT_ONCE),
            ).fetchall()
        items = [_read(kind, body) for _, kind, body in rows]
        batch = NewsBatch(
            tuple(item for item in items if isinstance(item, NewsItem)),
            tuple(item for item in items if isinstance(item, CalendarEvent)),
        )
        return OutboxPage(rows[-1][0] if rows else known, batch)

    def _mark(self, name: str) -> int:
        return int(self._db.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()[0])

    def tally(self) -> Tally:
        """The numbers for the status page."""
        with self._turn:
            items = int(self._db.execute("SELECT count(*) FROM versions").fetchone()[0])
            after = "SELECT count(*) FROM versions WHERE number > (SELECT value FROM marks WHERE name = 'stored')"
            waiting = int(self._db.execute(after).fetchone()[0])
            return Tally(items, waiting, self._mark("refused"), self._mark("dropped"))

    def keep_aside(self, source: str, document: bytes, reason: str, now_ms: int) -> None:
        """A document that could not be used, for inspection; the newest twenty, cut to 256 KB each."""
        with self._turn:
            self._bad.mkdir(exist_ok=True, mode=0o700)
            path = self._bad / f"{now_ms:013d}.{source[:64]}.txt"
            path.write_bytes(f"{source}\n{reason}\n\n".encode(errors="replace") + document[:MAX_BAD_BYTES])
            path.chmod(0o600)
            for old in sorted(self._bad.iterdir())[:-KEEP_BAD]:
                old.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._db.close()


def _read(kind: str, body: bytes) -> Item:
    return msgspec.json.decode(body, type=KINDS[kind])
