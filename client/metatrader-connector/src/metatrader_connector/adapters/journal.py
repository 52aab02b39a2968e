"""The journal of orders on disk: the intent before it is sent, and every execution until the server has stored it."""

import sqlite3
import uuid
from collections import deque
from pathlib import Path

import msgspec

from contracts.codec import decode, encode
from contracts.executions import Execution, ExecutionState
from metatrader_connector.adapters.sqlite import Database
from metatrader_connector.domain.executor import Entry

MINUTES_KEPT = 60
KEEP_MS = 30 * 24 * 3_600_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    signal_id TEXT PRIMARY KEY, open INTEGER NOT NULL, journaled_ms INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_open ON orders (open) WHERE open = 1;
CREATE INDEX IF NOT EXISTS orders_time ON orders (journaled_ms);
CREATE TABLE IF NOT EXISTS executions (
    epoch INTEGER NOT NULL, number INTEGER NOT NULL, signal_id TEXT NOT NULL, stored INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL, PRIMARY KEY (epoch, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS executions_signal ON executions (signal_id);
CREATE TABLE IF NOT EXISTS seqs (
    key_id TEXT NOT NULL, account TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key_id, account)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
OPEN = frozenset({ExecutionState.UNKNOWN})


class SqliteJournal:
    """Implements ports.Journal. `epoch` is the spool's; executions are numbered from 1 within it."""

    def __init__(self, path: Path, epoch: int, now_ms: int) -> None:
        self._database = Database(path, SCHEMA)
        self.epoch = epoch
        self.created_ms: int = self._database.now(lambda db: _created(db, now_ms))
        self.newest_number: int = self._database.now(lambda db: _newest(db, epoch))
        self.name: str = self._database.now(lambda db: _named(db, "journal", uuid.uuid4().hex))
        self.last_session: str = self._database.now(lambda db: _named(db, "session", ""))
        self._seqs: dict[tuple[str, str], int] = self._database.now(_seqs)
        """ key, account -> newest number; every change is in the file first """
        self._known: set[str] = self._database.now(_known)
        """ signals the file has an order of, so that of a new one the file need not be asked """
        self._begun: deque[int] = self._database.now(lambda db: _begun(db, now_ms))
        """ when orders were sent, as far back as anybody asks, oldest first """

    async def held_in(self, session: str) -> None:
        """Remember the session in which the server lent us the account; a copy of this file stays behind."""
        await self._database.run(lambda db: db.execute("REPLACE INTO names VALUES ('session', ?)", (session,)))
        self.last_session = session

    def newest_seq(self, key_id: str, account: str) -> int:
        """Highest number of a signal of this key that was answered; 0 when there was none."""
        return self._seqs.get((key_id, account), 0)

    async def adopt_epoch(self, epoch: int, stored: int | None = None) -> None:
        """Number everything the server has not stored again, in a new epoch. `stored`: what the server says it has of
        the old one, which may be less than it once confirmed."""

        def move(db: sqlite3.Connection) -> None:
            if stored is not None:
                db.execute("UPDATE executions SET stored = 0 WHERE epoch = ? AND number > ?", (self.epoch, stored))
            _renumber(db, epoch)
            self.epoch = epoch  # here and not after waiting: a report that is next in line belongs to the new epoch

        await self._database.run(move)
        self.newest_number = await self._database.run(lambda db: _newest(db, epoch))

    async def find(self, signal_id: str) -> tuple[Entry, Execution | None] | None:
        """An order that is known, with its newest execution."""
        if signal_id not in self._known:
            return None
        return await self._database.run(lambda db: _find(db, signal_id))

    async def begin(self, entry: Entry) -> None:
        """The intent, before `order_send`. sqlite3.IntegrityError can't happen: the caller asked `find` first."""

        def insert(db: sqlite3.Connection) -> None:
            row = (entry.signal.id, 1, entry.journaled_ms, msgspec.msgpack.encode(entry))
            db.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", row)
            _raise_seq(db, entry)
            old = entry.journaled_ms - KEEP_MS
            db.execute("DELETE FROM orders WHERE open = 0 AND journaled_ms BETWEEN ? AND ?", (-old, old))
            db.execute(
                "DELETE FROM executions WHERE stored = 1 AND signal_id NOT IN (SELECT signal_id FROM orders) "
                "AND number < (SELECT max(number) FROM executions AS newest WHERE newest.epoch = executions.epoch)"
            )

        self._begun.append(entry.journaled_ms)
        self._known.add(entry.signal.id)
        await self._database.run(insert)
        self._answered(entry)

    def _answered(self, entry: Entry) -> None:
        self._known.add(entry.signal.id)
        key = (entry.key_id, entry.signal.account)
        self._seqs[key] = max(self._seqs.get(key, 0), entry.signal.seq)

    async def report(self, entry: Entry | None, execution: Execution) -> Execution:
        """Keep an execution under the next number, and the order's new state with it. `entry` None: no order is known
        (the signal was not believed), so nothing is remembered that a true signal could collide with."""

        def write(db: sqlite3.Connection) -> Execution:
            numbered = msgspec.structs.replace(execution, epoch=self.epoch, number=_newest(db, self.epoch) + 1)
            if entry is not None:
                still_open = int(entry.sending or entry.state in OPEN)
                # negative: never sent, so it does not count as begun, and is kept for as long as the others
                time = entry.journaled_ms or -entry.received_ms
                row = (entry.signal.id, still_open, time, msgspec.msgpack.encode(entry))
                db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)", row)
                _raise_seq(db, entry)
            db.execute(
                "INSERT INTO executions (epoch, number, signal_id, body) VALUES (?, ?, ?, ?)",
                (self.epoch, numbered.number, numbered.signal_id, encode(numbered)),
            )
            return numbered

        written = await self._database.run(write)
        if entry is not None:
            self._answered(entry)
        self.newest_number = written.number
        return written

    async def unresolved(self) -> list[Entry]:
        """Orders whose fate is not known, oldest first."""
        rows = await self._database.run(
            lambda db: db.execute("SELECT body FROM orders WHERE open = 1 ORDER BY journaled_ms").fetchall()
        )
        return [msgspec.msgpack.decode(row[0], type=Entry) for row in rows]

    async def begun_since(self, since_ms: int) -> int:
        """How many orders were sent since then, at most MINUTES_KEPT back."""
        while self._begun and self._begun[0] < since_ms:
            self._begun.popleft()
        return len(self._begun)

    async def not_stored(self, above: int) -> list[Execution]:
        """Executions of this epoch numbered above what the server has, oldest first."""
        rows = await self._database.run(
            lambda db: db.execute(
                "SELECT body FROM executions WHERE epoch = ? AND number > ? ORDER BY number", (self.epoch, above)
            ).fetchall()
        )
        return [decode(row[0], Execution) for row in rows]

    async def stored(self, number: int) -> None:
        """The server has stored every execution up to this one. The newest of an order is kept for redeliveries."""
        await self._database.run(
            lambda db: db.execute(
                "UPDATE executions SET stored = 1 WHERE epoch = ? AND number <= ? AND stored = 0", (self.epoch, number)
            )
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _created(db: sqlite3.Connection, now_ms: int) -> int:
    db.execute("INSERT OR IGNORE INTO meta VALUES ('created_ms', ?)", (now_ms,))
    return int(db.execute("SELECT value FROM meta WHERE name = 'created_ms'").fetchone()[0])


def _named(db: sqlite3.Connection, name: str, first: str) -> str:
    db.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (name, first))
    return str(db.execute("SELECT value FROM names WHERE name = ?", (name,)).fetchone()[0])


def _known(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT signal_id FROM orders")}


def _begun(db: sqlite3.Connection, now_ms: int) -> deque[int]:
    since = now_ms - MINUTES_KEPT * 60_000
    rows = db.execute("SELECT journaled_ms FROM orders WHERE journaled_ms >= ? ORDER BY journaled_ms", (since,))
    return deque(row[0] for row in rows)


def _seqs(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    return {(key_id, account): seq for key_id, account, seq in db.execute("SELECT key_id, account, seq FROM seqs")}


def _raise_seq(db: sqlite3.Connection, entry: Entry) -> None:
    row = (entry.key_id, entry.signal.account, entry.signal.seq)
    db.execute("INSERT INTO seqs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)", row)


def _newest(db: sqlite3.Connection, epoch: int) -> int:
    return int(db.execute("SELECT coalesce(max(number), 0) FROM executions WHERE epoch = ?", (epoch,)).fetchone()[0])


def _find(db: sqlite3.Connection, signal_id: str) -> tuple[Entry, Execution | None] | None:
    row = db.execute("SELECT body FROM orders WHERE signal_id = ?", (signal_id,)).fetchone()
    if row is None:
        return None
    newest = db.execute(
        "SELECT body FROM executions WHERE signal_id = ? ORDER BY epoch DESC, number DESC LIMIT 1", (signal_id,)
    ).fetchone()
    return msgspec.msgpack.decode(row[0], type=Entry), decode(newest[0], Execution) if newest else None


def _renumber(db: sqlite3.Connection, epoch: int) -> None:
    rows = db.execute(
        "SELECT epoch, number, signal_id, body FROM executions WHERE stored = 0 AND epoch <> ? ORDER BY epoch, number",
        (epoch,),
    ).fetchall()
    number = _newest(db, epoch)
    for old_epoch, old_number, signal_id, body in rows:
        number += 1
        moved = msgspec.structs.replace(decode(body, Execution), epoch=epoch, number=number)
        db.execute("DELETE FROM executions WHERE epoch = ? AND number = ?", (old_epoch, old_number))
        db.execute(
            "INSERT INTO executions (epoch, number, signal_id, body) VALUES (?, ?, ?, ?)",
            (epoch, number, signal_id, encode(moved)),
        )
