"""One connector per data directory: two would share a journal and could both send."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from kit.errors import KitError


class AlreadyRunning(KitError):
    """Another connector holds the directory."""


def hold_directory(path: Path) -> BinaryIO:
    """The lock file, held until it is closed or the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise AlreadyRunning(
            f"a client runs with {path.parent} already; stop it first, or use another --data"
        ) from None
    file.seek(0)
    file.truncate()
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file
