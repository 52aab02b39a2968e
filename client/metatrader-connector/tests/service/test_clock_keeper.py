"""The broker's clock is detected before any tick is read, kept over a restart, and changed with an alarm."""

import asyncio

import msgspec
import pytest
from desk_room import OPENED, Room

from contracts.executions import ExecutionState as State
from kit.testing import eventually
from metatrader_connector.clock_keeper import FILE, ClockKeeper
from metatrader_connector.domain.broker_clock import to_broker
from metatrader_connector.domain.clock_fit import AGREE

HOUR_S = 3_600


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


async def no_bars(symbol: str) -> tuple[int, ...]:
    return ()


def keeper_of(room, tmp_path, told: list[str]) -> ClockKeeper:
    room.terminal.hours = no_bars
    room.watch.clock_known = False

    def use(zone: str) -> None:
        room.watch.zone = room.watch.clock_fit.zone = zone
        room.watch.clock_fit.trouble = ""

    return ClockKeeper(room.terminal, room.watch, tmp_path / FILE, room.clock, use, lambda _, words: told.append(words))


async def quotes(room, keeper, zone: str, seconds: int) -> None:
    """Live prices by the broker's clock, looked at every second."""
    for _ in range(seconds):
        room.clock.advance(1_000)
        newest = to_broker(zone, room.clock.now_ms()) // 1000
        room.terminal.symbol = msgspec.structs.replace(room.terminal.symbol, time=newest)
        await room.watch.look(OPENED)
        if not room.watch.clock_known or room.watch.clock_fit.trouble:
            await keeper._look(room.watch.picture)


async def test_nothing_is_read_or_traded_before_the_clock_is_known(room, tmp_path) -> None:
    told: list[str] = []
    keeper = keeper_of(room, tmp_path, told)
    report = await room.give(room.signal())
    assert (report.state, "being detected" in report.reason) == (State.REFUSED, True)
    assert (room.watch.symbols(), room.line.states) == ((), [])
    await quotes(room, keeper, "eet", 3)
    assert room.watch.symbols() == ("EURUSD",)
    assert len(told) == 1


async def test_what_was_detected_counts_at_once_after_a_restart(room, tmp_path) -> None:
    keeper = keeper_of(room, tmp_path, [])
    await quotes(room, keeper, "ny+7", 3)
    again = keeper_of(room, tmp_path, [])
    again.begin()
    assert (room.watch.zone, room.watch.clock_known) == ("ny+7", True)


async def test_D07_a_clock_that_changes_stops_trading_with_an_alarm_until_the_new_one_is_found(room, tmp_path) -> None:
    told: list[str] = []
    alarms: list[tuple[str, bool]] = []
    room.watch.alarm = lambda kind, words: alarms.append((kind, bool(words)))
    keeper = keeper_of(room, tmp_path, told)
    await quotes(room, keeper, "utc", 3)
    await quotes(room, keeper, "utc+3", AGREE + 3)
    assert ("broker_clock_changed", True) in alarms
    assert room.watch.clock_fit.trouble == ""
    assert "it was taken for utc" in told[-1]
    assert room.watch.zone == "utc+3"


async def test_it_runs_beside_the_watch(room, tmp_path) -> None:
    keeper = keeper_of(room, tmp_path, [])
    room.terminal.symbol = msgspec.structs.replace(room.terminal.symbol, time=5)
    await room.watch.look(OPENED)
    task = asyncio.create_task(keeper.run())
    await eventually(lambda: keeper._newest_s == 5)
    task.cancel()
