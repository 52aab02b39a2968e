"""The moving-average crossover, and the average below it."""

from decimal import Decimal

import pytest
from engine_world import SYMBOL, T0, position
from hypothesis import given
from hypothesis import strategies as st

from contracts.accounts import Side
from contracts.ticks import Tick
from trading_engine.domain.strategies.average import MovingAverage
from trading_engine.domain.strategies.ma_cross import MaCross, MaCrossParams
from trading_engine.domain.strategy import Market, Proposal, Strategy

PARAMS = MaCrossParams(Decimal("0.1"), fast=1, slow=3, sample_ms=100, cooldown_ms=1_000, patience_ms=300)
START = T0 - T0 % 100


def feed(made: MaCross, bids: list[float], market: Market | None = None, at_ms: int = START) -> list[Proposal]:
    """What it asks for over samples 100 ms apart."""
    asked = []
    for i, bid in enumerate(bids):
        tick = Tick(SYMBOL, i + 1, at_ms + i * 100, at_ms + i * 100, bid, bid + 0.0001)
        asked += made.on_tick(tick, market or Market())
    return asked


def test_it_buys_when_fast_rises_through_slow() -> None:
    (asked,) = feed(MaCross(PARAMS), [1.3, 1.2, 1.1, 1.0, 1.3])
    assert (asked.side, asked.volume, asked.position) == (Side.BUY, Decimal("0.1"), 0)
    assert "crossed" in asked.why


def test_it_sells_when_fast_falls_through_slow() -> None:
    (asked,) = feed(MaCross(PARAMS), [1.0, 1.1, 1.2, 1.3, 1.0])
    assert asked.side is Side.SELL


def test_it_asks_for_nothing_until_the_slow_average_is_full() -> None:
    assert feed(MaCross(PARAMS), [1.0, 9.0]) == []


def test_equal_averages_are_no_cross() -> None:
    assert feed(MaCross(PARAMS), [1.0] * 20) == []


def test_it_closes_the_opposite_position_first_and_opens_once_flat() -> None:
    made = MaCross(PARAMS)
    market = Market(own=position(side=Side.SELL), occupied=True)
    (close,) = feed(made, [1.3, 1.2, 1.1, 1.0, 1.3], market)
    assert (close.side, close.position, close.volume) == (Side.BUY, 7, Decimal("0.1"))
    (opened,) = feed(made, [1.3], Market(), START + 500)
    assert (opened.side, opened.position) == (Side.BUY, 0)


def test_a_cross_is_forgotten_when_its_patience_is_over() -> None:
    made = MaCross(PARAMS)
    market = Market(in_flight=True)
    assert feed(made, [1.3, 1.2, 1.1, 1.0, 1.3, 1.4, 1.5, 1.6], market) == []
    assert feed(made, [1.7], Market(), START + 800) == []


def test_a_position_on_the_wanted_side_is_enough() -> None:
    made = MaCross(PARAMS)
    assert feed(made, [1.3, 1.2, 1.1, 1.0, 1.3], Market(own=position(side=Side.BUY), occupied=True)) == []
    assert feed(made, [1.4], Market(), START + 500) == []


def test_it_does_not_open_on_top_of_a_strangers_position() -> None:
    assert feed(MaCross(PARAMS), [1.3, 1.2, 1.1, 1.0, 1.3], Market(occupied=True)) == []


def test_after_opening_it_cools_down() -> None:
    asked = feed(MaCross(PARAMS), [1.3, 1.2, 1.1, 1.0, 1.3, 1.0, 1.3, 1.0, 1.3])
    assert len(asked) == 1


def test_it_sleeps_until_the_next_sample() -> None:
    made = MaCross(PARAMS)
    feed(made, [1.0], at_ms=START + 42)
    assert made.wake_ms == START + 100


def test_a_hole_in_time_empties_the_averages() -> None:
    made = MaCross(PARAMS)
    feed(made, [1.3, 1.2, 1.1, 1.0])
    assert feed(made, [1.3, 1.4], at_ms=START + 60_000) == []


def test_a_feed_that_begins_again_in_the_past_is_a_new_beginning() -> None:
    made = MaCross(PARAMS)
    assert len(feed(made, [1.3, 1.2, 1.1, 1.0, 1.3])) == 1
    assert len(feed(made, [1.3, 1.2, 1.1, 1.0, 1.3], at_ms=START - 86_400_000)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": Decimal(0)},
        {"volume": Decimal("Infinity")},
        {"fast": 0},
        {"fast": 20},
        {"slow": 100_001},
        {"sample_ms": 0},
        {"cooldown_ms": -1},
        {"patience_ms": -1},
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        MaCrossParams(**wrong)


@given(st.integers(1, 7), st.lists(st.floats(0.1, 1e6), min_size=1, max_size=60))
def test_the_average_is_that_of_the_newest_values(length: int, values: list[float]) -> None:
    average = MovingAverage(length)
    means = [average.add(value) for value in values]
    assert average.full is (len(values) >= length)
    if average.full:
        assert means[-1] == pytest.approx(sum(values[-length:]) / length)


def test_the_interface_itself_can_not_be_used() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Strategy(PARAMS)  # type: ignore[abstract]
