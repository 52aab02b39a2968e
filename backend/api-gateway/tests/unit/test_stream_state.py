"""Quotes, the picture of a tenant, and what waits for a browser."""

from decimal import Decimal

import msgspec
import pytest
from gateway_world import ACCOUNT, batch, execution, order, state
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.domain.browser import Browser, Kind, encoded_rows
from api_gateway.domain.market import Board, Row
from api_gateway.domain.picture import Picture
from api_gateway.domain.views import account_view, execution_view, order_view
from contracts.rpc import SymbolRow
from contracts.views import (
    StreamAccount,
    StreamExecution,
    StreamHeartbeat,
    StreamMessage,
    StreamOrder,
    StreamTicks,
)

KEY = (ACCOUNT, "EURUSD")


def test_a_batch_leaves_its_last_tick_and_its_extremes() -> None:
    board = Board()
    assert board.hear(batch(1, (1.1, 1.3, 1.0, 1.2)))
    assert (board.quotes[KEY].bid, board.quotes[KEY].seq) == (1.2, 4)
    ((account, symbol, time_msc, _, bid, ask, ticks, highest, lowest),) = board.take()
    assert (account, symbol, bid, ticks, highest, lowest) == (ACCOUNT, "EURUSD", 1.2, 4, 1.3, 1.0)
    assert time_msc == 1_700_000_004_000
    assert ask > bid
    assert board.take() == []


def test_ticks_that_come_again_after_a_rewind_are_counted_once() -> None:
    board = Board()
    board.hear(batch(1, (1.1, 1.2)))
    assert not board.hear(batch(1, (1.1, 1.2)))
    assert board.hear(batch(2, (9.9, 1.3)))
    assert board.take()[0][6:] == (3, 1.3, 1.1)


def test_a_new_spool_is_believed_whatever_its_clock_said_when_it_was_made() -> None:
    board = Board()
    board.hear(batch(50, (1.1,), epoch=5))
    for epoch, bid in ((6, 2.2), (4, 3.3)):
        assert board.hear(batch(1, (bid,), epoch=epoch))
        assert (board.quotes[KEY].bid, board.quotes[KEY].seq) == (bid, 1)


@given(st.lists(st.lists(st.integers(1, 1000), min_size=1, max_size=5), min_size=1, max_size=20), st.data())
def test_however_beats_are_folded_a_browser_learns_the_same(beats: list[list[int]], data: st.DataObject) -> None:
    board, slow, seq = Board(), Browser(), 1
    told: list[Row] = []
    for bids in beats:
        board.hear(batch(seq, tuple(float(bid) for bid in bids)))
        seq += len(bids)
        rows = board.take()
        slow.offer_rows(rows, encoded_rows(rows))
        if data.draw(st.booleans()):
            told += _rows(slow)
    told += _rows(slow)
    everything = [bid for bids in beats for bid in bids]
    assert sum(row[6] for row in told) == len(everything)
    assert max(row[7] for row in told) == max(everything)
    assert min(row[8] for row in told) == min(everything)
    assert told[-1][4] == everything[-1]


def _rows(browser: Browser) -> list[Row]:
    message = browser.next_message(1, True)
    if message is None:
        return []
    decoded = msgspec.json.decode(message, type=StreamTicks)
    return list(decoded.d)


def test_a_browser_that_keeps_up_gets_the_bytes_that_were_made_for_all() -> None:
    browser = Browser()
    browser.offer_rows([(ACCOUNT, "X", 1, 2, 1.0, 2.0, 1, 1.0, 1.0)], b'[["shared"]]')
    assert browser.next_message(5, True) == b'{"k":"t","q":1,"now":5,"d":[["shared"]]}'


def test_messages_are_those_of_the_contract_and_numbered_without_a_gap() -> None:
    browser, encode = Browser(), msgspec.json.encode
    account, an_order, fill = account_view(state()), order_view(order()), execution_view(execution())
    browser.beat_due = True
    browser.offer_rows([(ACCOUNT, "X", 1, 2, 1.0, 2.0, 1, 1.0, 1.0)], b'[["%b","X",1,2,1.0,2.0,1,1.0,1.0]]' % b"A")
    browser.offer_event(Kind.ACCOUNT, encode(account))
    browser.offer_event(Kind.ORDER, encode(an_order))
    browser.offer_event(Kind.EXECUTION, encode(fill))
    got = []
    while (message := browser.next_message(9, False)) is not None:
        got.append(msgspec.json.decode(message, type=StreamMessage))
    assert got == [
        StreamAccount(1, account),
        StreamOrder(2, an_order),
        StreamExecution(3, fill),
        StreamTicks(4, 9, (("A", "X", 1, 2, 1.0, 2.0, 1, 1.0, 1.0),)),
        StreamHeartbeat(5, 9, False),
    ]


@pytest.mark.parametrize("paused", [True, False, None])
def test_a_heartbeat_says_whether_trading_is_paused(paused: bool | None) -> None:
    browser = Browser(beat_due=True)
    message = browser.next_message(9, True, paused)
    assert message is not None
    assert msgspec.json.decode(message, type=StreamMessage) == StreamHeartbeat(1, 9, True, paused)


def test_too_many_waiting_events_are_noticed_and_none_that_waits_is_lost() -> None:
    browser = Browser(max_waiting=2)
    for view in (b"1", b"2", b"3"):
        browser.offer_event(Kind.ORDER, view)
    assert browser.overflowed
    assert [view for _, view in browser.events] == [b"1", b"2"]


def row(symbol: str = "EURUSD", *, bid: float = 1.0, time_msc: int = 1, ticks: int = 10) -> SymbolRow:
    return SymbolRow(ACCOUNT, symbol, 5, time_msc, 2, bid, bid + 0.1, ticks)


def test_the_watch_list_shows_the_newer_of_store_and_bus() -> None:
    picture = Picture()
    picture.hear_account(state())
    picture.board.hear(batch(1, (1.5,)))
    (view,) = picture.symbols([row(bid=1.0)])
    assert (view.bid, view.description, view.digits, view.ticks, view.source) == (1.5, "Euro", 5, 10, "simulated")
    (view,) = picture.symbols([row(bid=1.0, time_msc=2**50)])
    assert view.bid == 1.0


def test_the_watch_list_tells_the_volumes_of_the_contract_and_zero_while_nobody_told() -> None:
    picture = Picture()
    picture.hear_account(state())
    euro, other = picture.symbols([row("EURUSD"), row("GBPUSD")])
    assert (euro.volume_min, euro.volume_max, euro.volume_step) == (Decimal("0.01"), Decimal(50), Decimal("0.01"))
    assert (other.volume_min, other.volume_max, other.volume_step) == (0, 0, 0)


def test_the_watch_list_knows_symbols_of_the_bus_alone_and_of_the_store_alone() -> None:
    picture = Picture()
    picture.hear_account(state())
    picture.board.hear(batch(7, (1.5,)))
    bus_only, store_only = picture.symbols([row("GBPUSD")])
    assert (bus_only.symbol, bus_only.ticks, bus_only.point) == ("EURUSD", 7, 0.00001)
    assert (store_only.symbol, store_only.ticks, store_only.description) == ("GBPUSD", 10, "")
    assert store_only.point == 10.0**-5


def test_a_price_of_unknown_origin_is_not_shown() -> None:
    picture = Picture()
    picture.board.hear(batch(1, (1.5,)))
    assert picture.symbols([row()]) == ()
    picture.hear_account(state(instruments=()))
    assert picture.symbols([]) == ()
    assert len(picture.symbols([row()])) == 1


def test_an_instrument_without_a_price_is_no_line_of_the_watch_list() -> None:
    picture = Picture()
    picture.hear_account(state())
    assert picture.symbols([]) == ()


def test_a_stored_state_never_replaces_one_that_was_heard() -> None:
    picture = Picture()
    picture.recall_account(state(company="stored"))
    picture.hear_account(state(taken_ms=5, company="heard"))
    picture.recall_account(state(taken_ms=9, company="stored"))
    assert picture.accounts[ACCOUNT].company == "heard"
    picture.hear_account(state(taken_ms=4, company="after the clock was set back"))
    assert picture.accounts[ACCOUNT].company == "after the clock was set back"
