"""Trading on a netting account: one position per symbol."""

import pytest

import mt5sim as mt5

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012), (1.0990, 1.0992), (1.1020, 1.1022)]
NETTING = {"margin_mode": "netting"}


def test_more_of_the_same_side_averages_the_price(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    first = desk.buy(0.1)
    desk.step()
    second = desk.buy(0.3)
    position = desk.position()
    assert position.price_open == pytest.approx((0.1 * 1.1002 + 0.3 * 1.1012) / 0.4)
    assert (position.volume, position.ticket) == (0.4, first.order)
    assert [deal.entry for deal in mt5.history_deals_get(position=first.order)] == [0, 0]
    assert mt5.history_deals_get(ticket=second.order)[0].position_id == first.order


def test_the_opposite_side_reduces_and_closes(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    desk.buy(0.3)
    desk.sell(0.1)
    assert (desk.position().volume, desk.position().type) == (0.2, 0)
    desk.sell(0.2)
    assert mt5.positions_total() == 0
    assert [deal.entry for deal in desk.deals()[1:]] == [mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_OUT, mt5.DEAL_ENTRY_OUT]


def test_a_larger_opposite_order_reverses_in_one_deal(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    opened = desk.buy(0.1, sl=1.05)
    desk.step()
    turned = desk.sell(0.3)
    position, deal = desk.position(), desk.deals()[-1]
    assert (position.type, position.volume, position.price_open) == (mt5.POSITION_TYPE_SELL, 0.2, 1.1010)
    assert (position.ticket, position.identifier) == (turned.order, opened.order)
    assert position.sl == 0.0
    assert (deal.entry, deal.volume, deal.position_id) == (mt5.DEAL_ENTRY_INOUT, 0.3, opened.order)
    assert deal.profit == pytest.approx((1.1010 - 1.1002) * 10_000)


def test_new_stops_replace_the_old_ones_and_missing_ones_do_not(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    desk.buy(0.1, sl=1.05, tp=1.2)
    desk.buy(0.1, sl=1.06)
    assert (desk.position().sl, desk.position().tp) == (1.06, 1.2)


def test_closing_by_ticket_never_reverses(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    opened = desk.buy(0.1)
    assert desk.sell(0.2, position=opened.order).retcode == mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME
    assert desk.sell(0.1, position=opened.order).retcode == mt5.TRADE_RETCODE_DONE


def test_stops_can_be_set_by_symbol_alone(desk) -> None:
    desk.load(QUOTES, account=NETTING)
    desk.buy(0.1)
    result = mt5.order_send(action=mt5.TRADE_ACTION_SLTP, symbol="EURUSD", sl=1.05, tp=0.0)
    assert result.retcode == mt5.TRADE_RETCODE_DONE
    assert desk.position().sl == 1.05
