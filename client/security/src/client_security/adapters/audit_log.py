"""The audit log on disk: JSON lines, appended with fsync, each chained to the one before."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from client_security.domain.chain import Head, Record, fault, following
from kit.errors import KitError


class AuditDamaged(KitError):
    """The log does not verify; the text names the first bad record. Keep the file for whoever investigates."""


class AuditLog:
    """Append-only. One process writes it; anybody may `verify`."""

    def __init__(self, path: Path) -> None:
        """Continues the chain in the file. A torn last line (power cut) is moved aside, nothing else is repaired."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.last: Record | None = None
        self._keep_torn_tail_aside()
        for record in read(path):
            self.last = record
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _keep_torn_tail_aside(self) -> None:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self.path.with_suffix(".torn").open("ab") as aside:
                aside.write(data[whole:] + b"\n")
            os.truncate(self.path, whole)

    def append(self, at_ms: int, kind: str, subject: str, detail: dict[str, str]) -> Record:
        """Write one record; when this returns it is on disk. OSError when the disk does not take it."""
        record = following(self.last, at_ms, kind, subject, detail)
        line = msgspec.json.encode(record) + b"\n"
        written = os.write(self._file, line)
        if written != len(line):  # a full disk takes a part, and what came after it would never be read again
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(errno.ENOSPC, f"{self.path.name}: the disk took a part of a record only")
        os.fsync(self._file)
        self.last = record
        return record

    def close(self) -> None:
        """Close the file; the log must not be used after it."""
        os.close(self._file)


def read(path: Path) -> Iterator[Record]:
    """The records, oldest first; AuditDamaged at a line that is no record."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            try:
                yield msgspec.json.decode(line, type=Record)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise AuditDamaged(f"{path.name}: line {number} is not a record") from None


def verify(path: Path, head: Head | None = None) -> int:
    """How many records the log holds when every one fits; AuditDamaged names the first that does not.

    With the `head` that the vault keeps, a log that was cut off or rewritten before it is noticed too. What was
    appended after the head was noted, seconds at most, can be cut off unseen: compare with what the server was told.
    """
    last: Record | None = None
    count = 0
    for record in read(path):
        if (wrong := fault(record, last)) is not None:
            raise AuditDamaged(f"{path.name}: {wrong}")
        if head is not None and record.index == head.index and record.hash != head.hash:
            raise AuditDamaged(f"{path.name}: record {head.index} is not the one that was noted: the log was rewritten")
        last, count = record, count + 1
    if head is not None and count <= head.index:
        raise AuditDamaged(f"{path.name}: {head.index + 1} record(s) were noted, {count} are left: the end was cut off")
    return count
