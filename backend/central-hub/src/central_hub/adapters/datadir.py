"""The data directory: who may enter, who holds it, and the record of what runs in it."""

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from central_hub.domain.runstate import RunState
from central_hub.ports import HubError
from kit import private_file

LEAST_FREE_BYTES = 500 * 1024 * 1024


@dataclass(slots=True)
class DataDir:
    """Paths below the data directory. `open` makes it; `lock` keeps other hubs out as long as this process lives."""

    root: Path
    _lock: int = -1

    @property
    def secrets(self) -> Path:
        """Keys and passwords."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """One log file per program."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is true only while something runs."""
        return self.root / "run"

    @property
    def state_file(self) -> Path:
        """The processes that run here."""
        return self.run / "state.json"

    def log_of(self, program: str) -> Path:
        """Where a program's output goes."""
        return self.logs / f"{program}.log"

    def open(self) -> None:
        """Make the directories, for the owner's eyes only. HubError when that is not possible or the disk is full."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
            for folder in (self.secrets, self.logs, self.run):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise HubError(
                f"The data directory {self.root} can't be used ({error.strerror}): choose another with --data, "
                f"or give it to the user who starts the platform."
            ) from None
        self.check_space()

    def check_space(self) -> None:
        """HubError when the disk is nearly full."""
        free = shutil.disk_usage(self.root).free
        if free < LEAST_FREE_BYTES:
            raise HubError(
                f"Only {free // 1_000_000} MB are free on the disk of {self.root}: free at least "
                f"{LEAST_FREE_BYTES // 1_000_000} MB, or choose another disk with --data."
            )

    def lock(self) -> None:
        """Hold the directory. HubError when another living hub holds it."""
        descriptor = os.open(self.run / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise HubError(
                f"The platform already runs on {self.root} (hub process {holder or 'unknown'}): see "
                f"`aitrading status`, or stop it with `aitrading down`."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._lock = descriptor

    def unlock(self) -> None:
        """Let others in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def holder(self) -> int:
        """The pid of the hub that holds the directory; 0 when none does."""
        try:
            descriptor = os.open(self.run / "hub.lock", os.O_RDWR)
        except OSError:
            return 0
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.read(descriptor, 32).decode(errors="replace").strip()
            return int(text) if text.isdecimal() else 0
        else:
            return 0
        finally:
            os.close(descriptor)

    def read_state(self) -> RunState:
        """What was last recorded; an empty state when nothing was, or when the record is damaged."""
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=RunState)
        except (OSError, msgspec.DecodeError):
            return RunState()

    def write_state(self, state: RunState) -> None:
        """Record what runs: the old record or the new one survives a crash, never half of one."""
        try:
            private_file.replace(self.state_file, msgspec.json.format(msgspec.json.encode(state), indent=1))
        except OSError as error:
            raise HubError(f"{self.state_file} can't be written: {error.strerror}.") from None

    def forget_state(self) -> None:
        """Nothing runs any more."""
        with contextlib.suppress(OSError):
            self.state_file.unlink()
