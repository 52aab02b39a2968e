"""Keep the books in SQLite: whatever order_send has answered survives the death of this process."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mt5sim.config import ConfigError
from mt5sim.ledger import Change, Ledger
from mt5sim.records import Struct
from mt5sim.structs import TradeDeal, TradeOrder, TradePosition

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS account (login INTEGER PRIMARY KEY, currency TEXT NOT NULL, margin_mode TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS orders (ticket INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS deals (ticket INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS positions (ticket INTEGER PRIMARY KEY, body TEXT NOT NULL)",
)
READ = {
    "orders": "SELECT body FROM orders ORDER BY ticket",
    "deals": "SELECT body FROM deals ORDER BY ticket",
    "positions": "SELECT body FROM positions ORDER BY ticket",
}
WRITE = {
    "orders": "INSERT OR REPLACE INTO orders VALUES (?, ?)",
    "deals": "INSERT OR REPLACE INTO deals VALUES (?, ?)",
    "positions": "INSERT OR REPLACE INTO positions VALUES (?, ?)",
}
BUSY_TIMEOUT_S = 10.0
RETRY_S = 0.02


class Store:
    """One file per account; several processes may share it, as several terminals may log in to one account."""

    def __init__(self, path: Path | None, login: int, currency: str, margin_mode: str) -> None:
        """`path` None keeps the books in memory. Raises ConfigError when the file is unusable or another account's."""
        owner = (login, currency, margin_mode)
        try:
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False
            )
            self._write_ahead()
            with self.transaction():
                for statement in SCHEMA:
                    self._db.execute(statement)
                self._db.execute("INSERT INTO account SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM account)", owner)
            found = tuple(self._db.execute("SELECT login, currency, margin_mode FROM account").fetchone())
        except sqlite3.Error as error:
            raise ConfigError(f"state_file: cannot use {path}: {error}; move it away to start a new account") from error
        if found != owner:
            self._db.close()
            raise ConfigError(f"state_file: {path} belongs to account {found}, not {owner}; use another file")
        self._version = -1

    def _write_ahead(self) -> None:
        """Two processes may create the file at once, and SQLite does not wait for a lock in this one statement."""
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)
            else:
                break
        self._db.execute("PRAGMA synchronous=FULL")

    def close(self) -> None:
        self._db.close()

    def reload(self, known: Ledger) -> Ledger:
        """The ledger on disk when another process has written it, else the one already known."""
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if version == self._version:
            return known
        self._version = version
        ledger = Ledger()
        ledger.apply(
            Change(
                orders=tuple(TradeOrder(json.loads(row[0])) for row in self._rows("orders")),
                deals=tuple(TradeDeal(json.loads(row[0])) for row in self._rows("deals")),
                positions=tuple(TradePosition(json.loads(row[0])) for row in self._rows("positions")),
            )
        )
        return ledger

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody else writes meanwhile. The commit has reached the disk when the block is left without an error."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def record(self, change: Change) -> None:
        """Call inside `transaction`."""
        self._db.executemany("DELETE FROM positions WHERE ticket = ?", [(ticket,) for ticket in change.closed])
        for table, structs in (("orders", change.orders), ("deals", change.deals), ("positions", change.positions)):
            rows = [(struct[0], _body(struct)) for struct in structs]
            self._db.executemany(WRITE[table], rows)

    def _rows(self, table: str) -> sqlite3.Cursor:
        return self._db.execute(READ[table])


def _body(struct: Struct) -> str:
    return json.dumps(tuple(struct), separators=(",", ":"))
