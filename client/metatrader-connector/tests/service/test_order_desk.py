"""The desk with a terminal of paper: every refusal has its code, and no signal is ever executed twice."""

import asyncio
import json
import time
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk_room import OPENED, SYMBOL, Room

from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from kit.signing import sign
from kit.testing import eventually
from metatrader_connector.account_watch import EVERY_S
from metatrader_connector.domain.terminal import Picture, TerminalFacts
from metatrader_connector.order_desk import DISBELIEVED_A_MINUTE
from metatrader_connector.ports import NotSent, TerminalDown


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "2"}, "wrong_account"),
        ({"comment": "hello"}, "malformed"),
        ({"expires_ms": 1}, "expired"),
        ({"expires_ms": 1_700_000_005_001}, "lives_too_long"),
        ({"symbol": "XAUUSD"}, "symbol_not_allowed"),
        ({"volume": Decimal("1.01")}, "volume_above_limit"),
        ({"volume": Decimal("0.015")}, "volume_step"),
        ({"price": 1.0}, "collar"),
    ],
)
async def test_each_refusal_has_its_code_and_reaches_nobody(room, change, code) -> None:
    report = await room.give(room.signal(**change))
    assert (report.state, report.code, room.terminal.requests) == (State.REFUSED, code, [])
    assert report.reason
    assert room.audit.kinds == ["order_refused"]


async def test_a_stranger_can_not_block_the_id_of_a_true_signal(room) -> None:
    signal = room.signal()
    stranger = Ed25519PrivateKey.generate()
    first, again = await room.give(signal, stranger), await room.give(signal, stranger)
    assert (first.code, again.number) == ("unknown_key", first.number)
    assert (await room.give(signal)).state is State.FILLED


async def test_a_flood_that_nobody_signed_fills_no_disk_and_keeps_no_true_signal_out(room) -> None:
    stranger = Ed25519PrivateKey.generate()
    for _ in range(DISBELIEVED_A_MINUTE + 50):
        await room.desk.judge(sign(room.signal(), stranger), room.clock.now_ms(), 0)
    assert len(room.line.sent) == len(room.audit.kinds) == DISBELIEVED_A_MINUTE
    assert len(await room.journal.not_stored(0)) == DISBELIEVED_A_MINUTE
    assert (await room.give(room.signal())).state is State.FILLED
    room.clock.advance(60_000)
    assert (await room.give(room.signal(), stranger)).code == "unknown_key"
    assert room.audit.kinds[-2:] == ["signals_disbelieved", "order_refused"]


async def test_a_terminal_that_may_not_trade_is_named_in_plain_words(room) -> None:
    room.terminal.facts = TerminalFacts(True, False, False, 0)
    report = await room.give(room.signal())
    assert (report.code, report.reason) == ("trading_not_allowed", "AutoTrading button is off in MT5")
    room.terminal.facts = TerminalFacts(False, True, False, 0)
    assert (await room.give(room.signal())).code == "terminal_not_ready"


async def test_a_damaged_limits_file_stops_trading_until_it_is_corrected(room) -> None:
    room.limits_path.write_text("{")
    assert (await room.give(room.signal())).code == "trading_not_allowed"
    room.limit(json.dumps({"symbols": ["EURUSD"], "max_volume_per_order": "0.1"}))
    assert (await room.give(room.signal())).state is State.FILLED


async def test_the_orders_of_a_minute_are_limited(room) -> None:
    room.limit(json.dumps({"orders_per_minute": 2}))
    states = [(await room.give(room.signal())).state for _ in range(3)]
    assert states == [State.FILLED, State.FILLED, State.REFUSED]


async def test_a_signal_brought_again_is_answered_with_the_same_execution_even_after_its_expiry(room) -> None:
    signal = room.signal()
    first = await room.give(signal)
    room.clock.advance(60_000)
    assert await room.give(signal) == first
    assert len(room.terminal.requests) == 1


async def test_a_request_is_journaled_before_it_is_sent(room) -> None:
    seen: list[int] = []
    room.desk.failpoint = lambda step: seen.append(len(room.terminal.requests)) if step == "after_journal" else None
    await room.give(room.signal())
    assert seen == [0]


async def test_what_never_left_is_not_sent_and_stays_so(room) -> None:
    room.terminal.fate = NotSent("the terminal is being started")
    signal = room.signal()
    assert (await room.give(signal)).state is State.NOT_SENT
    room.terminal.fate = "done"
    assert (await room.give(signal)).state is State.NOT_SENT
    assert len(room.terminal.requests) == 1


async def test_no_answer_is_unknown_and_then_found(room) -> None:
    room.terminal.fate = TerminalDown("hangs")
    signal = room.signal()
    assert (await room.give(signal)).state is State.UNKNOWN
    assert list(room.desk.searching) == [signal.id]
    await room.desk.search_once()
    report = room.line.sent[-1]
    assert (report.state, report.code, report.number, room.desk.searching) == (State.FILLED, "found", 2, {})


async def test_after_a_crash_the_journal_is_searched_and_nothing_is_sent(room) -> None:
    signal = room.signal()

    def die(step: str) -> None:
        if step == "after_journal":
            raise KeyboardInterrupt

    room.desk.failpoint = die
    with pytest.raises(KeyboardInterrupt):
        await room.give(signal)
    room.journal.close()
    room.open()
    await room.desk.begin()
    await room.watch.look(OPENED)
    room.clock.advance(1_500)
    await room.watch.look(OPENED)
    for _ in range(2):
        await room.desk.search_once()
    assert (room.line.sent[-1].state, room.terminal.requests) == (State.NOT_SENT, [])
    assert (await room.give(signal)).state is State.NOT_SENT


async def test_numbers_rise_by_one_and_a_new_epoch_begins_at_one(room) -> None:
    for _ in range(3):
        await room.give(room.signal())
    assert [e.number for e in await room.journal.not_stored(0)] == [1, 2, 3]
    await room.journal.stored(2)
    await room.journal.adopt_epoch(8)
    assert [(e.epoch, e.number, e.order_id) for e in await room.journal.not_stored(0)] == [(8, 1, "o3")]
    assert (await room.give(room.signal())).number == 2


async def test_a_refused_signal_stays_refused_after_another_order(room) -> None:
    signal = room.signal()
    room.terminal.facts = TerminalFacts(True, False, False, 0)
    assert (await room.give(signal)).state is State.REFUSED
    room.terminal.facts = TerminalFacts(True, True, False, 0)
    await room.give(room.signal())
    assert (await room.give(signal)).state is State.REFUSED
    assert len(room.terminal.requests) == 1


async def test_a_report_written_while_a_new_epoch_begins_is_numbered_in_it(room) -> None:
    first = await room.give(room.signal())
    entry, _ = await room.journal.find(first.signal_id)
    _, late = await asyncio.gather(room.journal.adopt_epoch(8), room.journal.report(entry, first))
    assert (late.epoch, late.number) == (8, 2)
    assert [e.number for e in await room.journal.not_stored(0)] == [1, 2]


async def test_after_an_order_the_account_is_reported_at_once_and_by_a_picture_taken_later(room) -> None:
    run = asyncio.create_task(room.watch.run())
    try:
        await eventually(lambda: len(room.line.states) == 1)
        took = []
        for _ in range(4):
            room.clock.advance(1)
            report = await room.give(room.signal())
            told = len(room.line.states)
            room.clock.advance(1)
            began = time.monotonic()
            await eventually(lambda told=told: len(room.line.states) > told)
            took.append(time.monotonic() - began)
            assert room.line.states[-1].taken_ms > report.answered_ms
        # the best of them: a busy machine delays some, waiting for the next turn would delay nearly all
        assert min(took) < EVERY_S / 4, took
    finally:
        run.cancel()


async def test_refused_signals_ask_for_no_picture(room) -> None:
    await room.give(room.signal(volume=Decimal("0.015")))
    await room.give(room.signal(), Ed25519PrivateKey.generate())
    assert not room.watch._wanted.is_set()
    await room.give(room.signal())
    assert room.watch._wanted.is_set()


async def test_a_wrong_broker_clock_blocks_orders_and_is_said_in_health_and_account(room) -> None:
    for _ in range(4):
        room.clock.advance(1_000)
        room.terminal.symbol = msgspec.structs.replace(SYMBOL, time=room.clock.now_ms() // 1_000 + 3 * 3_600)
        await room.watch.look(OPENED)
    told = "the broker's clock is 3 h ahead of the one that terminal_clock=utc means"
    assert room.watch.blocked().startswith(told)
    state = room.line.states[-1]
    assert (state.trade_allowed, state.trade_blocked_because.startswith(told)) == (False, True)
    with pytest.raises(TerminalDown, match="terminal_clock=utc"):
        await room.watch.probe()
    report = await room.give(room.signal())
    assert (report.code, report.reason.startswith(told), room.terminal.requests) == ("trading_not_allowed", True, [])


async def test_a_replay_may_show_any_time(room) -> None:
    replay = msgspec.structs.replace(OPENED, replay=True)
    for _ in range(5):
        room.clock.advance(1_000)
        room.terminal.symbol = msgspec.structs.replace(SYMBOL, time=room.clock.now_ms() // 1_000 + 3 * 3_600)
        await room.watch.look(replay)
    assert room.watch.blocked() == ""


async def test_a_symbol_the_terminal_does_not_know_is_named_and_the_others_are_streamed(room) -> None:
    known = await room.terminal.picture(())
    room.terminal.picture = lambda names: answer(msgspec.structs.replace(known, unknown=("NOPE",)))

    async def answer(picture: Picture) -> Picture:
        return picture

    await room.watch.look(OPENED)
    assert (room.watch.symbols(), room.watch.blocked()) == (("EURUSD",), "")
    assert "the terminal does not know NOPE" in await room.watch.probe()
    assert (await room.give(room.signal(symbol="NOPE"))).code == "symbol_not_allowed"


async def test_a_position_that_was_opened_a_moment_ago_can_be_closed_before_the_terminal_shows_it(room) -> None:
    await room.watch.look(OPENED)
    opening = room.signal()
    await room.desk.judge(room.signed(opening), room.clock.now_ms(), 0)
    position = room.line.sent[-1].position
    for volume, state in (("0.11", State.REFUSED), ("0.1", State.FILLED), ("0.1", State.REFUSED)):
        closing = room.signal(side=Side.SELL, position=position, volume=Decimal(volume))
        await room.desk.judge(room.signed(closing), room.clock.now_ms(), 0)
        assert room.line.sent[-1].state is state


async def test_a_stop_that_comes_with_the_answer_to_an_order_still_ends_the_watch(room) -> None:
    task = asyncio.create_task(room.watch.run())
    await eventually(lambda: room.watch.picture is not None)
    room.watch.look_soon()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 3)
