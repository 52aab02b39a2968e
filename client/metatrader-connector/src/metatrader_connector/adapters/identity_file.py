"""The account the trader agreed to trade, on disk; the first one that is seen is agreed on by enrolling it."""

from pathlib import Path

import msgspec

from client_security.adapters.private_file import write_private
from metatrader_connector.domain.identity import Identity, strayed

FILE = "account.json"


class Agreement(msgspec.Struct, frozen=True):
    """`seen` differs from `agreed` while a person has to decide."""

    agreed: Identity
    seen: Identity


def read(path: Path) -> Agreement | None:
    """What lies there; None when there is nothing. ValueError: it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Agreement)
    except FileNotFoundError:
        return None


def agree(path: Path) -> Agreement | None:
    """Let the account that was seen last be the one to trade."""
    found = read(path)
    if found is not None:
        found = Agreement(found.seen, found.seen)
        write_private(path, msgspec.json.encode(found))
    return found


class IdentityFile:
    """Call it with what the terminal shows; it answers what is wrong, or nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark: tuple[int, int, int] | None = None
        self._kept: Agreement | None = None

    def __call__(self, seen: Identity) -> str:
        """Empty while the account is the agreed one; else what to tell a person."""
        try:
            about = self._path.stat()
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
            if mark != self._mark:
                self._kept, self._mark = read(self._path), mark
        except FileNotFoundError:
            self._kept = None
        except (OSError, ValueError) as error:
            return f"{self._path} can't be read ({error}); move it away and agree to the account again"
        if self._kept is None or self._kept.seen != seen:
            self._kept = Agreement(self._kept.agreed if self._kept else seen, seen)
            write_private(self._path, msgspec.json.encode(self._kept))
        return strayed(self._kept.agreed, seen)
