"""Log files of the children: bounded, and read from their end."""

import contextlib
import os
import shutil
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEPT = 3


def rotate(file: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """Copy a file that has grown too large to `name.1` and empty it; True when that was done.

    The writer keeps its descriptor (it appends), so nothing needs to be told to it; lines written in the moment
    between copy and cut are lost, which a log can bear and a growing disk can't.
    """
    try:
        if file.stat().st_size < max_bytes:
            return False
        for number in range(kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{file}.{number}", f"{file}.{number + 1}")
        shutil.copyfile(file, f"{file}.1")
        Path(f"{file}.1").chmod(0o600)
        os.truncate(file, 0)
    except FileNotFoundError:
        return False
    except OSError:
        # no room for a copy: an empty log is better than a full disk
        with contextlib.suppress(OSError):
            os.truncate(file, 0)
    return True


def tail(file: Path, from_byte: int = 0, max_bytes: int = 8_192) -> str:
    """The last part of a file, at most `max_bytes`, nothing before `from_byte`."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(size - max_bytes, from_byte if from_byte <= size else 0, 0))
            return opened.read(max_bytes).decode(errors="replace")
    except OSError:
        return ""


def size(file: Path) -> int:
    """Its length now; 0 when there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
