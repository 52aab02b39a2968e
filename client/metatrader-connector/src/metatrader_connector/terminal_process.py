"""The terminal's own process: the only file that imports `MetaTrader5`, one call at a time, no threads, no loop.

The package never releases the interpreter's lock and knows no time limits, so a call that hangs freezes its whole
process. The parent therefore sets the limit and kills this process. Frames on standard input and output: four bytes of
length, little-endian, then a MessagePack `Call` or `Reply`.
"""

import importlib
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from metatrader_connector.domain.terminal import Call, Launch
from metatrader_connector.failpoints import from_environment
from metatrader_connector.terminal_worker import Worker

MODULES = ("MetaTrader5", "mt5sim")
LOCK_WAIT_S = 5.0
MAX_MESSAGE = 64 * 1024 * 1024


def hold_alone(path: Path) -> BinaryIO:
    """Hold the lock file; a terminal process that was left behind (its parent was killed) is ended first.

    Two processes must never speak to one terminal: the older one could still be sending an order while the younger
    looks for it and finds nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _try_lock(file):
        if time.monotonic() > deadline:
            file.seek(0)
            left_behind = file.read(16).strip()
            if left_behind.isdigit():
                os.kill(int(left_behind), 9)
            deadline = time.monotonic() + LOCK_WAIT_S
        time.sleep(0.02)
    file.seek(0)
    file.truncate()
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file


def _try_lock(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(64)  # a byte behind the process id, which stays readable for others
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(stream: BinaryIO, size: int) -> bytes | None:
    data = stream.read(size)
    return data if len(data) == size else None


def serve(worker: Worker, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer calls until the parent hangs up."""
    decoder, encoder = msgspec.msgpack.Decoder(Call), msgspec.msgpack.Encoder()
    while (head := _read(incoming, 4)) is not None:
        size = int.from_bytes(head, "little")
        if size > MAX_MESSAGE or (body := _read(incoming, size)) is None:
            return
        reply = encoder.encode(worker.answer(decoder.decode(body)))
        outgoing.write(len(reply).to_bytes(4, "little") + reply)
        outgoing.flush()


def main() -> int:
    """Run with one argument: a `Launch` as JSON."""
    launch = msgspec.json.decode(sys.argv[1].encode(), type=Launch)
    if launch.module not in MODULES:
        print(f"the terminal module must be one of {', '.join(MODULES)}", file=sys.stderr)
        return 2
    # frames own the real standard output; whatever a library prints goes to standard error
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = hold_alone(Path(launch.lock))
    try:
        module = importlib.import_module(launch.module)
    except ImportError as error:
        print(f"cannot import {launch.module}: {error}. MetaTrader5 needs Windows", file=sys.stderr)
        return 3
    with lock:
        serve(Worker(module, launch, from_environment(os.environ)), sys.stdin.buffer, outgoing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
