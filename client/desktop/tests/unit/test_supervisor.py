"""The supervisor keeps its apps running, whatever the machine runs out of."""

import asyncio

from desktop.plan import CONNECTOR, Chosen
from desktop.supervisor import Supervisor
from kit.testing import eventually


async def test_an_app_that_could_not_be_started_is_tried_again(tmp_path) -> None:
    said: list[str] = []
    chosen = Chosen("mt5sim", "", "utc", (), 1.0, 0, 1, (), "info")
    supervisor = Supervisor(tmp_path, {CONNECTOR: 1}, chosen, said.append, b"")
    # the folder of the logs is missing: like a full disk, it may come back
    keeping = asyncio.create_task(supervisor._keep(CONNECTOR))
    await eventually(lambda: said)
    assert "could not be started" in said[0]
    (tmp_path / "logs").mkdir()
    await eventually(lambda: supervisor.processes, within_s=10)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    supervisor.processes[CONNECTOR].kill()
    await supervisor.processes[CONNECTOR].wait()
