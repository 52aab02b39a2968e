"""The signed list of signal keys on disk, as the operator's last rotation left it."""

from pathlib import Path

import msgspec

from contracts.rotation import SignedKeyList
from kit import log

_log = log.get("keys")


class KeyListFile:
    """Call `look` now and then; `newest` is what every terminal must hear of before its signals."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self.newest: SignedKeyList | None = None
        self.look()

    def look(self) -> bool:
        """Whether there is a newer one. A file that can't be read changes nothing: terminals check it themselves."""
        try:
            status = self._path.stat()
            mark = (status.st_mtime_ns, status.st_ino)
            if mark == self._seen:
                return False
            found = msgspec.json.decode(self._path.read_bytes(), type=SignedKeyList)
        except FileNotFoundError:
            return False
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.error("key_list_not_read", path=str(self._path), error=str(error))
            return False
        self._seen = mark
        changed, self.newest = found != self.newest, found
        return changed
