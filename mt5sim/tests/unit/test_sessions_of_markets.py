"""The generated market with sessions: closed weekends, a daily break, busy hours, bursts, one seed one market."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import mt5sim as mt5
from mt5sim.feed import Feed, ReplayFeed
from mt5sim.generator import RandomWalk
from mt5sim.hours import hours_of
from mt5sim.knobs import Faults
from mt5sim.market_feeds import feeds_of
from mt5sim.terminal import Terminal

MONDAY = "2026-01-12T00:00:00Z"
WEEK_MINUTES = 7 * 1440


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def minute(text: str) -> int:
    return ms(text) // 60_000


def week(symbol: str = "EURUSD", seed: int = 1, rate: float = 0.5, clock: str = "ny+7") -> np.ndarray:
    walk = RandomWalk(mt5.BUILT_IN[symbol], seed, rate, clock, sessions=True)
    first = minute("2026-01-12T00:00:00")
    return walk(first, first + WEEK_MINUTES).ticks


def feeds_at(moment: str, **market: object) -> dict[str, Feed]:
    config = mt5.TerminalConfig(market=mt5.Generator(sessions=True, **market), clock="ny+7")  # type: ignore[arg-type]
    return feeds_of(config, {profile.name: profile for profile in config.symbols}, ms(moment))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-09T21:59:00", True),  # Friday 16:59 in New York
        ("2026-01-09T22:00:00", False),
        ("2026-01-11T21:59:00", False),
        ("2026-01-11T22:05:00", True),  # Sunday 17:05 in New York: Monday's session, after the break
        ("2026-01-13T22:04:00", False),
        ("2026-01-13T22:05:00", True),
        ("2026-07-10T20:59:00", True),  # an hour earlier in summer
        ("2026-07-10T21:00:00", False),
    ],
)
def test_currencies_trade_from_sunday_to_friday_17_o_clock_in_new_york_but_for_the_break(
    moment: str, is_open: bool
) -> None:
    hours = hours_of(mt5.BUILT_IN["EURUSD"], sessions=True)
    assert bool(hours.activity(np.array([minute(moment)]))[0] > 0) is is_open


def test_metals_rest_an_hour_a_day_and_crypto_currencies_never() -> None:
    gold, bitcoin = (hours_of(mt5.BUILT_IN[name], sessions=True) for name in ("XAUUSD", "BTCUSD"))
    evening = np.arange(minute("2026-01-13T22:00:00"), minute("2026-01-13T23:30:00"))
    assert np.count_nonzero(gold.activity(evening)) == 30
    assert bitcoin.activity(np.arange(minute("2026-01-10T00:00:00"), minute("2026-01-12T00:00:00"))).all()


def test_no_tick_falls_into_a_closed_minute_and_the_average_is_the_configured_one() -> None:
    ticks = week()
    stamps = ticks["time_msc"] - 2 * 3_600_000  # January: the broker's clock is two hours ahead
    activity = hours_of(mt5.BUILT_IN["EURUSD"], sessions=True).activity(stamps // 60_000)
    assert (activity > 0).all()
    open_minutes = 5 * (1440 - 5)
    assert len(ticks) == pytest.approx(open_minutes * 60 * 0.5, rel=0.1)


def test_asia_is_quiet_and_the_hours_of_london_and_new_york_are_busy() -> None:
    hour = week()["time"] // 3600 % 24
    counts = np.bincount(hour, minlength=24)
    assert counts[16] > 3 * counts[4]
    assert counts[16] > counts[11] > counts[4]


def test_spreads_are_wide_after_the_break_and_close_to_the_usual_one_in_london() -> None:
    ticks = week()
    points = np.rint((ticks["ask"] - ticks["bid"]) * 1e5)
    of_day = ticks["time"] // 60 % 1440
    usual = float(np.median(points[(of_day >= 600) & (of_day < 900)]))
    assert usual == pytest.approx(8, abs=2)
    assert float(np.median(points[of_day < 50])) > 3 * usual
    assert points.min() >= 1


def test_bursts_bring_many_ticks_in_a_second_several_in_a_millisecond_and_wider_spreads() -> None:
    ticks = week(rate=4.0)
    per_second = np.bincount((ticks["time"] - ticks["time"][0]).astype(int))
    assert per_second.max() > 30
    assert (np.diff(ticks["time_msc"]) == 0).sum() > 100
    busiest = ticks["time"] == ticks["time"][0] + per_second.argmax()
    spread = ticks["ask"] - ticks["bid"]
    assert np.median(spread[busiest]) > 1.5 * np.median(spread)


def test_the_price_opens_on_monday_near_where_it_closed_on_friday() -> None:
    ticks = RandomWalk(mt5.BUILT_IN["EURUSD"], 3, 1.0, "utc", sessions=True)(
        minute("2026-01-09T12:00:00"), minute("2026-01-12T12:00:00")
    ).ticks
    gap = int(np.diff(ticks["time"]).argmax())
    assert 48 <= np.diff(ticks["time"]).max() / 3600 < 48.2
    assert 0 < abs(ticks["bid"][gap + 1] - ticks["bid"][gap]) < 0.01


def test_a_terminal_that_starts_on_a_weekend_shows_fridays_ticks() -> None:
    feed = feeds_at("2026-01-10T12:00:00", history_minutes=60)["EURUSD"]
    stamps = feed.tape.ticks["time_msc"][: feed.visible]
    assert stamps[-1] < ms("2026-01-10T00:00:00")  # midnight of Friday on the broker's clock
    assert stamps[-1] - stamps[0] > 50 * 60_000


@pytest.mark.parametrize("moment", ["2026-01-10T03:00:00", "2026-01-11T20:00:00"])
def test_the_clock_of_the_broker_stands_still_on_the_weekend(moment: str) -> None:
    now = ms(moment)
    market = mt5.Generator(sessions=True, symbols=("EURUSD",))
    terminal = Terminal(mt5.TerminalConfig(market=market, clock="ny+7"), Faults(), lambda: now)
    stood = terminal.server_msc()
    now += 30 * 60_000
    terminal.advance()
    assert terminal.server_msc() == stood < ms("2026-01-10T00:00:00")
    now = ms("2026-01-11T22:30:00")
    terminal.advance()
    assert terminal.server_msc() > ms("2026-01-12T00:00:00")
    terminal.close()


def test_a_made_recording_is_the_market_of_that_time_at_any_speed() -> None:
    made = feeds_at("2026-11-23T00:00:00", start=MONDAY, minutes=600, speed=0.0, symbols=("EURUSD", "XAUUSD"))
    euro = made["EURUSD"]
    assert isinstance(euro, ReplayFeed)
    rows = euro.read_from(1, 10**6, mt5.COPY_TICKS_ALL)
    assert (rows == week(rate=2.0)[: len(rows)]).all()
    assert euro.finished
    fast = feeds_at("2026-11-23T00:00:00", start=MONDAY, minutes=600, speed=60.0, symbols=("EURUSD",))["EURUSD"]
    fast.advance(ms("2026-11-23T00:05:00"))  # five minutes at 60 times: five hours
    assert fast.visible == pytest.approx(len(rows) / 2, rel=0.3)


READ_ALL = """
import sys, mt5sim as mt5
market = mt5.Generator(seed=int(sys.argv[1]), sessions=True, start="2026-01-12T00:00:00Z", minutes=720, speed=0.0)
mt5.load(mt5.TerminalConfig(market=market, clock="ny+7"))
for symbol in mt5.symbols_get():
    for frame in (mt5.TIMEFRAME_M1, mt5.TIMEFRAME_H1):
        sys.stdout.buffer.write(mt5.copy_ticks_from(symbol.name, 1, 10**6, mt5.COPY_TICKS_ALL).tobytes())
        sys.stdout.buffer.write(mt5.copy_rates_from_pos(symbol.name, frame, 0, 10**4).tobytes())
        sys.stdout.buffer.write(repr(mt5.symbol_info_tick(symbol.name)).encode())
"""


def test_two_runs_with_one_seed_are_byte_for_byte_the_same() -> None:
    def run(seed: int) -> bytes:
        source = str(Path(mt5.__file__).parents[1])
        code = f"import sys; sys.path.insert(0, {source!r})\n{READ_ALL}"
        return subprocess.run([sys.executable, "-c", code, str(seed)], capture_output=True, check=True).stdout

    first = run(7)
    assert len(first) > 1_000_000
    assert first == run(7)
    assert first != run(8)
