"""The rules of the conversation, one by one."""

from decimal import Decimal

import bridge_rig as rig
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.accounts import AccountState, MarginMode, PriceSource
from contracts.codec import encode
from contracts.rpc import LeaseTaken, Stored
from contracts.ticks import MAX_TICKS_PER_BATCH, TickBatch, column_fault
from contracts.uplink import AccountFrame, Ack, Control, Goodbye, Ping, Pong, Refused, Rewind, StreamPosition, Welcome
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import AskStored, AwaitBus, Close, ExecutionOut, Greet, KeepState, Kept, Send, TicksOut
from data_bridge.domain.greeting import Identity
from data_bridge.domain.session import STRIKES_PER_MINUTE, Phase, Session

NOW = rig.EPOCH + 1_000
WHO = Identity(rig.TENANT, rig.ACCOUNT, "pc-1", NOW + 10**9)
SAID = rig.hello_of()
HELLO = encode(Control(SAID))


def stored(*positions: StreamPosition, executions: int = 0, epoch: int = rig.EPOCH) -> Stored:
    return Stored(rig.TENANT, rig.ACCOUNT, positions, epoch, executions)


def opened(*positions: StreamPosition, executions: int = 0) -> Session:
    session = Session(WHO, "s", Counts(), NOW)
    session.receive(HELLO, NOW)
    session.welcome(stored(*positions, executions=executions), rig.EPOCH, NOW)
    session.drain(NOW)
    return session


def said(session: Session, now_ms: int = NOW) -> list[object]:
    """Bodies of what goes down, and other effects as they are."""
    return [e.frame.body if isinstance(e, Send) else e for e in session.drain(now_ms)]


def take(session: Session, now_ms: int = NOW) -> list[TicksOut | ExecutionOut]:
    return list(iter(lambda: session.next_message(now_ms), None))  # type: ignore[arg-type]


def test_before_welcome_only_pings_are_answered() -> None:
    session = Session(WHO, "s", Counts(), NOW)
    session.receive(HELLO, NOW)
    assert session.drain(NOW) == [Greet(SAID)]
    session.receive(encode(Control(Ping(5))), NOW)
    session.receive(encode(Control(Pong(5))), NOW)
    session.receive(encode(rig.ticks_of("EURUSD", 1, 1)), NOW)
    pong, kept, refused = said(session)
    assert pong == Pong(5, NOW)
    assert isinstance(kept, Kept)
    assert isinstance(refused, Refused)
    assert refused.code == "not_welcomed"
    assert take(session) == []


def test_a_welcome_that_comes_too_late_is_not_sent() -> None:
    session = Session(WHO, "s", Counts(), NOW)
    session.receive(HELLO, NOW)
    session.goodbye("replaced", "", retry=False)
    session.drain(NOW)
    session.welcome(stored(), rig.EPOCH, NOW)
    assert said(session) == []


def test_a_closed_session_takes_nothing_and_says_nothing() -> None:
    session = opened()
    session.goodbye("replaced", "", retry=False)
    session.goodbye("restarting", "", retry=True)
    assert [type(e) for e in said(session)] == [Goodbye, Close]
    session.receive(encode(rig.ticks_of("EURUSD", 1, 1)), NOW)
    session.receive(b"\xc1", NOW)
    session.stored(stored(StreamPosition("EURUSD", rig.EPOCH, 1)), NOW)
    session.answered(stored(), NOW)
    session.bus_back(None, NOW)
    session.tick(NOW + 100_000, reading=True)
    assert (said(session), take(session)) == ([], [])


def test_a_terminal_may_say_goodbye_itself() -> None:
    session = opened()
    session.receive(encode(Control(Goodbye("going", "the trader closed it", False))), NOW)
    assert said(session) == [Close("terminal_left", "the trader closed it")]
    assert session.phase is Phase.CLOSED


def test_strikes_are_forgiven_after_a_minute() -> None:
    session = opened()
    for i in range(3 * STRIKES_PER_MINUTE):
        session.receive(b"\xc1", NOW + i * 5_000)
    assert session.phase is Phase.OPEN


def test_a_stream_welcomed_at_a_watermark_goes_on_after_it_and_another_epochs_is_ignored() -> None:
    session = opened(StreamPosition("EURUSD", rig.EPOCH, 9), StreamPosition("EURUSD", rig.EPOCH - 1, 50))
    session.receive(encode(rig.ticks_of("EURUSD", 8, 4)), NOW)
    (message,) = take(session)
    assert isinstance(message, TicksOut)
    assert (message.batch.first_seq, message.batch.count) == (10, 2)
    assert message.message_id == f"default.1000001.EURUSD.{rig.EPOCH}.10.2.{NOW}"
    assert session.counts.duplicates == 2


def test_several_symbols_take_turns() -> None:
    session = opened()
    half = MAX_TICKS_PER_BATCH // 2 + 1
    for first in (1, 1 + half):
        for symbol in ("A", "B"):
            session.receive(encode(rig.ticks_of(symbol, first, half)), NOW)
    assert [m.batch.symbol for m in take(session) if isinstance(m, TicksOut)] == ["A", "B", "A", "B"]


def test_joined_messages_keep_to_the_byte_limit() -> None:
    session = opened()
    wide = rig.ticks_of("EURUSD", 1, 9_000)
    for first in (1, 9_001):
        batch = msgspec.structs.replace(wide, first_seq=first, last=bytes(72_000), volume_real=bytes(72_000))
        session.receive(encode(batch), NOW)
    assert [m.batch.count for m in take(session) if isinstance(m, TicksOut)] == [9_000, 9_000]


def test_one_rewind_is_sent_for_one_hole_and_again_when_the_terminal_does_not_heed_it() -> None:
    session = opened()
    for first in (5, 6, 7):
        session.receive(encode(rig.ticks_of("EURUSD", first, 1)), NOW)
    assert [type(e) for e in said(session)] == [Rewind]
    session.tick(NOW + 5_900, reading=False)
    assert [e for e in said(session) if isinstance(e, Rewind)] == []
    session.tick(NOW + 6_100, reading=False)
    assert [e.from_seq for e in said(session) if isinstance(e, Rewind)] == [1]
    assert session.counts.waiting == 3


def test_a_store_that_has_more_than_was_asked_for_moves_the_rewind_on() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("EURUSD", 8, 3)), NOW)
    said(session)
    session.stored(stored(StreamPosition("EURUSD", rig.EPOCH, 7)), NOW)
    rewind, ack = said(session)
    assert (rewind.from_seq, ack.stored[0].seq) == (8, 7)  # type: ignore[attr-defined]


def test_news_of_streams_this_connection_never_saw_are_passed_on_and_old_epochs_are_not() -> None:
    session = opened()
    news = stored(StreamPosition("XAUUSD", rig.EPOCH, 4), StreamPosition("XAUUSD", 7, 4))
    session.stored(news, NOW)
    session.stored(news, NOW)
    assert said(session) == [Ack((StreamPosition("XAUUSD", rig.EPOCH, 4),), 0)]


def test_without_progress_the_store_is_asked_once_and_a_silent_store_causes_no_rewind() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("EURUSD", 1, 5)), NOW)
    session.receive(encode(rig.execution_of(1)), NOW)
    take(session)
    session.tick(NOW + 3_000, reading=False)
    session.tick(NOW + 3_250, reading=False)
    assert [e for e in said(session) if isinstance(e, AskStored)] == [AskStored(rig.EPOCH)]
    session.unanswered(NOW + 8_000)
    session.tick(NOW + 13_000, reading=False)
    assert not [e for e in said(session) if isinstance(e, AskStored | Rewind)]
    session.tick(NOW + 14_000, reading=False)
    assert [e for e in said(session) if isinstance(e, AskStored)]


def test_an_answer_that_shows_progress_causes_no_rewind_and_one_without_does() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 5)), NOW)
    session.receive(encode(rig.ticks_of("B", 1, 5)), NOW)
    session.receive(encode(rig.execution_of(1)), NOW)
    first = take(session)
    session.tick(NOW + 3_000, reading=False)
    said(session)
    session.answered(stored(StreamPosition("A", rig.EPOCH, 2)), NOW + 3_100)
    down = said(session)
    assert [(e.symbol, e.from_seq) for e in down if isinstance(e, Rewind)] == [("B", 1)]
    again = take(session)
    assert [m.message_id for m in again] == [m.message_id for m in first if isinstance(m, ExecutionOut)]


def test_executions_the_store_lost_after_confirming_them_are_asked_of_the_terminal() -> None:
    session = opened(executions=5)
    session.receive(encode(rig.execution_of(6)), NOW)
    take(session)
    session.answered(stored(executions=3), NOW + 3_000)
    ack, refused = said(session)
    assert (ack.execution_stored, refused.code) == (3, "execution_gap")  # type: ignore[attr-defined]
    session.receive(encode(rig.execution_of(4)), NOW + 3_000)
    (message,) = take(session)
    assert isinstance(message, ExecutionOut)
    assert message.execution.number == 4


def test_a_terminal_that_does_not_repeat_what_the_store_lost_has_to_connect_again() -> None:
    session = opened(executions=5)
    session.receive(encode(rig.execution_of(6)), NOW)
    take(session)
    session.answered(stored(executions=3), NOW + 3_000)
    said(session)
    for later in (9_000, 15_000):
        session.receive(encode(Control(Ping(1))), NOW + later)
        said(session)
        session.tick(NOW + later, reading=True)
    goodbye, _ = said(session)
    assert (goodbye.code, goodbye.retry) == ("execution_gap", True)  # type: ignore[attr-defined]


def test_a_frame_nested_without_end_is_a_malformed_frame() -> None:
    session = opened()
    session.receive(b"\x92\xa7control\x82\xa4type\xa4ping\xa1x" + b"\x91" * 1_000_000 + b"\xc0", NOW)
    kept, refused = said(session)
    assert (kept.code, refused.code) == ("malformed", "malformed")  # type: ignore[attr-defined]


def test_failed_publishes_of_one_outage_await_the_bus_once_and_stale_failures_are_ignored() -> None:
    session = opened()
    for symbol in ("A", "B"):
        session.receive(encode(rig.ticks_of(symbol, 1, 5)), NOW)
    session.receive(encode(rig.execution_of(1)), NOW)
    messages = take(session)
    for message in messages:
        session.failed(message)
    assert [e for e in said(session) if isinstance(e, AwaitBus)] == [AwaitBus(rig.EPOCH)]
    session.receive(encode(rig.ticks_of("A", 6, 5)), NOW)
    assert take(session) == []
    session.bus_back(None, NOW)
    assert {(e.symbol, e.from_seq) for e in said(session) if isinstance(e, Rewind)} == {("A", 1), ("B", 1)}
    for message in messages:
        session.failed(message)
    assert said(session) == []
    assert [m.message_id for m in take(session)] == [m.message_id for m in messages if isinstance(m, ExecutionOut)]


def test_when_the_bus_is_back_the_stores_answer_decides_where_to_go_on() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 5)), NOW)
    (message,) = take(session)
    session.failed(message)
    session.bus_back(stored(StreamPosition("A", rig.EPOCH, 3)), NOW)
    assert [e.from_seq for e in said(session) if isinstance(e, Rewind)] == [4]


def test_a_new_epoch_publishes_what_is_left_of_the_old_one() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 5)), NOW)
    session.receive(encode(rig.execution_of(1)), NOW)
    session.receive(encode(msgspec.structs.replace(rig.execution_of(1), epoch=rig.EPOCH + 1)), NOW)
    session.receive(encode(rig.ticks_of("A", 1, 2, epoch=rig.EPOCH + 1)), NOW)
    messages = take(session)
    assert [m.execution.epoch for m in messages if isinstance(m, ExecutionOut)] == [rig.EPOCH, rig.EPOCH + 1]
    assert [m.batch.count for m in messages if isinstance(m, TicksOut)] == [5, 2]
    assert AskStored(rig.EPOCH + 1) in said(session)
    for message in messages:
        session.failed(message)
    assert AwaitBus(rig.EPOCH + 1) in said(session)


def test_too_many_symbols_are_refused() -> None:
    session = opened(*(StreamPosition(f"S{i}", rig.EPOCH, 1) for i in range(2_000)))
    session.receive(encode(rig.ticks_of("ONEMORE", 1, 1)), NOW)
    assert [e.code for e in said(session) if isinstance(e, Refused)] == ["too_many_streams"]


def test_silence_proves_nothing_while_the_bridge_does_not_read() -> None:
    session = opened()
    session.tick(NOW + 60_000, reading=False)
    assert session.phase is Phase.OPEN
    session.tick(NOW + 74_000, reading=True)
    session.tick(NOW + 75_000, reading=True)
    assert session.phase is Phase.CLOSED


@given(st.integers(-2, 4), st.integers(-1, 2), st.lists(st.integers(0, 33), min_size=8, max_size=8), st.integers(0, 2))
def test_the_quick_look_at_columns_never_accepts_what_the_contract_refuses(
    count: int, first: int, sizes: list[int], fits: int
) -> None:
    widths = (8, 8, 8, 8, 4, 1, 8 if fits == 2 else 0, 0)
    # ones, so that every eight bytes are a price
    columns = [b"\x01" * max(count, 0) * w for w in widths] if fits else [b"\x01" * s for s in sizes]
    batch = TickBatch(rig.TENANT, rig.ACCOUNT, "EURUSD", rig.EPOCH, first, count, *columns)
    session = opened()
    session.receive(encode(batch), NOW)
    refused = [e for e in said(session) if isinstance(e, Refused)]
    assert bool(refused) == (column_fault(batch) is not None)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_a_session(data: bytes) -> None:
    for session in (Session(WHO, "s", Counts(), NOW), opened()):
        session.receive(data, NOW)
        for effect in session.drain(NOW):
            assert isinstance(effect, Kept | Send | Close | Greet | AskStored)


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_a_frame_cut_short_is_refused(cut: int) -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("EURUSD", 1, 2))[:-cut], NOW)
    assert [e.code for e in said(session) if isinstance(e, Refused)] == ["malformed"]
    assert Welcome not in {type(e) for e in said(session)}


def test_a_frame_of_the_old_epoch_is_refused_whatever_it_carries() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 1, epoch=rig.EPOCH - 1)), NOW)
    session.receive(encode(msgspec.structs.replace(rig.execution_of(1), epoch=rig.EPOCH - 1)), NOW)
    assert [e.code for e in said(session) if isinstance(e, Refused)] == ["old_epoch", "old_epoch"]


def test_what_the_store_confirms_before_it_was_published_is_not_published_again() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 5)), NOW)
    session.receive(encode(rig.ticks_of("B", 1, 5)), NOW)
    session.stored(stored(StreamPosition("A", rig.EPOCH, 7)), NOW)
    assert [m.batch.symbol for m in take(session) if isinstance(m, TicksOut)] == ["B"]
    session.receive(encode(rig.ticks_of("A", 8, 1)), NOW)
    assert [m.batch.first_seq for m in take(session) if isinstance(m, TicksOut)] == [8]


def test_executions_the_store_confirmed_from_elsewhere_are_not_expected_again() -> None:
    session = opened()
    session.stored(stored(executions=4), NOW)
    session.receive(encode(rig.execution_of(5)), NOW)
    assert [m.execution.number for m in take(session) if isinstance(m, ExecutionOut)] == [5]


def test_only_what_has_waited_long_enough_is_waited_for_longer() -> None:
    session = opened()
    session.receive(encode(rig.ticks_of("A", 1, 5)), NOW)
    take(session)
    session.receive(encode(rig.ticks_of("B", 1, 5)), NOW + 2_000)
    take(session, NOW + 2_000)
    session.unanswered(NOW + 3_000)
    assert [s.patience.wait_ms for s in session.intake.streams.values()] == [6_000, 3_000]


def test_a_hello_within_time_is_waited_for_quietly() -> None:
    session = Session(WHO, "s", Counts(), NOW)
    session.tick(NOW + 4_999, reading=True)
    assert said(session) == []


def test_nothing_is_said_before_welcome_however_long_the_store_takes() -> None:
    session = Session(WHO, "s", Counts(), NOW)
    session.receive(HELLO, NOW)
    session.drain(NOW)
    session.tick(NOW + 9_000, reading=True)
    assert said(session) == []


def test_while_the_bus_is_away_the_streams_that_still_flow_are_left_alone_when_it_is_back() -> None:
    session = opened()
    for symbol in ("A", "B"):
        session.receive(encode(rig.ticks_of(symbol, 1, 5)), NOW)
    failed, arrived = take(session)
    session.failed(failed)
    session.published(arrived)
    session.bus_back(None, NOW)
    assert [e.symbol for e in said(session) if isinstance(e, Rewind)] == ["A"]


def test_until_the_client_knows_its_lease_the_account_says_that_it_can_not_trade() -> None:
    picture = AccountState(
        rig.TENANT, rig.ACCOUNT, 1, "s", "c", "USD", MarginMode.HEDGING, 1, Decimal(1), Decimal(1), Decimal(0),
        Decimal(1), Decimal(0), PriceSource.SIMULATED, True, True, "", (), (),
    )  # fmt: skip
    session = opened()
    session.posture.heard(session.posture.ask(NOW), NOW, NOW)
    session.lent(LeaseTaken(7, False, "pc-1", 1), NOW)
    assert session.withheld(NOW) == ""
    session.receive(encode(AccountFrame(picture)), NOW)
    session.receive(encode(Control(Ping(NOW))), NOW)  # its answer tells the client of its lease
    kept = [e.state for e in session.drain(NOW) if isinstance(e, KeepState)]
    assert [(state.fence, state.trade_allowed) for state in kept] == [(0, False), (7, True)]
    assert "lent the account this moment" in kept[0].trade_blocked_because
