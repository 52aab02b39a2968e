"""Refused ticks, kept aside with their reason for inspection, in a file that never grows beyond its limit."""

import math
import os
from pathlib import Path
from typing import Any

import msgspec

from metatrader_connector.domain.cursor import Rows

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS_PER_READ = 200


class Quarantine:
    """JSON lines. When the file is full the newer half of the past moves to `.old`, so there are two at most."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, symbol: str, reason: str, rows: Rows, now_ms: int) -> None:
        """Write the rows; of a flood the first of each read, with how many there were. A full disk loses only these
        copies: the counts are in the spool."""
        lines = [
            msgspec.json.encode(
                {
                    "at_ms": now_ms,
                    "symbol": symbol,
                    "reason": reason,
                    "of": len(rows),
                    **{name: _plain(row[name].item()) for name in rows.dtype.names or ()},
                }
            )
            for row in rows[:MAX_ROWS_PER_READ]
        ]
        try:
            if self.path.exists() and self.path.stat().st_size > MAX_BYTES:
                os.replace(self.path, self.path.with_suffix(".old"))
            with self.path.open("ab") as file:
                file.write(b"\n".join(lines) + b"\n")
        except OSError:
            return


def _plain(value: Any) -> Any:
    """JSON has no NaN: write it as a word."""
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
