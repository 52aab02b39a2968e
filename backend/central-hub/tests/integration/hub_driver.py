"""`aitrading up` with a table of fake services: `python hub_driver.py DATA [PROGRAM …]`."""

import asyncio
import os
import sys
from pathlib import Path

from central_hub.adapters import processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.platform import assemble
from central_hub.cli.up import live
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import NATS, POSTGRES, Program
from central_hub.ports import HubError
from kit.free_ports import free_ports

TABLE = (
    Program(NATS),
    Program(POSTGRES),
    Program("fake-first", (NATS, POSTGRES), "fake_first", stop_limit_s=3),
    Program("fake-second", ("fake-first",), "fake_second", stop_limit_s=3),
)


def main() -> int:
    """Run like the command line does."""
    data = DataDir(Path(sys.argv[1]))
    wanted = set(sys.argv[2:]) or {program.name for program in TABLE}
    table = tuple(program for program in TABLE if program.name in wanted)
    try:
        data.open()
        data.lock()
        state = data.read_state()
        names = (*(program.name for program in TABLE), HUB)
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        if any(processes.is_same(record) for record in state.programs.values()):
            ports = dict(state.ports)
        return asyncio.run(live(assemble(data, os.environ, ports, table), data))
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
