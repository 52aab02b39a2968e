"""Processes of this machine: start them in their own sessions, know them again, end them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

from central_hub.domain.runstate import ProcessRecord
from central_hub.ports import Command, HubError

POLL_S = 0.2
LINUX = sys.platform.startswith("linux")


@lru_cache(maxsize=1)
def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _stat(pid: int) -> list[str]:
    # the command's name stands in brackets and may hold anything, so count from the last bracket
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def started(pid: int) -> str | None:
    """A text that only this process ever has; None when no process with that pid runs (a zombie does not run)."""
    if LINUX:
        try:
            fields = _stat(pid)
        except (OSError, ValueError):
            return None
        return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def command_line(pid: int) -> str:
    """Its arguments, separated by spaces; empty when it is gone or may not be read."""
    if LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def is_same(record: ProcessRecord) -> bool:
    """The recorded process still runs: same pid, same start, and its command line holds the marker."""
    return started(record.pid) == record.started and record.marker in command_line(record.pid)


class OsProcess:
    """A process by pid. `child` is set when this hub started it: then its exit code can be read."""

    def __init__(self, record: ProcessRecord, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.record = record
        self._child = child

    def alive(self) -> bool:
        """It still runs."""
        if self._child is not None:
            return self._child.poll() is None
        return started(self.record.pid) == self.record.started

    async def wait(self) -> int | None:
        """Return when it has ended; the exit code is known for own children only."""
        with contextlib.suppress(OSError, AttributeError):  # no pidfd on this system: look again and again
            await _readable(os.pidfd_open(self.record.pid))
        while self.alive():  # noqa: ASYNC110 the kernel sets no asyncio.Event
            await asyncio.sleep(POLL_S)
        return self._child.returncode if self._child is not None else None

    async def stop(self, number: int, limit_s: float) -> bool:
        """Ask it to end, kill it when it does not; False when it had to be killed."""
        if not self.alive():
            return True
        self._send(number)
        # a stopped (SIGSTOP) process would never see the request
        self._send(signal.SIGCONT)
        try:
            await asyncio.wait_for(self.wait(), limit_s)
        except TimeoutError:
            self._send(signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), 5)
            return False
        return True

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.alive():
                os.kill(self.record.pid, number)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def spawn(command: Command, log_file: Path, restarts: int = 0) -> OsProcess:
    """Start a program in its own session, its output appended to `log_file`; it lives on when the hub dies."""
    log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # append mode: the log may be cut while the program writes, and the next line begins at the new end
        descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise HubError(f"The log file {log_file} can't be written ({error.strerror}): see who owns it.") from None
    try:
        child = subprocess.Popen(  # noqa: S603 the program table and our own engines
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=dict(command.environ),
            cwd=command.cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise HubError(f"{command.argv[0]} can't be started: {error.strerror}.") from None
    finally:
        os.close(descriptor)
    return OsProcess(
        ProcessRecord(child.pid, started(child.pid) or "", command.marker, time.time_ns() // 1_000_000, restarts),
        child,
    )
