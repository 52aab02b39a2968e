"""`aitrading down`: stop what runs in a data directory, with or without a hub."""

import argparse
import asyncio
import contextlib
import os
import signal
import time

from central_hub.adapters import processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.leftovers import stop_recorded
from central_hub.domain.programs import PROGRAMS
from central_hub.ports import HubError

HUB_LIMIT_S = 90.0


def run(options: argparse.Namespace) -> int:
    """Ask the hub to stop everything; when no hub lives, stop its orphans."""
    data = DataDir(options.data)
    hub = data.holder()
    if hub:
        _stop_hub(data, hub)
    state = data.read_state()
    stopped = asyncio.run(stop_recorded(state, PROGRAMS, print))
    if not hub and not stopped:
        print(f"Nothing runs in {data.root}.")
    if data.state_file.exists():
        data.forget_state()
    return 0


def _stop_hub(data: DataDir, hub: int) -> None:
    mark = processes.started(hub)
    with contextlib.suppress(ProcessLookupError):
        try:
            os.kill(hub, signal.SIGTERM)
        except PermissionError:
            raise HubError(f"The hub (process {hub}) belongs to another user: stop it as that user.") from None
    deadline = time.monotonic() + HUB_LIMIT_S
    while processes.started(hub) == mark and data.holder() == hub:
        if time.monotonic() > deadline:
            raise HubError(f"The hub (process {hub}) did not stop within {HUB_LIMIT_S:.0f} s: see its output.")
        time.sleep(0.05)
    print("stopped")
