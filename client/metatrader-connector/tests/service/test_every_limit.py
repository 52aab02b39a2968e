"""Each limit of the trader at its exact edge, at the broker's midnight, and after a restart."""

from decimal import Decimal

import msgspec
import pytest
from desk_room import FENCE, OPENED, Room

from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from metatrader_connector import limits_cli
from metatrader_connector.adapters.halt_file import HaltFile
from metatrader_connector.adapters.limits_file import document_of
from metatrader_connector.domain.limits import changed_by
from metatrader_connector.domain.terminal import PositionFacts
from metatrader_connector.ports import TerminalDown

DAY_MS = 86_400_000
NETTING, HEDGING = 0, 2


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


def limit(room, **values: str) -> None:
    room.limit(document_of(changed_by(room.limits(), values)).decode())


def position(ticket: int, volume: float, symbol: str = "EURUSD", kind: int = 0) -> PositionFacts:
    return PositionFacts(ticket, symbol, kind, volume, 1.1, 1.1, 0.0, 0.0, 0, 0, "", 0.0, 0.0, ticket)


def account(room, **change: object) -> None:
    room.terminal.account = msgspec.structs.replace(room.terminal.account, **change)


async def restarted(room) -> None:
    room.journal.close()
    room.open()
    room.lease.fence = FENCE
    await room.desk.begin()


@pytest.mark.parametrize(("volume", "state"), [("0.49", State.FILLED), ("0.5", State.FILLED), ("0.51", State.REFUSED)])
async def test_O18_the_volume_of_one_order_at_its_edge(room, volume, state) -> None:
    limit(room, max_volume_per_order="0.5")
    assert (await room.give(room.signal(volume=Decimal(volume)))).state is state


@pytest.mark.parametrize(("open_lots", "state"), [(0.39, State.FILLED), (0.4, State.FILLED), (0.41, State.REFUSED)])
async def test_O18_the_lots_that_are_open_in_total_at_their_edge(room, open_lots, state) -> None:
    limit(room, max_volume_total="0.5")
    room.terminal.positions = (position(1, open_lots, "XAUUSD", kind=1),)
    report = await room.give(room.signal(volume=Decimal("0.1")))
    assert (report.state, report.code) == (state, "done" if state is State.FILLED else "volume_above_limit")


async def test_orders_that_the_terminal_does_not_show_yet_count_to_the_total(room) -> None:
    limit(room, max_volume_total="0.2")
    await room.watch.look(OPENED)
    states = []
    for _ in range(3):  # no look at the account in between
        await room.desk.judge(room.signed(room.signal()), room.clock.now_ms(), 0)
        states.append(room.line.sent[-1].state)
    assert states == [State.FILLED, State.FILLED, State.REFUSED]


async def test_an_order_whose_fate_is_not_known_counts_to_the_total_even_after_a_restart(room) -> None:
    limit(room, max_volume_total="0.15")
    room.terminal.fate = TerminalDown("no answer")
    assert (await room.give(room.signal())).state is State.UNKNOWN
    room.terminal.fate = "done"
    await restarted(room)
    assert (await room.give(room.signal())).code == "volume_above_limit"


async def test_on_a_netting_account_an_order_that_makes_the_position_smaller_is_within_the_total(room) -> None:
    limit(room, max_volume_total="0.5")
    account(room, margin_mode=NETTING)
    room.terminal.positions = (position(1, 0.9),)
    assert (await room.give(room.signal())).code == "volume_above_limit"
    assert (await room.give(room.signal(side=Side.SELL))).state is State.FILLED


async def test_closing_is_within_every_limit_but_the_switch(room) -> None:
    limit(room, max_volume_total="0.01", max_loss_per_day="1", trading_hours="Sun 00:00-00:01", symbols="XAUUSD",
          max_volume_per_order="0.01", orders_per_minute="0")  # fmt: skip
    room.terminal.earned = -100.0
    room.terminal.positions = (position(7, 0.3),)
    close = {"side": Side.SELL, "position": 7}
    assert (await room.give(room.signal(**close))).state is State.FILLED
    room.halt = b"closing"
    assert (await room.give(room.signal(**close))).state is State.FILLED
    room.halt = b""
    assert (await room.give(room.signal(**close))).code == "halted"


async def test_O18_the_orders_of_a_minute_at_their_edge_and_after_a_restart(room) -> None:
    limit(room, orders_per_minute="2")
    assert [(await room.give(room.signal())).state for _ in range(2)] == [State.FILLED] * 2
    await restarted(room)
    assert (await room.give(room.signal())).state is State.REFUSED
    room.clock.advance(60_001)
    room.open()
    assert (await room.give(room.signal())).state is State.FILLED


@pytest.mark.parametrize(
    ("earned", "state"), [(-99.99, State.FILLED), (-100.0, State.REFUSED), (-100.01, State.REFUSED)]
)
async def test_O18_the_loss_of_a_day_at_its_edge(room, earned, state) -> None:
    limit(room, max_loss_per_day="100")
    room.terminal.earned = earned
    assert (await room.give(room.signal())).state is state


async def test_what_open_positions_have_lost_counts_and_what_they_have_won_does_not(room) -> None:
    limit(room, max_loss_per_day="100")
    room.terminal.earned = -60.0
    account(room, profit=50.0)
    assert (await room.give(room.signal())).state is State.FILLED
    account(room, profit=-40.0)
    report = await room.give(room.signal())
    assert (report.state, "100.00 USD" in report.reason) == (State.REFUSED, True)


async def test_a_day_whose_cost_was_not_read_allows_nothing(room) -> None:
    limit(room, max_loss_per_day="100")
    await room.watch.look(OPENED)
    room.watch.earned = None
    await room.desk.judge(room.signed(room.signal()), room.clock.now_ms(), 0)
    assert room.line.sent[-1].state is State.REFUSED


async def test_O21_the_loss_begins_anew_at_the_brokers_midnight_and_not_before(room) -> None:
    limit(room, max_loss_per_day="100")
    room.terminal.earned = -150.0
    to_midnight = DAY_MS - room.clock.now_ms() % DAY_MS
    room.clock.advance(to_midnight - 2_000)
    room.open()
    assert (await room.give(room.signal())).state is State.REFUSED
    asked = len(room.terminal.asked_result)
    room.clock.advance(3_000)
    room.terminal.earned = 0.0
    room.open()
    assert (await room.give(room.signal())).state is State.FILLED
    before, after = room.terminal.asked_result[asked - 1][0], room.terminal.asked_result[-1][0]
    assert after - before == 86_400


async def test_the_loss_counts_after_a_restart_because_the_broker_is_asked(room) -> None:
    limit(room, max_loss_per_day="100")
    room.terminal.earned = -150.0
    assert (await room.give(room.signal())).state is State.REFUSED
    await restarted(room)
    assert (await room.give(room.signal())).state is State.REFUSED


async def test_the_days_result_is_read_again_only_when_the_balance_moved(room) -> None:
    for _ in range(3):
        await room.watch.look(OPENED)
    assert len(room.terminal.asked_result) == 1
    account(room, balance=2.0)
    await room.watch.look(OPENED)
    assert len(room.terminal.asked_result) == 2


@pytest.mark.parametrize(("at", "state"), [("21:59", State.REFUSED), ("22:13", State.FILLED), ("22:14", State.REFUSED)])
async def test_the_trading_hours_at_their_edges(room, at, state) -> None:
    # the fake clock begins on Tuesday 2023-11-14 22:13:20 UTC
    hour, minute = (int(part) for part in at.split(":"))
    room.clock.advance(DAY_MS + ((hour - 22) * 60 + minute - 13) * 60_000)
    room.open()
    limit(room, trading_hours="Mon-Fri 22:00-22:14", trading_hours_zone="utc")
    report = await room.give(room.signal())
    assert (report.state, "trading hours" in report.reason) == (state, state is State.REFUSED)


async def test_O17_the_switch_stops_the_next_order_and_lets_go_when_it_is_removed(room, tmp_path, capsys) -> None:
    switch = HaltFile(tmp_path / "halt")
    room.desk.gate.halt = switch.read
    assert limits_cli.main(["halt", "--data", str(tmp_path)]) == 0
    report = await room.give(room.signal())
    assert (report.state, report.code, room.terminal.requests) == (State.REFUSED, "halted", [])
    await restarted(room)
    room.desk.gate.halt = switch.read
    assert (await room.give(room.signal())).code == "halted"
    assert limits_cli.main(["resume", "--data", str(tmp_path)]) == 0
    assert (await room.give(room.signal())).state is State.FILLED
    assert limits_cli.main(["resume", "--data", str(tmp_path)]) == 0
    assert "was not stopped" in capsys.readouterr().out


def test_a_switch_that_can_not_be_read_counts_as_stopped(tmp_path) -> None:
    (tmp_path / "halt").mkdir()
    assert HaltFile(tmp_path / "halt").read() == b""


@pytest.mark.parametrize(
    "wrong",
    [{"max_volume_total": "0"}, {"max_loss_per_day": "-1"}, {"trading_hours": "always"}, {"trading_hours": "Mon 9-5"},
     {"trading_hours": "Mon 17:00-08:00"}, {"trading_hours_zone": "Mars/Olympus"}],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused_with_words(room, wrong) -> None:
    with pytest.raises(ValueError, match="this can't be a limit"):
        changed_by(room.limits(), wrong)
