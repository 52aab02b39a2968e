"""Trading on a hedging account: every order opens, `position=` closes."""

from dataclasses import replace

import pytest

import mt5sim as mt5

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012), (1.0990, 1.0992), (1.1020, 1.1022)]


def test_a_buy_is_filled_at_the_ask_and_a_sell_at_the_bid(desk) -> None:
    desk.load(QUOTES)
    bought, sold = desk.buy(), desk.sell()
    assert (bought.retcode, bought.comment) == (mt5.TRADE_RETCODE_DONE, "Request executed")
    assert (bought.price, sold.price) == (1.1002, 1.1000)
    assert (bought.bid, bought.ask, bought.volume) == (1.1000, 1.1002, 0.1)
    assert mt5.positions_total() == 2


def test_the_tickets_of_position_order_and_deal_belong_together(desk) -> None:
    desk.load(QUOTES)
    result = desk.buy(magic=77, comment="mine")
    position = desk.position()
    assert position.ticket == position.identifier == result.order
    (order,) = mt5.history_orders_get(ticket=result.order)
    (deal,) = mt5.history_deals_get(ticket=result.order)
    assert (deal.ticket, deal.order, deal.position_id) == (result.deal, result.order, result.order)
    assert (order.position_id, order.state) == (result.order, mt5.ORDER_STATE_FILLED)
    assert (deal.entry, deal.type, deal.reason) == (mt5.DEAL_ENTRY_IN, mt5.DEAL_TYPE_BUY, mt5.DEAL_REASON_EXPERT)
    for row in (position, order, deal):
        assert (row.magic, row.comment, row.symbol) == (77, "mine", "EURUSD")


def test_the_first_row_of_the_history_is_the_deposit(desk) -> None:
    desk.load(QUOTES, account={"balance": 2500.0})
    (deal,) = desk.deals()
    assert (deal.type, deal.order, deal.position_id, deal.profit) == (mt5.DEAL_TYPE_BALANCE, 0, 0, 2500.0)


def test_closing_pays_the_difference_into_the_balance(desk) -> None:
    desk.load(QUOTES)
    opened = desk.buy(1.0)
    desk.step(3)
    closed = desk.sell(1.0, position=opened.order)
    assert mt5.positions_total() == 0
    deal = desk.deals()[-1]
    assert (deal.entry, deal.position_id, deal.order) == (mt5.DEAL_ENTRY_OUT, opened.order, closed.order)
    assert deal.profit == pytest.approx((1.1020 - 1.1002) * 100_000)
    assert mt5.account_info().balance == 10_000 + deal.profit


def test_a_sell_earns_when_the_ask_falls(desk) -> None:
    desk.load(QUOTES)
    opened = desk.sell(1.0)
    desk.step(2)
    assert desk.position().profit == pytest.approx(80.0)
    desk.buy(1.0, position=opened.order)
    assert mt5.account_info().balance == pytest.approx(10_080.0)


def test_a_part_can_be_closed_and_the_rest_keeps_price_ticket_and_stops(desk) -> None:
    desk.load(QUOTES)
    opened = desk.buy(0.3, sl=1.09, tp=1.2)
    desk.sell(0.1, position=opened.order)
    rest = desk.position()
    assert (rest.volume, rest.ticket, rest.price_open, rest.sl, rest.tp) == (0.2, opened.order, 1.1002, 1.09, 1.2)


def test_without_position_an_opposite_order_opens_a_second_position(desk) -> None:
    desk.load(QUOTES)
    desk.buy()
    desk.sell()
    assert {position.type for position in mt5.positions_get(symbol="EURUSD")} == {0, 1}


@pytest.mark.parametrize(
    ("request_", "retcode"),
    [
        ({"position": 99}, mt5.TRADE_RETCODE_POSITION_CLOSED),
        ({"volume": 0.2}, mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME),
        ({"type": 0}, mt5.TRADE_RETCODE_INVALID),
    ],
)
def test_a_close_that_does_not_fit_the_position_is_refused(desk, request_, retcode: int) -> None:
    desk.load(QUOTES)
    opened = desk.buy(0.1)
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 1, "position": opened.order}
    assert mt5.order_send(request | request_).retcode == retcode
    assert mt5.positions_total() == 1


def test_closing_twice_says_that_the_position_is_gone(desk) -> None:
    desk.load(QUOTES)
    opened = desk.buy()
    assert desk.sell(position=opened.order).retcode == mt5.TRADE_RETCODE_DONE
    assert desk.sell(position=opened.order).retcode == mt5.TRADE_RETCODE_POSITION_CLOSED


def test_positions_are_found_by_symbol_ticket_and_group(desk) -> None:
    desk.load(QUOTES)
    first, second = desk.buy(), desk.buy()
    assert [p.ticket for p in mt5.positions_get(ticket=second.order)] == [second.order]
    assert len(mt5.positions_get(symbol="EURUSD")) == len(mt5.positions_get(group="*USD")) == 2
    assert mt5.positions_get(symbol="GBPUSD") == mt5.positions_get(group="*,!EUR*") == ()
    assert first.order != second.order


def test_history_is_found_by_period_position_and_group(desk) -> None:
    desk.load(QUOTES)
    opened = desk.buy()
    desk.step()
    desk.sell(position=opened.order)
    opened_at, closed_at = (deal.time for deal in mt5.history_deals_get(position=opened.order))
    assert closed_at == opened_at + 1
    assert mt5.history_deals_total(closed_at, closed_at) == 1
    assert mt5.history_orders_total(1, 2_000_000_000) == 2
    assert len(mt5.history_orders_get(position=opened.order)) == 2
    assert len(mt5.history_deals_get(1, 2_000_000_000, group="EUR*")) == 2
    assert mt5.history_deals_get(1, 2) == ()


def test_hedged_volume_is_charged_as_the_symbol_says(desk) -> None:
    desk.load(QUOTES)
    desk.buy(1.0)
    single = mt5.account_info().margin
    desk.sell(1.0)
    assert (single, mt5.account_info().margin) == (1100.2, 0.0)


def test_commission_is_booked_with_each_deal(desk) -> None:
    desk.load(QUOTES, symbols=(replace(mt5.BUILT_IN["EURUSD"], commission_per_lot=3.5),))
    opened = desk.buy(2.0)
    desk.sell(2.0, position=opened.order)
    assert [deal.commission for deal in desk.deals()] == [0.0, -7.0, -7.0]
    assert mt5.account_info().balance == pytest.approx(10_000 - 14 - 40)


def test_buy_sell_and_close_are_there_for_quick_scripts(desk) -> None:
    desk.load(QUOTES)
    assert mt5.Buy("EURUSD", 0.1, comment="quick").retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.Sell("EURUSD", 0.1).retcode == mt5.TRADE_RETCODE_DONE
    ticket = mt5.Buy("EURUSD", 0.1).order
    assert mt5.Close("EURUSD", ticket=ticket) is True
    assert mt5.Close("EURUSD") is True
    assert mt5.Close("EURUSD") is False
    assert mt5.positions_total() == 0


def test_a_quick_script_learns_that_a_symbol_is_unknown_or_a_ticket_gone(desk) -> None:
    desk.load(QUOTES)
    with pytest.raises(AttributeError, match="ask"):
        mt5.Buy("NOPE", 0.1)
    assert mt5.Buy("EURUSD", 1) is None
    assert mt5.last_error() == (-2, 'Invalid "volume" argument')
    assert mt5.Close("EURUSD", ticket=5) is False
    ticket = mt5.Sell("EURUSD", 0.2, 1.1).order
    assert mt5.Buy("EURUSD", 0.2, ticket=ticket).retcode == mt5.TRADE_RETCODE_DONE
    mt5.shutdown()
    with pytest.raises(TypeError):
        mt5.Close("EURUSD")
