"""Stops and stop-out: the broker closes on its own, at the tick that demands it."""

from dataclasses import replace

import pytest

import mt5sim as mt5

FALLING = [(1.1000 - 0.001 * n, 1.1002 - 0.001 * n) for n in range(10)]
RISING = [(1.1000 + 0.001 * n, 1.1002 + 0.001 * n) for n in range(10)]


@pytest.mark.parametrize(
    ("quotes", "side", "stops", "reason", "price"),
    [
        (FALLING, 0, {"sl": 1.0975}, mt5.DEAL_REASON_SL, 1.0970),
        (RISING, 0, {"tp": 1.1015}, mt5.DEAL_REASON_TP, 1.1020),
        (RISING, 1, {"sl": 1.1025}, mt5.DEAL_REASON_SL, 1.1032),
        (FALLING, 1, {"tp": 1.0985}, mt5.DEAL_REASON_TP, 1.0982),
    ],
)
def test_a_stop_closes_at_the_first_tick_that_reaches_it(desk, quotes, side, stops, reason, price) -> None:
    desk.load([(round(bid, 5), round(ask, 5)) for bid, ask in quotes])
    desk.send(side, **stops)
    desk.step(9)
    assert mt5.positions_get() == ()
    deal = desk.deals()[-1]
    assert (deal.reason, deal.price, deal.entry, deal.type) == (reason, price, mt5.DEAL_ENTRY_OUT, 1 - side)
    (word, stop), *_ = stops.items()
    assert deal.comment == f"[{word} {stop:.5f}]"
    assert mt5.history_orders_get(ticket=deal.order)[0].reason == reason


def test_a_stop_reached_in_the_middle_of_a_read_closes_at_its_own_tick(desk) -> None:
    desk.load([(1.1, 1.1002), (1.2, 1.2002), (1.05, 1.0502), (1.3, 1.3002)])
    desk.buy(sl=1.06)
    desk.step(3)
    deal = desk.deals()[-1]
    assert (deal.price, deal.time - desk.deals()[1].time) == (1.05, 2)


def test_a_bad_tick_closes_nothing(desk) -> None:
    desk.load([(1.1, 1.1002), (0.0, 0.0), (float("nan"), float("nan")), (-1.0, -1.0), (1.1, 1.1002)])
    desk.buy(sl=1.05, tp=1.2)
    desk.sell(sl=1.2, tp=1.05)
    desk.step(4)
    assert mt5.positions_total() == 2


def test_stops_are_set_and_cleared_later(desk) -> None:
    desk.load(FALLING)
    ticket = desk.buy().order
    sltp = {"action": mt5.TRADE_ACTION_SLTP, "symbol": "EURUSD", "position": ticket}
    assert mt5.order_send(sltp | {"sl": 1.05, "tp": 1.2}).retcode == mt5.TRADE_RETCODE_DONE
    assert (desk.position().sl, desk.position().tp) == (1.05, 1.2)
    assert mt5.order_send(sltp | {"sl": 1.05, "tp": 1.2}).retcode == mt5.TRADE_RETCODE_NO_CHANGES
    assert mt5.order_send(sltp | {"sl": 1.15}).retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    assert mt5.order_send(sltp | {"sl": 1.05}).retcode == mt5.TRADE_RETCODE_DONE
    assert (desk.position().sl, desk.position().tp) == (1.05, 0.0)
    assert mt5.order_send(sltp | {"position": 5, "sl": 1.0}).retcode == mt5.TRADE_RETCODE_POSITION_CLOSED
    assert mt5.order_send(sltp | {"symbol": "GBPUSD", "sl": 1.0}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.history_orders_total(1, 2_000_000_000) == 1


def test_a_stop_within_the_freeze_level_cannot_be_moved(desk) -> None:
    desk.load(FALLING, symbols=(replace(mt5.BUILT_IN["EURUSD"], freeze_level=100),))
    ticket = desk.buy(sl=1.0985).order
    desk.step()
    request = {"action": mt5.TRADE_ACTION_SLTP, "symbol": "EURUSD", "position": ticket, "sl": 1.05}
    assert mt5.order_send(request).retcode == mt5.TRADE_RETCODE_FROZEN


@pytest.mark.parametrize(("price", "survivors"), [(1.0970, 2), (1.0930, 2), (1.0929, 1), (1.0, 0)])
def test_below_the_stop_out_level_the_largest_loss_is_closed_until_it_recovers(
    desk, price: float, survivors: int
) -> None:
    # 1.2 lots at 1.1 need a margin of 1320; at 1.0930 the equity is 660, exactly the 50 % that still holds
    desk.load([(1.1, 1.1), (1.099, 1.099), (price, price)], account={"balance": 1500.0})
    small, large = desk.buy(0.2).order, desk.buy(1.0).order
    desk.step(2)
    assert [position.ticket for position in mt5.positions_get()] == [small, large][:survivors]
    if survivors < 2:
        deal = next(deal for deal in desk.deals() if deal.reason == mt5.DEAL_REASON_SO)
        assert (deal.position_id, deal.price) == (large, price)
        assert deal.comment.startswith("[so ")


def test_a_stop_out_level_of_zero_never_closes(desk) -> None:
    desk.load([(1.1, 1.1), (0.9, 0.9)], account={"balance": 1500.0, "stop_out": 0.0})
    desk.buy(1.0)
    desk.step()
    assert mt5.positions_total() == 1
    assert mt5.account_info().equity < 0
