"""Replace a file so that a reader, and a crash, find the old contents or the new ones and never a mixture."""

import os
from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Written beside, forced to disk, renamed; a power cut does not undo it. OSError when that is not possible."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    if os.name == "posix":  # Windows can't open a folder; NTFS keeps a journal of its names
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
