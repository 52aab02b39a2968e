"""The book of terminals in SQLite: the hub and the command line write it, and a one-time token is spent once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from central_hub.domain.terminals import Terminal
from central_hub.ports import HubError

_COLUMNS = Terminal.__struct_fields__
_SCHEMA = """
CREATE TABLE IF NOT EXISTS terminals (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, account TEXT NOT NULL, join_hash TEXT NOT NULL UNIQUE,
    added_ms INTEGER NOT NULL, join_until_ms INTEGER NOT NULL, joined_ms INTEGER NOT NULL, key BLOB NOT NULL,
    issued_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, revoked_why TEXT NOT NULL,
    told_ms INTEGER NOT NULL, address TEXT NOT NULL
)"""


class TerminalBook:
    """Every call opens the file anew: they are rare, and two processes use it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous=FULL")
                db.execute(_SCHEMA)
                yield db
        except (OSError, sqlite3.Error) as error:
            raise HubError(f"The book of terminals {self.path} can't be used ({error}): restore a backup.") from None

    def add(self, terminal: Terminal) -> None:
        """A new terminal."""
        marks = ", ".join("?" * len(_COLUMNS))
        with self._open() as db:
            db.execute(f"INSERT INTO terminals ({', '.join(_COLUMNS)}) VALUES ({marks})", _row(terminal))  # noqa: S608 names of fields

    def by_join(self, join_hash: str) -> Terminal | None:
        """The terminal that this one-time token was made for."""
        return next(iter(self._select("WHERE join_hash = ?", join_hash)), None)

    def by_id(self, terminal_id: str) -> Terminal | None:
        """One terminal."""
        return next(iter(self._select("WHERE id = ?", terminal_id)), None)

    def all(self, tenant: str = "") -> list[Terminal]:
        """Of one tenant, or all; the newest first."""
        where, values = ("WHERE tenant = ?", (tenant,)) if tenant else ("", ())
        return self._select(f"{where} ORDER BY added_ms DESC, id", *values)

    def untold(self) -> list[Terminal]:
        """Revoked, and not yet told on the bus."""
        return self._select("WHERE revoked_ms > 0 AND told_ms = 0")

    def claim(self, terminal_id: str, key: bytes, now_ms: int) -> bool:
        """Spend the one-time token for this key; False when another key was first. One statement: no race."""
        statement = "UPDATE terminals SET joined_ms = ?, key = ? WHERE id = ? AND revoked_ms = 0 AND joined_ms = 0"
        with self._open() as db:
            if db.execute(statement, (now_ms, key, terminal_id)).rowcount == 1:
                return True
            again = "SELECT 1 FROM terminals WHERE id = ? AND revoked_ms = 0 AND key = ?"
            return db.execute(again, (terminal_id, key)).fetchone() is not None

    def issued(self, terminal_id: str, issued_ms: int, expires_ms: int, address: str) -> bool:
        """A certificate was made; False when the terminal was revoked meanwhile: then it must not be handed out."""
        statement = "UPDATE terminals SET issued_ms = ?, expires_ms = ?, address = ? WHERE id = ? AND revoked_ms = 0"
        with self._open() as db:
            return db.execute(statement, (issued_ms, expires_ms, address, terminal_id)).rowcount == 1

    def revoke(self, terminal_id: str, why: str, now_ms: int) -> bool:
        """From now on it renews nothing; False when it was revoked already or never was."""
        statement = "UPDATE terminals SET revoked_ms = ?, revoked_why = ? WHERE id = ? AND revoked_ms = 0"
        with self._open() as db:
            return db.execute(statement, (now_ms, why, terminal_id)).rowcount == 1

    def told(self, terminal_id: str, now_ms: int) -> None:
        """Every service has been told of the revocation."""
        with self._open() as db:
            db.execute("UPDATE terminals SET told_ms = ? WHERE id = ?", (now_ms, terminal_id))

    def _select(self, rest: str, *values: str) -> list[Terminal]:
        with self._open() as db:
            rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM terminals {rest}", values)  # noqa: S608 no outside text
            return [Terminal(*row) for row in rows]


def _row(terminal: Terminal) -> tuple[object, ...]:
    return tuple(getattr(terminal, name) for name in _COLUMNS)


def book_in(data: Path) -> TerminalBook:
    """The book of a data directory."""
    return TerminalBook(data / "central-hub" / "terminals.db")
