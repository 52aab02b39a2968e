"""Tick files on disk, plain or gzipped: their fingerprint, and their lines in blocks."""

import gzip
import hashlib
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from central_hub.ports import HubError

BLOCK = 1 << 20
MAX_LINE = 4_096
MAX_RATIO = 200
"""Ticks unpack to ten times their size; what unpacks to hundreds is a bomb."""
FREE_BYTES = 64 * BLOCK
"""Below this nobody counts: a small file of equal lines packs well, too."""
EPOCHS = 10**12


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _check(path: Path) -> int:
    """Its size. A link is followed, because it is the operator's own; a device or a pipe has no end and is no file."""
    try:
        found = path.stat()
    except OSError as error:
        raise HubError(f"{path} can't be read: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise HubError(f"{path} can't be read: it is no file.")
    return found.st_size


def epoch_of(path: Path, clock: str) -> int:
    """A number for the file's content: the same file is the same stream, so its ticks are stored once.

    It lies below 10^12, which as a time is before September 2001: no terminal's spool can have the same epoch.
    """
    _check(path)
    digest = hashlib.sha256(clock.encode())
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise HubError(f"{path} can't be read: {error.strerror}.") from None
    return int.from_bytes(digest.digest()[:8]) % EPOCHS + 1


def blocks(path: Path) -> Iterator[bytes]:
    """The first line, then the rest in blocks of whole lines. HubError when it can't be read or has no end."""
    most = max(FREE_BYTES, MAX_RATIO * _check(path)) if path.suffix == ".gz" else sys.maxsize
    unpacked = 0
    try:
        with _open(path) as file:
            first = file.readline(MAX_LINE)
            yield first
            while block := file.read(BLOCK):
                unpacked += len(block)
                if unpacked > most:
                    raise HubError(f"{path} unpacks to more than {MAX_RATIO} times its size: unpack it yourself first.")
                # a damaged file may be one endless line: read on, but not for ever
                yield block + (b"" if block.endswith(b"\n") else file.readline(MAX_LINE))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it is damaged"
        raise HubError(f"{path} can't be read: {reason}.") from None
