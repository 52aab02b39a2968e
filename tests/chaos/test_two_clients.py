"""Two PCs for one account, with the real bus and database: the one started last trades, and no order is sent twice."""

import asyncio
import json
import os
import signal
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts import rpc
from contracts.executions import Execution
from stage import ACCOUNT, TENANT, Stage, until

pytestmark = pytest.mark.system


@dataclass
class OtherPC(Stage):
    """Another client of the same account, with a journal and a broker of its own."""

    @property
    def client_data(self) -> Path:
        return self.data / "client-2"


async def executions(stage: Stage) -> tuple[Execution, ...]:
    async with stage.bus() as bus:
        return (await bus.ask(rpc.EXECUTIONS, rpc.ExecutionsQuestion(TENANT, ACCOUNT, rpc.MAX_ROWS))).executions


async def traded_by(stage: Stage, others: set[int]) -> set[int]:
    """Epochs of clients that have sent an order to their broker, without those known before."""

    async def found() -> set[int]:
        return {e.epoch for e in await executions(stage) if e.deal} - others

    return await until(found, 60, "an order of another client")


def test_O14_after_a_restart_of_the_bridge_another_pc_takes_over_and_no_signal_is_executed_twice(stage: Stage) -> None:
    stage.strategy = f"ma_cross:{TENANT}/{ACCOUNT}:*:volume=0.1,fast=1,slow=3,sample_ms=300"  # trades often
    stage.start_platform()
    stage.start_client()
    first = asyncio.run(traded_by(stage, set()))
    other = OtherPC(stage.data, stage.market)
    try:
        state = json.loads((stage.data / "run" / "state.json").read_text())
        os.kill(int(state["programs"]["data-bridge"]["pid"]), signal.SIGKILL)  # with all that it remembered
        other.start_client()
        second = asyncio.run(traded_by(stage, first))
        assert len(first) == len(second) == 1
        time.sleep(3)  # time for a mistake
        by_signal: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for execution in asyncio.run(executions(stage)):
            if execution.deal:
                by_signal[execution.signal_id].add((execution.epoch, execution.deal))
        assert by_signal
        assert all(len(deals) == 1 for deals in by_signal.values()), "a signal was executed twice"
    finally:
        other.stop_client()
