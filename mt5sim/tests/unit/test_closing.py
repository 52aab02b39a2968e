"""Closing: by an opposite position, oldest first, in parts that work on, and not while frozen."""

from dataclasses import replace

import pytest

import mt5sim as mt5

EURUSD = mt5.BUILT_IN["EURUSD"]
QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012), (1.1020, 1.1022)]
EXCHANGE = replace(EURUSD, exemode=mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE)


def close_by(position: int, position_by: int, **more: object) -> mt5.OrderSendResult:
    return mt5.order_send(action=mt5.TRADE_ACTION_CLOSE_BY, position=position, position_by=position_by, **more)


def test_two_opposite_positions_close_each_other_in_one_order_with_two_deals(desk) -> None:
    desk.load(QUOTES)
    buy = desk.buy(1.0).order
    desk.step()
    sell = desk.sell(1.0).order
    result = close_by(buy, sell, magic=3)
    assert (result.retcode, result.volume, mt5.positions_total()) == (mt5.TRADE_RETCODE_DONE, 1.0, 0)
    (order,) = mt5.history_orders_get(ticket=result.order)
    assert (order.type, order.position_id, order.position_by_id) == (mt5.ORDER_TYPE_CLOSE_BY, buy, sell)
    assert (order.comment, order.state) == (f"close #{buy} by #{sell}", mt5.ORDER_STATE_FILLED)
    first, second = mt5.history_deals_get(ticket=result.order)
    assert [d.entry for d in (first, second)] == [mt5.DEAL_ENTRY_OUT_BY] * 2
    assert [d.position_id for d in (first, second)] == [buy, sell]
    assert (first.type, first.price, second.type) == (mt5.DEAL_TYPE_SELL, 1.1010, mt5.DEAL_TYPE_BUY)
    # the whole result is in the first deal: bought at 1.1002, sold at 1.1010, no second spread
    assert (first.profit, second.profit) == (80.0, 0.0)
    assert mt5.account_info().balance == 10_080.0


def test_closing_by_a_smaller_position_leaves_the_rest_of_the_larger(desk) -> None:
    desk.load(QUOTES)
    buy, sell = desk.buy(0.3, sl=1.05).order, desk.sell(0.1).order
    assert close_by(sell, buy).volume == 0.1
    rest = desk.position()
    assert (rest.ticket, rest.volume, rest.price_open, rest.sl) == (buy, 0.2, 1.1002, 1.05)


def test_closing_by_needs_two_opposite_positions_of_a_symbol_that_allows_it(desk) -> None:
    desk.load(QUOTES, symbols=(EURUSD, replace(EURUSD, name="EURUSD.x", order_mode=63)))
    first, second, opposite = desk.buy().order, desk.buy().order, desk.sell().order
    assert close_by(first, second).retcode == mt5.TRADE_RETCODE_INVALID
    assert close_by(first, 5).retcode == mt5.TRADE_RETCODE_POSITION_CLOSED
    assert close_by(first, opposite).retcode == mt5.TRADE_RETCODE_DONE
    desk.load(QUOTES, symbols=(replace(EURUSD, order_mode=63),))
    assert close_by(desk.buy().order, desk.sell().order).retcode == mt5.TRADE_RETCODE_INVALID_ORDER


def test_a_netting_account_has_nothing_to_close_by(desk) -> None:
    desk.load(QUOTES, account={"margin_mode": "netting"})
    ticket = desk.buy().order
    assert close_by(ticket, ticket).retcode == mt5.TRADE_RETCODE_INVALID


def test_a_first_in_first_out_account_closes_the_oldest_position_first(desk) -> None:
    desk.load(QUOTES, account={"fifo_close": True})
    assert mt5.account_info().fifo_close is True
    first, second = desk.buy().order, desk.buy().order
    assert desk.sell(position=second).retcode == mt5.TRADE_RETCODE_FIFO_CLOSE
    assert desk.sell(position=first).retcode == mt5.TRADE_RETCODE_DONE
    assert desk.sell(position=second).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(("sl", "retcode"), [(1.0990, 10029), (1.09899, 10009)])
def test_a_position_within_the_freeze_level_of_its_stop_cannot_be_closed(desk, sl: float, retcode: int) -> None:
    desk.load(QUOTES, symbols=(replace(EURUSD, freeze_level=100),))
    ticket = desk.buy(sl=sl).order
    assert desk.sell(position=ticket).retcode == retcode


def test_the_rest_of_a_returning_order_works_on_and_is_filled_at_the_next_tick(desk) -> None:
    desk.load(QUOTES, symbols=(EXCHANGE,))
    mt5.faults.partial_fill = 0.5
    result = desk.buy(0.4, type_filling=mt5.ORDER_FILLING_RETURN)
    assert (result.retcode, result.volume) == (mt5.TRADE_RETCODE_DONE_PARTIAL, 0.2)
    (working,) = mt5.orders_get()
    assert (working.ticket, working.type, working.state) == (result.order, 0, mt5.ORDER_STATE_PARTIAL)
    assert (working.volume_initial, working.volume_current) == (0.4, 0.2)
    desk.step()
    assert mt5.orders_get() == ()
    position = desk.position()
    assert (position.ticket, position.volume) == (result.order, 0.4)
    assert position.price_open == pytest.approx((1.1002 + 1.1012) / 2)
    deals = mt5.history_deals_get(ticket=result.order)
    assert [(d.volume, d.price, d.position_id) for d in deals] == [
        (0.2, 1.1002, result.order),
        (0.2, 1.1012, result.order),
    ]


def test_while_a_close_works_on_more_than_the_position_cannot_be_closed(desk) -> None:
    desk.load(QUOTES, symbols=(EXCHANGE,))
    ticket = desk.buy(0.4, type_filling=2).order
    mt5.faults.partial_fill = 0.5
    assert desk.sell(0.3, position=ticket, type_filling=2).volume == 0.15
    mt5.faults.reset()
    # 0.25 lots are left and 0.15 of them are being closed
    assert desk.sell(0.11, position=ticket, type_filling=2).retcode == mt5.TRADE_RETCODE_CLOSE_ORDER_EXIST
    assert desk.sell(0.1, position=ticket, type_filling=2).retcode == mt5.TRADE_RETCODE_DONE
    desk.step()
    assert (mt5.positions_total(), mt5.orders_total()) == (0, 0)


def test_the_rest_of_a_returning_order_can_be_removed(desk) -> None:
    desk.load(QUOTES, symbols=(EXCHANGE,))
    mt5.faults.partial_fill = 0.5
    ticket = desk.buy(0.4, type_filling=2).order
    assert mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=ticket).retcode == mt5.TRADE_RETCODE_DONE
    desk.step()
    assert (desk.position().volume, mt5.orders_total()) == (0.2, 0)
    (order,) = mt5.history_orders_get(ticket=ticket)
    assert (order.state, order.volume_current) == (mt5.ORDER_STATE_CANCELED, 0.2)


def test_while_a_close_works_on_the_position_cannot_be_closed_by_another(desk) -> None:
    desk.load(QUOTES, symbols=(EXCHANGE,))
    buy, sell = desk.buy(0.4, type_filling=2).order, desk.sell(0.4, type_filling=2).order
    mt5.faults.partial_fill = 0.5
    working = desk.sell(0.4, position=buy, type_filling=2).order
    assert close_by(buy, sell).retcode == mt5.TRADE_RETCODE_CLOSE_ORDER_EXIST
    mt5.order_send(action=mt5.TRADE_ACTION_REMOVE, order=working)
    assert close_by(buy, sell).retcode == mt5.TRADE_RETCODE_DONE
