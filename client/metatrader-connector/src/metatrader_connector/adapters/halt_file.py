"""The trader's switch on disk. It works with no server, no connector and no vault: a file is there, or it is not."""

from pathlib import Path

from client_security.adapters.private_file import write_private


class HaltFile:
    """`domain.halt` says what its contents mean."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The contents; None when trading was not stopped. What can't be read counts as stopped."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            return b""

    def stop(self, words: bytes) -> None:
        """On disk when this returns: it counts for the very next order, and after a restart."""
        write_private(self._path, words)

    def resume(self) -> bool:
        """Let trading go on; whether it was stopped."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
