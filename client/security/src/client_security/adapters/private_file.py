"""Files for their owner's eyes: written beside, forced to disk, renamed; and one lock per directory."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from client_security.domain.vault_format import VaultRefused
from kit import private_file

LOCK_WITHIN_S = 10.0


def write_private(path: Path, data: bytes) -> None:
    """Either the old or the new contents survive a crash, never a mixture; on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_file.replace(path, data)


def read_private(path: Path) -> bytes:
    """The contents; VaultRefused when others may read the file or it belongs to somebody else."""
    data = path.read_bytes()
    if os.name == "posix":
        about = path.stat()
        if about.st_mode & 0o077:
            raise VaultRefused(f"others may read {path.name}: give it mode 0600, then start again")
        if about.st_uid != os.getuid():
            raise VaultRefused(f"{path.name} belongs to another user of this machine")
    return data


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a directory's lock; VaultRefused when another program holds it for too long."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_WITHIN_S
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise VaultRefused(f"another program holds {path}; stop it, then try again")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
