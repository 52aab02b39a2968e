"""One SQLite file that survives a power cut, used from one thread of its own."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from metatrader_connector.ports import StorageFailed

T = TypeVar("T")


class Database:
    """Call `run` with a function that takes the connection; functions run one after the other, off the loop."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)
        self._db = self._thread.submit(self._open, schema).result()

    def _open(self, schema: str) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            # WAL with FULL: a commit returns when its record is on disk
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA journal_size_limit=67108864")
            db.executescript(schema)
            check = db.execute("PRAGMA quick_check(1)").fetchone()[0] if self.path.stat().st_size < 1 << 26 else "ok"
        except sqlite3.Error as error:
            raise StorageFailed(f"cannot use {self.path} ({error}); free the disk or move the file away") from None
        if check != "ok":
            raise StorageFailed(f"{self.path} is damaged ({check}); move it away for inspection, then start again")
        return db

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction; committed and on disk when this returns. StorageFailed: nothing was kept."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same, waiting in place; for the start, before the loop has anything else to do."""
        return self._thread.submit(self._transact, work).result()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            result = work(self._db)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StorageFailed(f"{self.path.name} was not written ({error}); free space on its disk") from None
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._thread.submit(self._db.close).result()
        self._thread.shutdown()
