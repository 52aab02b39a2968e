"""Refused frames, kept aside as files: a bounded number, each cut to a bounded size."""

from dataclasses import dataclass
from pathlib import Path

from contracts.subjects import token
from data_bridge.domain.greeting import Identity
from kit import log
from kit.clock import Clock

MOST_BYTES = 64 * 1024
EVERY_MS = 100
"""Not more often than this: a disk must not become the tool of an attacker."""

_log = log.get("shelf")


@dataclass(slots=True)
class FileShelf:
    """Files `<slot>.<tenant>.<account>.<code>.bin` in `folder`; slots are used in turn, so the oldest goes first."""

    folder: Path
    slots: int
    clock: Clock
    _next: int = 0
    _last_ms: int = 0

    def put(self, who: Identity, code: str, frame: bytes) -> None:
        """Keep the beginning of the frame."""
        now_ms = self.clock.now_ms()
        if not self.slots or not frame or now_ms - self._last_ms < EVERY_MS:
            return
        self._last_ms = now_ms
        slot, self._next = self._next, (self._next + 1) % self.slots
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for older in self.folder.glob(f"{slot:03d}.*"):
                older.unlink()
            path = self.folder / f"{slot:03d}.{token(who.tenant)}.{token(who.account)}.{code}.bin"
            path.write_bytes(frame[:MOST_BYTES])
            path.chmod(0o600)
        except OSError as error:
            _log.warning("frame_not_kept", code=code, error=str(error))
