"""The broker's habits: slippage, requotes, refusals and partial fills, the same under the same seed."""

from dataclasses import replace

import pytest

import mt5sim as mt5

EURUSD = mt5.BUILT_IN["EURUSD"]
FLAT = [(1.1000, 1.1002)] * 2
MANY = 60


def codes(desk, execution: mt5.Execution, symbol: mt5.SymbolProfile = EURUSD, **request) -> list[int]:
    desk.load(FLAT, symbols=(symbol,), execution=execution, account={"balance": 1e6})
    return [desk.buy(0.1, price=1.1002, **request).retcode for _ in range(MANY)]


def test_the_same_requests_meet_the_same_luck_and_another_seed_another(desk) -> None:
    habits = mt5.Execution(seed=1, reject=0.3, slippage_points=5, partial=0.5)
    first, again, other = (codes(desk, e, type_filling=1) for e in (habits, habits, replace(habits, seed=2)))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("habits", "retcode"),
    [
        ({"reject": 0.5}, mt5.TRADE_RETCODE_REJECT),
        ({"reject": 0.5, "reject_retcode": mt5.TRADE_RETCODE_TIMEOUT}, mt5.TRADE_RETCODE_TIMEOUT),
        ({"price_changed": 0.5}, mt5.TRADE_RETCODE_PRICE_CHANGED),
        ({"price_off": 0.5}, mt5.TRADE_RETCODE_PRICE_OFF),
    ],
)
def test_a_share_of_the_requests_is_refused_with_the_chosen_code(desk, habits, retcode: int) -> None:
    seen = codes(desk, mt5.Execution(**habits))
    assert set(seen) == {mt5.TRADE_RETCODE_DONE, retcode}
    assert mt5.positions_total() == seen.count(mt5.TRADE_RETCODE_DONE)


@pytest.mark.parametrize(
    ("exemode", "requoted"),
    [
        (mt5.SYMBOL_TRADE_EXECUTION_INSTANT, True),
        (mt5.SYMBOL_TRADE_EXECUTION_REQUEST, True),
        (mt5.SYMBOL_TRADE_EXECUTION_MARKET, False),
    ],
)
def test_only_instant_and_request_execution_requote(desk, exemode: int, requoted: bool) -> None:
    seen = codes(desk, mt5.Execution(requote=0.5), replace(EURUSD, exemode=exemode))
    assert (mt5.TRADE_RETCODE_REQUOTE in seen) is requoted


def test_slippage_is_never_better_and_never_more_than_its_most(desk) -> None:
    codes(desk, mt5.Execution(slippage_points=3))
    prices = {p.price_open for p in mt5.positions_get()}
    assert prices == {1.1002, 1.10021, 1.10022, 1.10023}


def test_an_ioc_order_loses_what_is_not_filled_and_a_fok_order_is_filled_whole(desk) -> None:
    habits = mt5.Execution(partial=1.0)
    assert mt5.TRADE_RETCODE_DONE_PARTIAL in codes(desk, habits, type_filling=mt5.ORDER_FILLING_IOC)
    assert mt5.orders_total() == 0
    assert set(codes(desk, habits, type_filling=mt5.ORDER_FILLING_FOK)) == {mt5.TRADE_RETCODE_DONE}


def test_a_check_foretells_no_luck(desk) -> None:
    desk.load(FLAT, execution=mt5.Execution(reject=1.0))
    assert mt5.order_check(action=1, symbol="EURUSD", volume=0.1, type=0).retcode == 0
    assert desk.buy().retcode == mt5.TRADE_RETCODE_REJECT


def test_latency_is_waited_for_and_drawn_between_its_bounds() -> None:
    habits = mt5.Execution(latency_ms=20.0, latency_jitter_ms=10.0)
    waits = {habits.draw(1, request).latency_ms for request in range(20)}
    assert len(waits) > 10
    assert all(20.0 <= wait <= 30.0 for wait in waits)


@pytest.mark.parametrize(
    "habits",
    [
        {"requote": 1.5},
        {"reject": -0.1},
        {"reject": 0.6, "price_off": 0.6},
        {"slippage_points": -1},
        {"latency_ms": -1.0},
        {"latency_jitter_ms": float("inf")},
    ],
)
def test_impossible_habits_are_a_mistake_of_the_configuration(habits: dict[str, float]) -> None:
    with pytest.raises(mt5.ConfigError, match="execution"):
        mt5.TerminalConfig(execution=mt5.Execution(**habits))


def test_habits_can_be_written_in_json() -> None:
    config = mt5.parse_config({"execution": {"seed": 7, "requote": 0.25, "latency_ms": 5}})
    assert config.execution == mt5.Execution(seed=7, requote=0.25, latency_ms=5.0)
