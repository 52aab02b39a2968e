"""The generated market: deterministic, continuous through restarts, in real time."""

import time

import numpy as np
import pytest

import mt5sim as mt5
from mt5sim.feed import GeneratorFeed
from mt5sim.generator import BLOCK_MS, RandomWalk

NOW = 1_800_000_000_000


def feed(seed: int = 1, utc_ms: int = NOW, minutes: int = 30, most: int = 10**6, clock: str = "utc") -> GeneratorFeed:
    walk = RandomWalk(mt5.BUILT_IN["EURUSD"], seed, 2.0, clock)
    return GeneratorFeed(walk, BLOCK_MS, minutes * 60_000, utc_ms, most)


def visible(feed: GeneratorFeed) -> np.ndarray:
    return feed.tape.ticks[: feed.visible]


def test_one_seed_makes_one_market_and_another_seed_another() -> None:
    assert (visible(feed(7)) == visible(feed(7))).all()
    assert visible(feed(7))["bid"].tolist() != visible(feed(8))["bid"].tolist()


def test_a_terminal_started_later_sees_the_ticks_it_missed() -> None:
    early = feed()
    early.advance(NOW + 90_000)
    late = feed(utc_ms=NOW + 90_000)
    shared = min(early.visible, late.visible)
    assert (visible(early)[-shared:] == visible(late)[-shared:]).all()
    assert shared > 1000


def test_the_walk_is_the_same_in_small_and_in_large_steps() -> None:
    small, large = feed(), feed()
    for second in range(1, 181):
        small.advance(NOW + second * 1000)
    large.advance(NOW + 180_000)
    assert (visible(small) == visible(large)).all()


def test_ticks_come_in_time_order_and_none_from_the_future() -> None:
    market = feed()
    stamps = visible(market)["time_msc"]
    assert (np.diff(stamps) >= 0).all()
    assert NOW - 30_000 < stamps[-1] <= NOW


def test_spreads_are_positive_and_near_the_typical_one() -> None:
    ticks = visible(feed(minutes=600))
    points = np.rint((ticks["ask"] - ticks["bid"]) * 1e5)
    assert points.min() >= 1
    assert 6 <= np.median(points) <= 10


def test_prices_have_no_more_digits_than_the_symbol() -> None:
    bids = visible(feed())["bid"].tolist()
    assert all(bid == round(bid, 5) for bid in bids)


def test_the_walk_moves_and_stays_near_its_base_price() -> None:
    bids = visible(feed(minutes=600))["bid"]
    assert len(np.unique(bids)) > 100
    assert 0.97 < bids.min() / 1.085 < bids.max() / 1.085 < 1.03


def test_the_rate_of_ticks_is_the_configured_one() -> None:
    assert len(visible(feed(minutes=600))) == pytest.approx(600 * 60 * 2, rel=0.05)


def test_a_long_run_forgets_its_oldest_ticks() -> None:
    market = feed(most=3000)
    for minute in range(1, 60):
        market.advance(NOW + minute * 60_000)
        market.checked = market.visible
    assert len(market.tape) < 4000
    assert market.checked <= market.visible
    assert visible(market)["time_msc"][-1] > NOW + 58 * 60_000


def test_the_broker_clock_stamps_generated_ticks() -> None:
    hours = (visible(feed(clock="ny+7"))["time_msc"] - visible(feed())["time_msc"]) / 3_600_000
    assert set(hours.tolist()) <= {2.0, 3.0}


def test_the_module_generates_in_real_time() -> None:
    mt5.load(mt5.TerminalConfig(market=mt5.Generator(ticks_per_second=50)))
    first = mt5.symbol_info_tick("EURUSD")
    assert abs(time.time() * 1000 - first.time_msc) < 2000
    deadline = time.monotonic() + 5
    while mt5.symbol_info_tick("EURUSD").time_msc == first.time_msc and time.monotonic() < deadline:
        time.sleep(0.01)
    assert mt5.symbol_info_tick("EURUSD").time_msc > first.time_msc


def test_only_the_listed_symbols_move() -> None:
    mt5.load(mt5.TerminalConfig(market=mt5.Generator(symbols=("EURUSD",))))
    assert mt5.symbol_info_tick("EURUSD").bid > 0
    assert mt5.symbol_info_tick("XAUUSD").bid == 0.0
