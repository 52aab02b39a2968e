"""Find the known cause in the last lines of a program's log and say it in plain words."""

from typing import Any

import msgspec

_CAUSES: tuple[tuple[str, str], ...] = (
    ("no space left on device", "the disk is full; free some space and start again"),
    ("disk quota exceeded", "the disk quota is used up; free some space and start again"),
    ("read-only file system", "the disk is mounted read-only; mount it writable or choose another data directory"),
    ("address already in use", "its port is taken by another program; stop that program or choose another port"),
    ("cannot listen on", "its port is taken by another program; stop that program or choose another port"),
    ("too many open files", "the limit of open files is too low; raise it (`ulimit -n 65536`) and start again"),
    ("could not create shared memory", "the machine gives it no shared memory; make /dev/shm larger (64 MB at least)"),
    ("cannot allocate memory", "the machine has no memory left; stop something or add memory"),
    ("permission denied", "it may not read or write its files; see who owns the data directory"),
    ("was initialized by postgresql version", "its data is of another PostgreSQL version; restore a backup made there"),
)
""" what stands in the log, in lower case -> what it means and what to do """

MAX_LINE = 300


def cause(log_tail: str) -> str:
    """A plain clause that continues "it stopped: …", or the last line of the log when the cause is not known."""
    lowered = log_tail.lower()
    for sign, meaning in _CAUSES:
        if sign in lowered:
            return meaning
    lines = [line.strip() for line in log_tail.splitlines() if line.strip()]
    said = [words for words in map(_error_of, lines) if words]
    return said[-1][:MAX_LINE] if said else "it left no message"


def _error_of(line: str) -> str:
    """What a line tells a person: itself, or the error of one of our JSON log lines; empty for their ordinary ones."""
    if not line.startswith("{"):
        return line
    try:
        event = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return line
    return str(event.get("error", "")) if event.get("level") in ("error", "critical") else ""
