"""One at a time among all processes of this machine: what is installed once for tests that run side by side."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Nobody else of this user is inside a block of that name; it waits for as long as the other takes."""
    with (Path(tempfile.gettempdir()) / f"aitrading-{name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
