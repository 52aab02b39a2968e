"""Margin and profit by calculation mode, fixed and hedged margin, rates; and the stop-out that margin leads to.

Formulas: mql5.com, ENUM_SYMBOL_CALC_MODE. Documented examples: see test_documented_examples.py.
"""

from dataclasses import replace
from typing import Any

import pytest

import mt5sim as mt5

EURUSD, XAUUSD = mt5.BUILT_IN["EURUSD"], mt5.BUILT_IN["XAUUSD"]
FUTURE = {"margin": "USD", "margin_initial": 1500.0, "tick_size": 0.25, "tick_value": 12.5}


def gold(mode: int, **fields: Any) -> tuple[mt5.SymbolProfile, ...]:
    return (replace(XAUUSD, calc_mode=mode, **({"margin": "USD"} | fields)),)


@pytest.mark.parametrize(
    ("mode", "fields", "margin", "profit"),
    [
        (mt5.SYMBOL_CALC_MODE_FOREX, {"margin": "XAU"}, 2 * 100 / 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE, {"margin": "XAU"}, 2 * 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_CFD, {}, 2 * 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_CFDLEVERAGE, {}, 2 * 100 * 2000 / 100, 2000.0),
        (mt5.SYMBOL_CALC_MODE_CFDINDEX, {}, 2 * 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_CFDINDEX, {"tick_size": 0.5, "tick_value": 0.1}, 2 * 100 * 2000 * 0.1 / 0.5, 2000.0),
        (mt5.SYMBOL_CALC_MODE_FUTURES, FUTURE, 2 * 1500, 10 / 0.25 * 12.5 * 2),
        (mt5.SYMBOL_CALC_MODE_EXCH_FUTURES, FUTURE, 2 * 1500, 10 / 0.25 * 12.5 * 2),
        (mt5.SYMBOL_CALC_MODE_EXCH_STOCKS, {}, 2 * 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_EXCH_STOCKS_MOEX, {}, 2 * 100 * 2000, 2000.0),
        (mt5.SYMBOL_CALC_MODE_EXCH_BONDS, {"face_value": 10.0}, 2 * 100 * 10 * 2000 / 100, 200.0),
        (mt5.SYMBOL_CALC_MODE_EXCH_BONDS_MOEX, {"face_value": 10.0}, 2 * 100 * 10 * 2000 / 100, 200.0),
        (mt5.SYMBOL_CALC_MODE_SERV_COLLATERAL, {}, 0.0, 0.0),
    ],
)
def test_each_mode_has_its_margin_and_profit(desk, mode: int, fields, margin: float, profit: float) -> None:
    desk.load([(2000.0, 2000.5)], "XAUUSD", symbols=gold(mode, **fields))
    assert mt5.order_calc_margin(0, "XAUUSD", 2.0, 2000.0) == pytest.approx(margin)
    assert mt5.order_calc_profit(0, "XAUUSD", 2.0, 2000.0, 2010.0) == profit


def test_collateral_cannot_be_traded(desk) -> None:
    desk.load([(2000.0, 2000.5)], "XAUUSD", symbols=gold(mt5.SYMBOL_CALC_MODE_SERV_COLLATERAL))
    assert desk.buy(0.1).retcode == mt5.TRADE_RETCODE_TRADE_DISABLED


@pytest.mark.parametrize(
    ("mode", "margin"),
    [
        (mt5.SYMBOL_CALC_MODE_FOREX, 2 * 500 / 100),
        (mt5.SYMBOL_CALC_MODE_CFDLEVERAGE, 2 * 500 / 100),
        (mt5.SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE, 2 * 500),
        (mt5.SYMBOL_CALC_MODE_CFD, 2 * 500),
        (mt5.SYMBOL_CALC_MODE_EXCH_STOCKS, 2 * 500),
    ],
)
def test_a_fixed_margin_replaces_the_formula(desk, mode: int, margin: float) -> None:
    desk.load([(2000.0, 2000.5)], "XAUUSD", symbols=gold(mode, margin_initial=500.0))
    assert mt5.order_calc_margin(0, "XAUUSD", 2.0, 2000.0) == margin


def test_each_side_has_its_rate(desk) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, margin_rate_buy=0.5, margin_rate_sell=2.0),))
    assert [mt5.order_calc_margin(side, "EURUSD", 1.0, 1.1) for side in (0, 1)] == [550.0, 2200.0]


def test_an_open_position_needs_the_maintenance_margin_and_opening_it_the_initial_one(desk) -> None:
    symbols = gold(mt5.SYMBOL_CALC_MODE_FUTURES, **(FUTURE | {"margin_maintenance": 1000.0}))
    desk.load([(2000.0, 2000.0)], "XAUUSD", symbols=symbols, account={"balance": 2600.0})
    assert mt5.order_calc_margin(0, "XAUUSD", 1.0, 2000.0) == 1500.0
    assert desk.buy(1.0).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.account_info().margin == 1000.0
    # 1600 are free, 1500 are needed
    assert desk.buy(1.0).retcode == mt5.TRADE_RETCODE_DONE
    assert desk.buy(0.5).retcode == mt5.TRADE_RETCODE_NO_MONEY


def test_maintenance_rates_replace_the_initial_ones_once_open(desk) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, margin_rate_buy=2.0, maintenance_rate_buy=0.5),))
    desk.buy(1.0)
    assert (mt5.order_calc_margin(0, "EURUSD", 1.0, 1.1), mt5.account_info().margin) == (2200.0, 550.0)


@pytest.mark.parametrize(
    ("fields", "margin"),
    [
        ({}, 1100.0),
        ({"margin_hedged": 100_000.0}, 1100.0 + 1100.0),
        ({"margin_hedged": 50_000.0}, 1100.0 + 550.0),
        ({"margin_hedged": 100_000.0, "margin_rate_sell": 3.0}, 1100.0 + 2200.0),
        ({"margin_hedged_use_leg": True}, 2200.0),
        ({"margin_hedged_use_leg": True, "margin_rate_sell": 3.0}, 3300.0),
        ({"margin_initial": 500.0, "margin_hedged": 200.0}, (500 / 100 + 200.0) * 1.1),
    ],
)
def test_hedged_lots_are_charged_as_hedged_or_by_the_larger_side(desk, fields, margin: float) -> None:
    desk.load([(1.1, 1.1)], symbols=(replace(EURUSD, **fields),))
    desk.buy(2.0)
    desk.sell(1.0)
    assert mt5.account_info().margin == pytest.approx(margin)


def test_the_covered_part_is_charged_at_the_mean_price_of_all_positions(desk) -> None:
    desk.load([(1.1, 1.1), (1.2, 1.2)], symbols=(replace(EURUSD, margin_hedged=100_000.0),))
    desk.buy(1.0)
    desk.step()
    desk.sell(1.0)
    assert mt5.account_info().margin == pytest.approx(1150.0)


def test_prices_of_a_coarse_tick_must_be_on_it(desk) -> None:
    symbols = gold(mt5.SYMBOL_CALC_MODE_FUTURES, **FUTURE)
    desk.load([(2000.0, 2000.5)], "XAUUSD", symbols=symbols)
    request = {"action": mt5.TRADE_ACTION_PENDING, "symbol": "XAUUSD", "volume": 0.1, "type": 2, "type_filling": 2}
    assert mt5.order_send(**request, price=1990.1).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    assert mt5.order_send(**request, price=1990.25).retcode == mt5.TRADE_RETCODE_DONE
    info = mt5.symbol_info("XAUUSD")
    assert (info.trade_tick_size, info.trade_tick_value, info.margin_initial) == (0.25, 12.5, 1500.0)


def test_a_stop_out_level_in_money_is_an_equity(desk) -> None:
    account = {"balance": 1500.0, "stop_out": 400.0, "stop_out_mode": "money"}
    desk.load([(1.1, 1.1), (1.0891, 1.0891), (1.0889, 1.0889)], account=account)
    desk.buy(1.0)
    assert mt5.account_info().margin_so_mode == mt5.ACCOUNT_STOPOUT_MODE_MONEY
    desk.step()
    assert (mt5.positions_total(), mt5.account_info().equity) == (1, 410.0)
    desk.step()
    assert (mt5.positions_total(), desk.deals()[-1].reason) == (0, mt5.DEAL_REASON_SO)
    assert desk.deals()[-1].comment == "[so 390.00]"


def test_a_loss_of_one_symbol_closes_the_largest_loser_of_all(desk) -> None:
    rows = {"EURUSD": [1.1, 1.09, 1.09, 1.09], "GBPUSD": [1.3, 1.3, 1.3, 1.295]}
    files = {
        name: desk.write([(1_700_000_000_000 + 1000 * i, p, p) for i, p in enumerate(prices)], f"{name}.csv")
        for name, prices in rows.items()
    }
    market = mt5.Replay(files=files, speed=0)
    mt5.load(mt5.TerminalConfig(mt5.Account(balance=2600.0, stop_out=50.0), market=market))
    large = mt5.order_send(action=1, symbol="EURUSD", volume=1.0, type=0).order
    small = mt5.order_send(action=1, symbol="GBPUSD", volume=1.0, type=0).order
    for name in rows:
        mt5.copy_ticks_from(name, 1, 3, mt5.COPY_TICKS_ALL)
    assert mt5.account_info().equity == 1600.0
    for name in rows:
        mt5.copy_ticks_from(name, 1, 4, mt5.COPY_TICKS_ALL)
    # 2400 of margin: at 1100 the account stands at 45.8 %
    assert [p.ticket for p in mt5.positions_get()] == [small]
    deal = mt5.history_deals_get(position=large)[-1]
    assert (deal.reason, deal.price, deal.profit, deal.comment) == (mt5.DEAL_REASON_SO, 1.09, -1000.0, "[so 45.83%]")
