"""What holding and dealing cost: swaps at the broker's midnight, commission and fees with each deal."""

from dataclasses import replace

import pytest

import mt5sim as mt5
from mt5sim.session import session

EURUSD = mt5.BUILT_IN["EURUSD"]
DAY_MS = 86_400_000
MONDAY = 1_699_833_600_000
""" Monday 13 November 2023, 0:00 """
PRICE = (1.1000, 1.1002)
POINTS = mt5.SYMBOL_SWAP_MODE_POINTS


def hold(desk, days: list[float], volume: float = 1.0, side: int = 0, symbol: str = "EURUSD", **options) -> None:
    """Open at noon of the first day, then let the market reach noon of the others (0 = Monday)."""
    price = options.pop("price", PRICE)
    desk.load_rows([(int(MONDAY + (day + 0.5) * DAY_MS), *price) for day in days], symbol, **options)
    desk.send(side, volume)
    desk.step(len(days) - 1)


def swaps(**fields) -> dict[str, object]:
    return {"symbols": (replace(EURUSD, swap_mode=POINTS, swap_long=-5.0, swap_short=2.0, **fields),)}


@pytest.mark.parametrize(
    ("days", "nights"),
    [
        ([0, 0.4], 0),
        ([0, 1], 1),
        ([1, 2], 1),
        ([2, 3], 3),
        ([3, 4], 1),
        ([4, 7], 1),
        ([0, 1, 2, 3, 4, 7], 7),
        ([0, 7], 7),
        ([5, 6], 0),
    ],
)
def test_each_night_is_charged_once_wednesdays_three_times_and_weekends_not(desk, days, nights: int) -> None:
    hold(desk, days, **swaps())
    assert desk.position().swap == pytest.approx(-5.0 * nights)


def test_a_stamp_that_is_wrong_by_decades_costs_one_change_to_the_books(desk) -> None:
    far = MONDAY + 80 * 365 * DAY_MS
    state = desk.folder / "account.sqlite"
    desk.load_rows([(MONDAY, *PRICE), (far, *PRICE), (MONDAY + 1000, *PRICE)], state_file=state, **swaps())
    desk.buy(0.01)
    before = session.loaded.ledger.version
    desk.step(2)
    assert session.loaded.ledger.version == before + 1
    assert desk.position().swap < -100


def test_a_market_without_weekends_charges_every_night_once(desk) -> None:
    hold(desk, [0, 7], **swaps(swap_weekend=True))
    assert desk.position().swap == -35.0


def test_the_triple_day_is_the_symbols(desk) -> None:
    hold(desk, [4, 7], **swaps(swap_rollover3days=mt5.DAY_OF_WEEK_FRIDAY))
    assert desk.position().swap == -15.0


def test_the_night_ends_at_the_brokers_midnight_not_in_utc(desk) -> None:
    # 23:00 UTC is 1:00 of the next day on the clock of New York + 7
    desk.load_rows([(MONDAY + 20 * 3_600_000, *PRICE), (MONDAY + 23 * 3_600_000, *PRICE)], clock="ny+7", **swaps())
    desk.buy(1.0)
    desk.step()
    assert desk.position().swap == -5.0


@pytest.mark.parametrize(
    ("mode", "rate", "expected"),
    [
        (mt5.SYMBOL_SWAP_MODE_DISABLED, -5.0, 0.0),
        (mt5.SYMBOL_SWAP_MODE_POINTS, -5.0, -10.0),
        (mt5.SYMBOL_SWAP_MODE_CURRENCY_SYMBOL, -5.0, -11.0),
        (mt5.SYMBOL_SWAP_MODE_CURRENCY_MARGIN, -5.0, -11.0),
        (mt5.SYMBOL_SWAP_MODE_CURRENCY_DEPOSIT, -5.0, -10.0),
        (mt5.SYMBOL_SWAP_MODE_INTEREST_OPEN, -3.6, -22.0),
        (mt5.SYMBOL_SWAP_MODE_INTEREST_CURRENT, -3.6, -22.0),
    ],
)
def test_each_swap_mode_charges_in_its_own_unit(desk, mode: int, rate: float, expected: float) -> None:
    symbol = replace(EURUSD, swap_mode=mode, swap_long=rate)
    hold(desk, [0, 1], 2.0, price=(1.1, 1.1), symbols=(symbol,))
    assert desk.position().swap == pytest.approx(expected)


def test_interest_follows_the_price_that_its_mode_names(desk) -> None:
    for mode, price in ((mt5.SYMBOL_SWAP_MODE_INTEREST_CURRENT, 1.2), (mt5.SYMBOL_SWAP_MODE_INTEREST_OPEN, 1.1)):
        symbol = replace(EURUSD, swap_mode=mode, swap_long=-3.6)
        noon, evening, morning = (int(MONDAY + part * DAY_MS) for part in (0.5, 0.9, 1.5))
        # the price of the morning after is not yet known at midnight
        desk.load_rows([(noon, 1.1, 1.1), (evening, 1.2, 1.2), (morning, 1.3, 1.3)], symbols=(symbol,))
        desk.buy(1.0)
        desk.step(2)
        assert desk.position().swap == pytest.approx(-3.6 / 100 / 360 * 100_000 * price)


def test_swaps_count_in_the_equity_and_are_paid_with_the_closing_deal(desk) -> None:
    hold(desk, [0, 1], **swaps())
    info = mt5.account_info()
    assert (info.balance, info.equity) == (10_000.0, (10_000 - 5 - 20))
    ticket = desk.position().ticket
    desk.sell(0.25, position=ticket)
    assert (desk.deals()[-1].swap, desk.position().swap) == (-1.25, -3.75)
    desk.sell(0.75, position=ticket)
    assert (desk.deals()[-1].swap, mt5.account_info().balance) == (-3.75, 9_975.0)


def test_a_restart_charges_no_night_twice_and_forgets_none(desk) -> None:
    state = desk.folder / "account.sqlite"
    rows = [(MONDAY + 12 * 3_600_000 + day * DAY_MS, *PRICE) for day in range(3)]
    for _ in range(2):
        desk.load_rows(rows, state_file=state, **swaps())
        if not mt5.positions_get():
            desk.buy(1.0)
        desk.step()
    assert desk.position().swap == -5.0
    desk.step()
    assert desk.position().swap == -10.0


@pytest.mark.parametrize(
    ("mode", "side", "closed", "opened"),
    [
        (mt5.SYMBOL_SWAP_MODE_REOPEN_CURRENT, 0, 1.1000, 1.10005),
        (mt5.SYMBOL_SWAP_MODE_REOPEN_CURRENT, 1, 1.1002, 1.10018),
        (mt5.SYMBOL_SWAP_MODE_REOPEN_BID, 1, 1.1002, 1.09998),
    ],
)
def test_a_reopened_position_pays_through_its_price_under_a_new_ticket(desk, mode, side, closed, opened) -> None:
    symbol = replace(EURUSD, swap_mode=mode, swap_long=-5.0, swap_short=-2.0, commission_per_lot=3.0)
    hold(desk, [0, 1], side=side, symbols=(symbol,))
    position, (_, came, out, back) = desk.position(), desk.deals()
    assert (position.identifier, position.ticket) == (came.order, back.order)
    assert position.ticket != position.identifier
    assert (out.price, back.price, position.price_open) == (closed, opened, opened)
    assert [d.reason for d in (out, back)] == [mt5.DEAL_REASON_ROLLOVER] * 2
    assert [d.position_id for d in (came, out, back)] == [position.identifier] * 3
    assert [d.commission for d in (came, out, back)] == [-3.0, 0.0, 0.0]
    assert out.profit == pytest.approx(-20.0)


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"commission_per_lot": 3.5}, (-7.0, -7.0)),
        ({"commission_per_deal": 1.0}, (-1.0, -1.0)),
        ({"commission_percent": 0.01}, (-22.0, -22.0)),
        ({"commission_per_lot": 3.5, "commission_min": 10.0}, (-10.0, -10.0)),
        ({"commission_per_lot": 3.5, "commission_entry": "in"}, (-7.0, 0.0)),
        ({"commission_per_lot": 3.5, "commission_entry": "out"}, (0.0, -7.0)),
    ],
)
def test_each_model_of_commission_is_booked_with_its_deals(desk, fields: dict[str, object], paid) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, **fields),))
    desk.sell(2.0, position=desk.buy(2.0).order)
    assert tuple(deal.commission for deal in desk.deals()[1:]) == paid
    assert mt5.account_info().balance == 10_000 + sum(paid)


def test_a_fee_has_a_column_of_its_own(desk) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, fee_per_lot=0.5),))
    desk.buy(2.0)
    assert (desk.deals()[-1].fee, desk.deals()[-1].commission, mt5.account_info().balance) == (-1.0, 0.0, 9_999.0)


def test_closing_by_trades_nothing_and_costs_no_commission(desk) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, commission_per_lot=3.5),))
    buy, sell = desk.buy(1.0).order, desk.sell(1.0).order
    mt5.order_send(action=mt5.TRADE_ACTION_CLOSE_BY, position=buy, position_by=sell)
    assert [deal.commission for deal in desk.deals()[1:]] == [-3.5, -3.5, 0.0, 0.0]
