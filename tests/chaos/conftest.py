"""What the chaos tests share: the oracle, and a stage whose client comes over a bad network."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from whereabouts import settled, told

from contracts import rpc
from kit.testing.link import Link, bad_link
from smoke import count
from stage import ACCOUNT, TENANT, Stage, StageError, until

Oracle = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def whole(stage: Stage) -> Oracle:
    """Wait until so many ticks are stored and every order has its end; nothing is lost, nothing doubled."""

    async def settle(ticks: int, within_s: float = 120) -> None:
        async with stage.bus() as bus:

            async def stored() -> bool:
                return (await count(bus)).stored >= ticks

            await until(stored, within_s, f"storing {ticks} ticks")
            counted = await count(bus)
            assert (counted.stored, counted.lost, counted.duplicated, counted.refused) == (ticks, 0, 0, {})

            try:
                await until(lambda: settled(bus), within_s, "accounting for every order")
            except StageError as error:
                raise AssertionError(f"{error}: {await told(stage)}") from None
            question = rpc.ExecutionsQuestion(TENANT, ACCOUNT, rpc.MAX_ROWS)
            executions = (await bus.ask(rpc.EXECUTIONS, question)).executions
            deals = [e.deal for e in executions if e.deal]
            filled = {e.signal_id for e in executions if e.deal}
            assert len(set(deals)) == len(filled), "a signal was executed twice"

    return settle


@pytest.fixture
def link(stage: Stage) -> Iterator[Link]:
    """The network between the client and the bridge; the platform runs, the client is still to be started."""
    stage.start_platform()
    with bad_link(stage.ports["data-bridge"]) as made:
        stage.through = made.port
        yield made
        stage.stop_client()
