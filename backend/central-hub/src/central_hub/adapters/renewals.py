"""Renew certificates while the platform runs, without dropping a connection."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from central_hub.adapters import processes
from central_hub.adapters.ca_files import NATS, CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.domain.authority import look_again_s
from central_hub.ports import HubError


def reload_bus(data: DataDir) -> None:
    """Let the embedded bus read its certificate anew; our own services notice by themselves."""
    record = data.read_state().programs.get(NATS)
    if record is not None and processes.is_same(record):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGHUP)


@dataclass(slots=True)
class Renewals:
    """Run `run` as long as the hub lives."""

    ca: CaFiles
    data: DataDir
    say: Callable[[str], None]

    async def run(self) -> None:
        """Look again and again what is due. A failure is told and tried again: the old certificates are still good."""
        # a bus that this hub took over may have started with a certificate that was renewed meanwhile
        reload_bus(self.data)
        told = ""
        while True:
            await asyncio.sleep(look_again_s(self.ca.lifetime_s))
            try:
                renewed = await asyncio.to_thread(self.ca.renew)
            except HubError as error:
                if str(error) != told:
                    self.say(f"certificates: {error}")
                told = str(error)
                continue
            told = ""
            if NATS in renewed:
                reload_bus(self.data)
