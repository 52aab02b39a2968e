"""Bars from ticks."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import mt5sim as mt5
from mt5sim.clock import broker_ms
from mt5sim.rates import TIMEFRAMES, opening_times


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("timeframe", "opens"),
    [
        (mt5.TIMEFRAME_M1, "2024-05-15T13:47"),
        (mt5.TIMEFRAME_M15, "2024-05-15T13:45"),
        (mt5.TIMEFRAME_H1, "2024-05-15T13:00"),
        (mt5.TIMEFRAME_H4, "2024-05-15T12:00"),
        (mt5.TIMEFRAME_D1, "2024-05-15T00:00"),
        (mt5.TIMEFRAME_W1, "2024-05-12T00:00"),
        (mt5.TIMEFRAME_MN1, "2024-05-01T00:00"),
    ],
)
def test_a_bar_opens_on_its_own_grid(timeframe: int, opens: str) -> None:
    seconds = np.array([at("2024-05-15T13:47:33")], dtype=np.int64)
    assert opening_times(seconds, timeframe).tolist() == [at(opens)]


NAMES = [name for name in vars(mt5) if name.startswith("TIMEFRAME_")]
STRIDE_MS = 3_599_000


def opens(stamp: datetime, name: str) -> datetime:
    """When the bar of a moment opens, by the calendar."""
    kind = name.removeprefix("TIMEFRAME_")
    midnight = stamp.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "MN1":
        return midnight.replace(day=1)
    if kind == "W1":
        return midnight - timedelta(days=(stamp.weekday() + 1) % 7)
    if kind == "D1":
        return midnight
    unit, count = kind[0], int(kind[1:])
    if unit == "H":
        return midnight.replace(hour=stamp.hour // count * count)
    return midnight.replace(hour=stamp.hour, minute=stamp.minute // count * count)


@pytest.mark.parametrize("clock", ["utc", "ny+7", "eet"])
@pytest.mark.parametrize("name", NAMES)
def test_every_timeframe_is_built_on_the_brokers_clock_as_the_calendar_says(desk, name: str, clock: str) -> None:
    # through both changes of New York's and Europe's clocks
    first = at("2024-01-29T22:00") * 1000
    rows = [(first + STRIDE_MS * n, 1 + n % 97 / 100, 2.0) for n in range(7_000)]
    desk.load_rows(rows, clock=clock)
    desk.step(7_000)
    expected: dict[datetime, list[float]] = {}
    newest = datetime.min.replace(tzinfo=UTC)
    for ms, bid, _ in rows:
        stamp = datetime.fromtimestamp(broker_ms(clock, ms) // 1000, UTC)
        # the hour that autumn shows twice does not open its bars again
        newest = max(opens(stamp, name), newest)
        expected.setdefault(newest, []).append(bid)
    rates = mt5.copy_rates_range("EURUSD", getattr(mt5, name), 1, 2**31 - 1)
    assert rates["time"].tolist() == [int(time.timestamp()) for time in expected]
    assert rates["open"].tolist() == [bids[0] for bids in expected.values()]
    assert rates["high"].tolist() == [max(bids) for bids in expected.values()]
    assert rates["low"].tolist() == [min(bids) for bids in expected.values()]
    assert rates["close"].tolist() == [bids[-1] for bids in expected.values()]
    assert rates["tick_volume"].tolist() == [len(bids) for bids in expected.values()]


def test_there_are_21_timeframes() -> None:
    assert len(TIMEFRAMES) == 21


def test_a_bar_has_first_highest_lowest_and_last_bid(desk) -> None:
    base = at("2023-11-14T22:13:00") * 1000
    rows = [(base, 1.1, 1.1002), (base + 5000, 1.3, 1.3002), (base + 9000, 1.05, 1.0502), (base + 59_999, 1.2, 1.2003)]
    rows += [(base + 60_000, 1.21, 1.2102), (base + 70_000, float("nan"), 1.0), (base + 80_000, 0.0, 0.0)]
    desk.load_rows(rows)
    desk.step(6)
    first, second = mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M1, base // 1000, base // 1000 + 60)
    assert first.item() == (base // 1000, 1.1, 1.3, 1.05, 1.2, 4, 30, 0)
    assert second.item()[1:6] == (1.21, 1.21, 1.21, 1.21, 1)


def test_bars_are_counted_from_the_newest_and_shown_from_the_oldest() -> None:
    mt5.load(mt5.TerminalConfig())
    newest = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 5)
    older = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 2, 3)
    assert (np.diff(newest["time"]) == 60).all()
    assert (older == newest[:3]).all()
    assert (mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_M1, int(newest["time"][2]), 3) == newest[:3]).all()


def test_a_number_of_minutes_is_no_timeframe() -> None:
    mt5.load(mt5.TerminalConfig())
    assert mt5.copy_rates_from_pos("EURUSD", 60, 0, 5) is None
    assert mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, -1, 5) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")


def test_a_symbol_without_ticks_has_no_bars() -> None:
    mt5.load(mt5.TerminalConfig(market=mt5.Generator(symbols=("EURUSD",))))
    assert len(mt5.copy_rates_from_pos("XAUUSD", mt5.TIMEFRAME_H1, 0, 5)) == 0
    assert len(mt5.copy_ticks_from("XAUUSD", 1, 5, -1)) == len(mt5.copy_ticks_range("XAUUSD", 1, 5, -1)) == 0


def test_bars_built_while_reading_equal_bars_built_at_the_end(desk) -> None:
    rows = [(1_700_000_000_000 + 7_300 * n, 1.1 + 0.0001 * (n * 37 % 11), 1.2) for n in range(200)]
    rows[50] = (rows[50][0], float("nan"), 1.2)
    rows[80] = (rows[10][0], 1.15, 1.2)
    desk.load_rows(rows)
    for _ in range(199):
        desk.step()
        grown = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 1000)
    desk.load_rows(rows)
    desk.step(199)
    whole = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 1000)
    assert (grown == whole).all()
    assert whole["tick_volume"].sum() == 199
