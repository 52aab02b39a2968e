"""A link of 64 kbit/s with far more ticks than it can carry: orders do not wait behind them."""

from collections.abc import Iterator

import pytest

from contracts.executions import ExecutionState
from kit.free_ports import free_port
from kit.testing import eventually
from kit.testing.link import Link, bad_link

pytestmark = pytest.mark.integration
NARROW = 64_000 / 8


@pytest.fixture
def link(bridge) -> Iterator[Link]:
    """The bridge is reached only over a narrow link with small buffers."""
    with bad_link(bridge.port, buffer_bytes=4_096) as made:
        bridge.port = made.port
        made.bytes_per_s = NARROW
        yield made


async def test_N05_orders_go_ahead_of_ticks_on_a_narrow_link(link, world, bridge) -> None:
    market = {"kind": "generator", "seed": 1, "symbols": ["EURUSD", "XAUUSD"], "ticks_per_second": 20.0}
    process = await world.start(world.terminal(market=market), free_port(), first_read_s="1200")
    try:
        await eventually(lambda: bridge.total() > 500, within_s=30)
        for number in range(1, 7):
            signed = world.signal()
            bridge.send(signed)
            await eventually(lambda wanted=number: len(bridge.finals()) == wanted, within_s=20)
        assert all(final.state is ExecutionState.FILLED for final in bridge.finals()), bridge.finals()
        assert len({final.deal for final in bridge.finals()}) == 6
        # the narrow link was full of ticks all the while, and would be for minutes
        assert bridge.total() < 15_000
        assert len(link.connected_at) == 2, "one to join and one for good: a slow link is no dead one"
    finally:
        process.terminate()
        await process.wait()
