"""The file with the one-time code, printed by the platform at its first start."""

from pathlib import Path

LIFE_MS = 24 * 3_600_000
"""A link in an old log lets nobody in; the next start of the platform makes a new code."""


class SetupCodeFile:
    """Exists until the first user was made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, now_ms: int) -> str | None:
        """The code; None when the file is not there, or too old."""
        try:
            if now_ms - self._path.stat().st_mtime_ns // 1_000_000 > LIFE_MS:
                return None
            return self._path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def burn(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)
