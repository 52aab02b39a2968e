"""Run as a program: the real service, which kills itself as `DIE` says, once: the file `DIED` tells it did."""

import os
import signal
import sys
from pathlib import Path

from contracts.ticks import TickBatch
from database_service.adapters.clickhouse_ticks import ClickHouseTicks
from database_service.app import create_app, open_ticks
from database_service.settings import Settings
from kit.lifespan import Service, run

WHEN, MARK = os.environ["DIE"], Path(os.environ["DIED"])


def die() -> None:
    if not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class DyingTicks(ClickHouseTicks):
    """Dies before or after its third insert of many ticks."""

    inserts = 0

    async def insert(self, parts: list[TickBatch], stored_ms: int) -> None:
        DyingTicks.inserts += 1
        if WHEN == "before insert" and DyingTicks.inserts == 3:
            die()
        if WHEN == "during insert" and DyingTicks.inserts == 3 and not MARK.exists():
            import threading

            threading.Timer(0.004, die).start()
        await super().insert(parts, stored_ms)
        if WHEN == "after insert" and DyingTicks.inserts == 3:
            die()


async def create(service: Service, settings: Settings) -> None:
    store = await open_ticks(settings, service.clock)
    await create_app(service, settings, ticks=DyingTicks(store._writer, store._reader))


sys.exit(run("database-service", Settings, create))
