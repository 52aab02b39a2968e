"""Refusal counting, the order book, ids, settings and files."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine_world import ACCOUNT, SYMBOL, T0, TENANT, order

from contracts.orders import OrderState
from contracts.signals import magic_of
from trading_engine.adapters import files
from trading_engine.domain import book as books
from trading_engine.domain import identity
from trading_engine.domain.book import OrderBook
from trading_engine.domain.refusals import Refusals
from trading_engine.settings import Settings

KEY = (TENANT, ACCOUNT, "asks", SYMBOL, "paused")


def test_the_first_refusal_is_told_and_the_next_ones_are_counted() -> None:
    refusals = Refusals()
    assert [refusals.count(KEY, T0 + i * 1_000) for i in range(11)] == [1, *[0] * 9, 10]


def test_other_codes_are_told_on_their_own() -> None:
    refusals = Refusals()
    assert refusals.count(KEY, T0) == refusals.count((*KEY[:4], "stale_price"), T0) == 1


def test_counts_that_nothing_brings_out_are_told_once_and_forgotten_when_quiet() -> None:
    refusals = Refusals()
    refusals.count(KEY, T0)
    refusals.count(KEY, T0 + 1)
    assert refusals.untold(T0 + 9_999) == []
    assert refusals.untold(T0 + 10_000) == [(KEY, 1)]
    assert refusals.untold(T0 + 20_000) == []
    assert refusals.count(KEY, T0 + 20_001) == 1


def test_while_nothing_can_be_stored_refusals_are_only_counted() -> None:
    refusals = Refusals()
    assert [refusals.count(KEY, T0 + i, may_tell=False) for i in range(3)] == [0, 0, 0]
    assert refusals.count(KEY, T0 + 3) == 4


def test_the_book_remembers_so_many_orders_and_never_forgets_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "REMEMBERED", 2)
    book = OrderBook()
    ids = [f"{i:032x}" for i in range(16**15, 16**15 + 4)]
    book.add(order(order_id=ids[0]))
    for order_id in ids[1:]:
        book.add(order(OrderState.FILLED, order_id))
    assert set(book.orders) == {ids[0], ids[2], ids[3]} or set(book.orders) == {ids[0], ids[3]}
    for order_id in ids[:3]:
        book.deny(order_id)
    assert list(book.denied) == ids[1:3]


def test_the_book_knows_whose_magic_a_number_is() -> None:
    book = OrderBook()
    book.add(order())
    assert book.owner(magic_of(order().id)) == order()
    assert book.owner(1) is None


def test_orders_older_than_a_minute_do_not_count() -> None:
    book = OrderBook()
    book.add(order(created_ms=T0 - 60_000))
    book.add(order(order_id="cd" * 16, created_ms=T0 - 59_999))
    assert book.last_minute(TENANT, ACCOUNT, "asks", T0) == 1
    assert book.last_minute(TENANT, ACCOUNT, "other", T0) == 0


def test_an_order_id_follows_from_its_tick_and_from_nothing_else() -> None:
    made = identity.order_of_tick(TENANT, ACCOUNT, "asks", SYMBOL, 5, 17)
    assert made == identity.order_of_tick(TENANT, ACCOUNT, "asks", SYMBOL, 5, 17, 0)
    assert len(made) == 32
    assert int(made, 16) > 0
    others = {
        identity.order_of_tick(TENANT, ACCOUNT, "asks", SYMBOL, 51, 7),
        identity.order_of_tick(TENANT, ACCOUNT, "asksE", SYMBOL[1:], 5, 17),
        identity.order_of_tick(TENANT, ACCOUNT, "asks", SYMBOL, 5, 17, 1),
        identity.order_of_command(TENANT, "c1"),
    }
    assert len(others | {made}) == 5


def test_settings_take_the_text_before_the_file(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).bindings() == ()
    (tmp_path / "strategies.json").write_text('[{"strategy":"ma_cross","account":"*","symbol":"*"}]')
    assert Settings(data_dir=tmp_path).bindings()[0].symbol == "*"
    assert Settings(data_dir=tmp_path, strategies="ma_cross:default/*:GBPUSD").bindings()[0].symbol == "GBPUSD"
    other = tmp_path / "mine.txt"
    other.write_text("ma_cross:default/*:XAUUSD")
    assert Settings(data_dir=tmp_path, strategies_file=str(other)).bindings()[0].symbol == "XAUUSD"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"signal_lifetime_ms": 5_001}, "100 to 5000"),
        ({"max_volume": Decimal(0)}, "above 0"),
        ({"deviation_points": -1}, "negative"),
        ({"strategies": "what"}, "not written as"),
        ({"strategies_file": "/nowhere/at/all"}, "nowhere"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings(data_dir=tmp_path, **wrong)


def test_the_signing_key_is_where_the_settings_say(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).key_path() == tmp_path / "secrets" / "signal.key"
    assert Settings(data_dir=tmp_path, signal_key_path="/k").key_path() == Path("/k")


def test_a_pause_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "pauses.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="delete it if nobody is paused"):
        files.PauseFile(path).load()


def test_what_is_kept_aside_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = files.AsideFile(tmp_path / "aside.jsonl")
    aside.keep("ticks.a", b"1", "why")
    monkeypatch.setattr(files, "ASIDE_LIMIT_BYTES", 5)
    aside.keep("ticks.a", b"2", "why")
    assert len((tmp_path / "aside.jsonl").read_text().splitlines()) == 1
