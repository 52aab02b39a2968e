"""The file with the one-time code, printed by the platform at its first start."""

from pathlib import Path


class SetupCodeFile:
    """Exists until the first user was made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        """The code; None when the file is not there."""
        try:
            return self._path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def burn(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)
