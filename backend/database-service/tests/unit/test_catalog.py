"""Digits, bar ranges, settings, the audit chain and the newest tick: small pure decisions."""

from pathlib import Path

import pytest

from contracts.ticks import TickBatch, pack
from database_service.domain.bars import end_of, spans
from database_service.domain.catalog import Catalog, newest_of
from database_service.domain.digits import MAX_DIGITS, digits_of
from database_service.domain.streams import StreamKey
from database_service.settings import Settings
from kit.errors import SettingsError


def ticks(first: int, marks: bytes) -> TickBatch:
    numbers = list(range(first, first + len(marks)))
    return TickBatch(
        "t", "1", "EURUSD", 7, first, len(marks), pack("q", numbers), pack("q", numbers), pack("d", numbers),
        pack("d", numbers), pack("I", numbers), marks,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("prices", "digits"),
    [((1.08123, 1.0813), 5), ((2000.0,), 0), ((2000.25, 2000.5), 2), ((157.123,), 3), ((1 / 3,), MAX_DIGITS)],
)
def test_digits_are_the_fewest_that_write_the_price(prices, digits):
    assert digits_of(*prices) == digits


def test_a_late_tick_is_not_the_newest():
    newest = newest_of(ticks(10, bytes([0, 0, 4])))
    assert newest is not None
    assert (newest.seq, newest.time_msc, newest.bid) == (11, 11, 11.0)
    assert newest_of(ticks(10, bytes([4, 12]))) is None


def test_a_stream_of_late_ticks_only_shows_no_price():
    catalog = Catalog()
    catalog.found(StreamKey("t", "1", "EURUSD", 7), 3, None)
    assert catalog.symbols("t", {}) == ()
    assert catalog.stored_of("t", "1", 0).streams[0].seq == 3


def test_an_older_epoch_of_executions_does_not_replace_a_newer():
    catalog = Catalog()
    catalog.marked("t", "1", 8, 5)
    catalog.marked("t", "1", 7, 900)
    assert catalog.stored_of("t", "1", 0).execution_epoch == 8


def test_symbols_of_other_tenants_stay_theirs():
    catalog = Catalog()
    catalog.found(StreamKey("t", "1", "EURUSD", 7), 1, newest_of(ticks(1, b"\0")))
    assert catalog.symbols("u", {}) == ()


def test_the_first_span_holds_the_bars_asked_for_and_the_last_reaches_the_oldest_tick():
    assert list(spans(60_000, 10, 6_000_000, 30_001)) == [5_400_000, 3_600_000, 0]
    assert list(spans(60_000, 10, 600_000, 599_999)) == [540_000]


def test_bars_end_with_the_one_that_holds_the_newest_tick():
    assert end_of(60_000, 0, 125_000) == 180_000
    assert end_of(60_000, 60_000, 125_000) == 60_000
    assert end_of(60_000, 60_001, 125_000) == 120_000
    assert end_of(60_000, 10**15, 125_000) == 180_000


def test_settings_fill_in_the_directory_and_the_passwords_of_both_roles(tmp_path):
    app, owner = tmp_path / "app", tmp_path / "owner"
    app.write_text("p@ss/word\n")
    owner.write_text("o")
    made = Settings(data_dir=Path("/da ta"), postgres_password_file=app)
    assert made.clickhouse_dsn == "chdb:///da ta/clickhouse"
    assert made.postgres_dsn == "postgresql://aitrading_app:p%40ss%2Fword@/aitrading?host=/da%20ta/run/pg"
    assert made.postgres_owner_dsn == made.postgres_dsn
    two = Settings(data_dir=Path("/d"), postgres_owner_url="postgresql://a@/d", postgres_owner_password_file=owner)
    assert two.postgres_owner_dsn == "postgresql://a:o@/d"
    with pytest.raises(SettingsError, match="can't be read"):
        _ = Settings(data_dir=Path("/d"), postgres_password_file=tmp_path / "none").postgres_dsn
    away = "postgresql://u@h/d?sslmode=verify-full"
    assert Settings(data_dir=Path("/d"), postgres_url=away).postgres_dsn == away
    assert Settings(data_dir=Path("/d"), clickhouse_url="https://u@h:8443").clickhouse_dsn == "https://u@h:8443"


@pytest.mark.parametrize(
    "wrong",
    [
        {"clickhouse_url": "sqlite://x"},
        {"postgres_url": "mysql://x"},
        {"postgres_url": "postgresql://u:secret@/d"},
        {"postgres_owner_url": "postgresql://u:secret@/d"},
        {"group_ticks": 0},
        {"postgres_pool_min": 9},
        {"queue_mb": 0},
    ],
)
def test_settings_that_can_not_work_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Settings(data_dir=Path("/data"), **wrong)


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "postgresql://u@127.0.0.1/d", "postgresql://u@/d?host=10.0.0.1"])
def test_a_database_behind_a_network_takes_tls(url):
    with pytest.raises(ValueError, match="verify-full"):
        Settings(data_dir=Path("/d"), postgres_url=url)
