"""What was signed once is executed once at most: replays, old prices, foreign keys, wrong clocks, lost leases."""

from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk_room import FENCE, Room

from contracts.executions import ExecutionState as State
from contracts.rotation import KeyList, SignalKey, SignedKeyList
from contracts.signals import SignalLimits
from contracts.uplink import LEASE_MS
from kit.key_lists import sign_list
from kit.keys import key_id, public_text
from metatrader_connector.domain.limits import Quote
from metatrader_connector.domain.terminal import DealFacts


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


async def test_T16_the_same_signal_again_is_answered_as_before_and_not_sent(room) -> None:
    signal = room.signal()
    first = await room.give(signal)
    assert (await room.give(signal), len(room.terminal.books)) == (first, 1)


async def test_T16_a_signal_with_an_older_number_is_refused_and_recorded(room) -> None:
    older, newer = room.signal(), room.signal()
    assert (await room.give(newer)).state is State.FILLED
    report = await room.give(older)
    assert (report.state, report.code, len(room.terminal.books)) == (State.REFUSED, "out_of_order", 1)
    assert room.audit.kinds == ["order_filled", "order_refused"]


async def test_T16_another_signal_under_a_number_that_was_used_is_refused(room) -> None:
    first = room.signal()
    await room.give(first)
    assert (await room.give(room.signal(seq=first.seq))).code == "out_of_order"


async def test_T16_a_signal_after_its_expiry_is_refused(room) -> None:
    signal = room.signal()
    room.clock.advance(4_000)
    report = await room.give(signal)
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "expired", [])


@pytest.mark.parametrize("change", [{"account": "2000002"}, {"tenant": "other"}])
async def test_T16_a_signal_of_another_account_or_tenant_is_refused(room, change) -> None:
    report = await room.give(room.signal(**change))
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "wrong_account", [])


async def test_T16_after_a_restart_the_journal_still_knows_ids_and_numbers(room) -> None:
    older, done = room.signal(), room.signal()
    first = await room.give(done)
    room.journal.close()
    room.open()
    assert await room.give(done) == first
    assert (await room.give(older)).code == "out_of_order"
    assert len(room.terminal.books) == 1


async def test_T16_after_a_new_installation_signals_from_before_it_are_searched_for_and_never_sent(
    room, tmp_path
) -> None:
    signal = room.signal()
    assert (await room.give(signal)).state is State.FILLED
    room.journal.close()
    room.path = tmp_path / "new" / "journal.db"
    room.clock.advance(1)
    room.open()
    report = await room.give(signal)
    assert (report.state, report.code, len(room.terminal.books)) == (State.UNKNOWN, "replayed", 1)
    await room.desk.search_once()
    report = room.line.sent[-1]
    assert (report.state, report.code, report.deal, len(room.terminal.books)) == (State.FILLED, "found", 1, 1)


async def test_T16_a_number_that_was_only_refused_is_used_up_as_well(room) -> None:
    refused = room.signal(volume=Decimal("0.015"))
    assert (await room.give(refused)).code == "volume_step"
    assert (await room.give(room.signal(seq=refused.seq))).code == "out_of_order"


@pytest.mark.parametrize(("points", "told"), [(50, "FILLED"), (51, "collar"), (-50, "FILLED"), (-51, "collar")])
async def test_T17_a_price_beyond_the_collar_is_refused_in_either_direction(room, points, told) -> None:
    ask = 1.1 + points * 1e-5
    room.quotes["EURUSD"] = Quote(ask - 1e-4, ask, room.clock.now_ms())
    room.terminal.price = ask
    report = await room.give(room.signal(deviation_points=60, limits=SignalLimits(collar_points=50)))
    assert told in (report.state.value, report.code)
    assert len(room.terminal.books) == (told == "FILLED")


async def test_T17_a_price_that_leaves_the_collar_after_the_last_look_is_caught_beside_order_send(room) -> None:
    room.terminal.before_send = lambda: setattr(room.terminal, "price", 1.2)
    report = await room.give(room.signal(limits=SignalLimits(collar_points=50)))
    assert (report.state, report.code, room.terminal.books) == (State.NOT_SENT, "collar", [])


async def test_T17_an_old_quote_is_refused_as_stale(room) -> None:
    room.quotes["EURUSD"] = Quote(1.0999, 1.1, room.clock.now_ms() - 10_001)
    report = await room.give(room.signal(limits=SignalLimits(max_quote_age_ms=10_000)))
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "stale", [])


async def test_T17_a_signal_that_expires_on_its_last_step_is_not_sent(room) -> None:
    room.terminal.before_send = lambda: room.clock.advance(4_000)
    report = await room.give(room.signal())
    assert (report.state, report.code, room.terminal.books) == (State.NOT_SENT, "expired", [])


async def test_T18_a_signal_of_a_key_nobody_pinned_is_refused_and_uses_up_no_number(room) -> None:
    signal = room.signal(seq=2**60)
    report = await room.give(signal, Ed25519PrivateKey.generate())
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "unknown_key", [])
    assert (await room.give(room.signal())).state is State.FILLED


async def test_a_signal_above_its_own_limit_contradicts_itself(room) -> None:
    report = await room.give(room.signal(volume=Decimal("0.2"), limits=SignalLimits(max_volume=Decimal("0.1"))))
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "volume_above_limit", [])


@pytest.mark.parametrize("off_ms", [-1_000, -900, 900, 1_000])
async def test_T21_a_clock_off_by_a_second_trades(room, off_ms) -> None:
    room.clock.advance(5_000)  # the journal is older than the signal
    room.server_ahead(-off_ms)
    now = room.clock.now_ms() - off_ms
    report = await room.give(room.signal(issued_ms=now, expires_ms=now + 4_000))
    assert report.state is State.FILLED


@pytest.mark.parametrize("off_s", [sign * s for s in (2, 30, 300, 86_400) for sign in (-1, 1)])
async def test_T21_a_clock_off_by_more_is_refused_as_clock_and_said_in_the_account(room, off_s) -> None:
    room.server_ahead(-off_s * 1_000)
    now = room.clock.now_ms() - off_s * 1_000
    report = await room.give(room.signal(issued_ms=now, expires_ms=now + 4_000))
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "clock", [])
    told = "ahead of" if off_s > 0 else "behind"
    assert f"{told} the server's" in report.reason
    state = room.line.states[-1]
    assert (state.trade_allowed, told in state.trade_blocked_because) == (False, True)


async def test_T21_a_clock_that_is_set_while_the_client_runs_shows_at_once(room) -> None:
    assert (await room.give(room.signal())).state is State.FILLED
    room.clock.step(30_000)
    assert (await room.give(room.signal())).code == "clock"


async def test_O07_a_signal_that_waited_while_the_pc_slept_expires(room) -> None:
    signal = room.signal()
    room.clock.advance(600_000)
    report = await room.give(signal)
    assert (report.state, report.code, room.terminal.books) == (State.REFUSED, "expired", [])


async def test_O14_a_leader_that_was_frozen_sends_nothing_when_it_thaws(room) -> None:
    room.lease.until_ns = room.clock.boot_ns() + LEASE_MS * 1_000_000
    # frozen between its decision and `order_send`, with a clock that somebody set back meanwhile
    room.terminal.before_send = lambda: (room.clock.advance(60_000), room.clock.step(-60_000))
    report = await room.give(room.signal())
    assert (report.state, report.code, room.terminal.books) == (State.NOT_SENT, "fenced", [])


async def test_O14_a_client_whose_lease_ran_out_refuses_before_it_asks_the_terminal(room) -> None:
    room.lease.until_ns = room.clock.boot_ns()
    report = await room.give(room.signal())
    assert (report.state, report.code, room.terminal.requests) == (State.NOT_SENT, "fenced", [])


@pytest.mark.parametrize("fence", [0, FENCE - 1, FENCE + 1])
async def test_O14_a_signal_made_out_to_another_client_of_the_account_is_not_sent_but_searched_for(room, fence) -> None:
    report = await room.give(room.signal(fence=fence))
    assert (report.state, report.code, room.terminal.requests) == (State.UNKNOWN, "fenced", [])
    assert "only the client it was made for" in report.reason


async def test_what_another_client_was_to_execute_ends_as_not_sent_when_the_broker_has_nothing_of_it(room) -> None:
    signal = room.signal(fence=FENCE - 1)
    await room.give(signal)
    room.clock.advance(
        signal.expires_ms - signal.issued_ms + 999
    )  # the other client, and its order, may be on their way
    for _ in range(3):
        await room.desk.search_once()
    assert room.line.sent[-1].state is State.UNKNOWN
    room.clock.advance(1)
    for _ in range(2):
        await room.desk.search_once()
    report = room.line.sent[-1]
    assert (report.state, report.code, room.terminal.requests) == (State.NOT_SENT, "not_found", [])
    assert room.desk.searching == {}


async def test_what_another_client_did_execute_is_found_at_the_broker(room) -> None:
    signal = room.signal(fence=FENCE - 1)
    deal = DealFacts(5, 4, 0, 0, signal.magic, 4, 0.1, 1.1, "EURUSD", signal.comment)
    room.terminal.books.append(deal)
    await room.give(signal)
    await room.desk.search_once()
    report = room.line.sent[-1]
    assert (report.state, report.code, report.deal, room.terminal.requests) == (State.FILLED, "found", 5, [])


async def test_the_search_for_anothers_order_goes_on_after_a_restart(room) -> None:
    signal = room.signal(fence=FENCE - 1)
    first = await room.give(signal)
    room.journal.close()
    room.open()
    await room.desk.begin()
    assert list(room.desk.searching) == [signal.id]
    assert await room.give(signal) == first, "brought again it gets the answer it got"
    assert await room.journal.begun_since(0) == 0, "it was not sent, so it does not count as sent"


async def test_a_client_that_was_never_lent_the_account_sends_nothing(room) -> None:
    room.lease.fence = 0
    assert (await room.give(msgspec.structs.replace(room.signal(), fence=0))).code == "fenced"
    assert room.terminal.requests == []


def _list(room, version: int, *keys, revoked=()) -> SignedKeyList:
    named = tuple(SignalKey(key_id(key), public_text(key), 0) for key in keys)
    now = room.clock.now_ms()
    return sign_list(KeyList(version, now, now + 1_000, named, revoked), room.rotation)


async def test_T18_a_signal_of_a_revoked_key_is_refused_and_one_of_its_successor_believed(room) -> None:
    done = room.signal()
    first = await room.give(done)
    fresh = Ed25519PrivateKey.generate()
    room.keys.adopt(_list(room, 1, fresh, revoked=(key_id(room.key),)), room.clock.now_ms())
    report = await room.give(room.signal())
    assert (report.state, report.code, len(room.terminal.books)) == (State.REFUSED, "revoked_key", 1)
    assert (await room.give(room.signal(), fresh)).state is State.FILLED
    assert await room.give(done) == first, "what was believed once keeps its answer"


async def test_a_change_of_keys_loses_no_order(room) -> None:
    fresh = Ed25519PrivateKey.generate()
    room.keys.adopt(_list(room, 1, room.key, fresh), room.clock.now_ms())
    for key in (room.key, fresh, room.key, fresh):
        assert (await room.give(room.signal(), key)).state is State.FILLED
    assert len(room.terminal.books) == 4


@pytest.mark.parametrize("newer", [False, True])
async def test_an_old_signal_of_another_client_is_refused_as_its_own_and_never_as_not_executed(room, newer) -> None:
    signal = room.signal(fence=FENCE - 1)
    if newer:
        assert (await room.give(room.signal())).state is State.FILLED
    else:
        room.clock.advance(10_000)
    assert (await room.give(signal)).code == "fenced"


async def test_a_signal_refused_because_of_the_clock_is_not_sent_when_it_comes_again(room) -> None:
    signal = room.signal()
    room.server_ahead(30_000)
    refused = await room.give(signal)
    room.server_ahead(0)
    assert (refused.code, await room.give(signal), room.terminal.books) == ("clock", refused, [])
