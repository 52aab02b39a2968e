"""Keep unusable messages as files, so that a person can look at them later."""

import asyncio
import hashlib
from pathlib import Path

import msgspec

from kit import log, private_file
from kit.clock import Clock

_log = log.get("quarantine")


class _Label(msgspec.Struct, frozen=True):
    subject: str
    reason: str
    kept_ms: int
    size: int


class QuarantineFolder:
    """One `.msg` file per message, named by its hash, with a `.json` label beside it that says why."""

    def __init__(self, folder: Path, limit_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._clock = clock
        self._used: int | None = None

    async def keep(self, subject: str, data: bytes, reason: str) -> None:
        """Durable when it returns, unless the folder is full: then the log is all there is."""
        await asyncio.to_thread(self._keep, subject, data, reason)

    def _keep(self, subject: str, data: bytes, reason: str) -> None:
        name = hashlib.sha256(subject.encode() + b"\0" + data).hexdigest()[:32]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self._folder / f"{name}.msg"
        if target.exists():
            return
        if self._used is None:
            self._used = sum(file.stat().st_size for file in self._folder.iterdir() if file.is_file())
        if self._used + len(data) > self._limit:
            _log.error("quarantine_full", subject=subject, reason=reason, hash=name, folder=str(self._folder))
            return
        label = msgspec.json.encode(_Label(subject, reason, self._clock.now_ms(), len(data)))
        private_file.replace(self._folder / f"{name}.json", label)
        private_file.replace(target, data)
        self._used += len(data) + len(label)
        _log.warning("quarantined", subject=subject, reason=reason, hash=name)
