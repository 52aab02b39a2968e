"""Profit, margin and the account's figures against hand calculation and the official sample."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import mt5sim as mt5
from mt5sim.valuation import AccountState

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012)]


def test_forex_margin_is_lots_times_contract_by_leverage_at_the_price(desk) -> None:
    desk.load(QUOTES, account={"leverage": 50})
    assert mt5.order_calc_margin(0, "EURUSD", 0.5, 1.2) == pytest.approx(0.5 * 100_000 / 50 * 1.2)


def test_usdjpy_margin_is_in_dollars_and_its_profit_is_divided_by_the_price(desk) -> None:
    desk.load([(150.0, 150.01)], "USDJPY")
    assert mt5.order_calc_margin(0, "USDJPY", 1.0, 150.0) == 1000.0
    assert mt5.order_calc_profit(0, "USDJPY", 1.0, 150.0, 151.0) == round(100_000 / 151, 2)


def test_gold_on_a_euro_account_is_converted_at_the_given_rate(desk) -> None:
    desk.load([(2000.0, 2000.5)], "XAUUSD", account={"currency": "EUR"}, conversion={"EURUSD": 1.25})
    assert mt5.order_calc_profit(0, "XAUUSD", 1.0, 2000.0, 2010.0) == 800.0
    assert mt5.order_calc_profit(1, "XAUUSD", 1.0, 2000.0, 2010.0) == -800.0


def test_profit_is_changed_at_the_side_of_the_market_a_broker_uses() -> None:
    mt5.load(mt5.TerminalConfig(account=mt5.Account(currency="EUR")))
    gain = mt5.order_calc_profit(0, "GBPUSD", 1.0, 1.0, 1.1)
    tick = mt5.symbol_info_tick("EURUSD")
    assert gain in (round(10_000 / tick.ask, 2), round(10_000 / tick.bid, 2))
    assert gain < -mt5.order_calc_profit(1, "GBPUSD", 1.0, 1.0, 1.1)


def test_two_steps_lead_from_yen_to_euro() -> None:
    mt5.load(mt5.TerminalConfig(account=mt5.Account(currency="EUR")))
    yen, euro = mt5.symbol_info_tick("USDJPY"), mt5.symbol_info_tick("EURUSD")
    profit = mt5.order_calc_profit(0, "USDJPY", 1.0, 150.0, 151.0)
    assert profit == pytest.approx(100_000 / yen.ask / euro.ask, rel=1e-3)


@pytest.mark.parametrize(
    ("calc_mode", "margin"),
    [
        (mt5.SYMBOL_CALC_MODE_FOREX, 1.0 * 100 / 100 * 2000),
        (mt5.SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE, 1.0 * 100 * 2000),
        (mt5.SYMBOL_CALC_MODE_CFD, 1.0 * 100 * 2000),
        (mt5.SYMBOL_CALC_MODE_CFDLEVERAGE, 1.0 * 100 * 2000 / 100),
    ],
)
def test_each_calculation_mode_has_its_formula(desk, calc_mode: int, margin: float) -> None:
    cfd = calc_mode in (mt5.SYMBOL_CALC_MODE_CFD, mt5.SYMBOL_CALC_MODE_CFDLEVERAGE)
    profile = replace(mt5.BUILT_IN["XAUUSD"], calc_mode=calc_mode, margin="USD" if cfd else "XAU")
    desk.load([(2000.0, 2000.5)], "XAUUSD", symbols=(profile,))
    assert mt5.order_calc_margin(0, "XAUUSD", 1.0, 2000.0) == margin


def test_equity_margin_and_level_fit_together_at_every_tick(desk) -> None:
    desk.load(QUOTES)
    desk.buy(0.5)
    for _ in range(2):
        info = mt5.account_info()
        assert info.profit == sum(position.profit for position in mt5.positions_get())
        assert info.equity == pytest.approx(info.balance + info.profit)
        assert info.margin_free == pytest.approx(info.equity - info.margin)
        assert info.margin_level == pytest.approx(info.equity / info.margin * 100)
        desk.step()


def test_a_check_foretells_what_sending_does(desk) -> None:
    desk.load(QUOTES)
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.5, "type": 0}
    check = mt5.order_check(request)
    assert (check.retcode, check.comment, check.request.volume) == (0, "Done", 0.5)
    assert mt5.positions_total() == 0
    assert mt5.order_send(request).retcode == mt5.TRADE_RETCODE_DONE
    info = mt5.account_info()
    for name in ("balance", "equity", "profit", "margin", "margin_free", "margin_level"):
        assert getattr(check, name) == getattr(info, name)


def test_a_failed_check_carries_the_retcode_of_sending(desk) -> None:
    desk.load(QUOTES)
    check = mt5.order_check(action=1, symbol="EURUSD", volume=0.001, type=0)
    assert (check.retcode, check.comment, check.balance) == (10014, "Invalid volume", 10_000.0)


def test_the_official_sample_obeys_our_identities(shared_file: Callable[[str], Path]) -> None:
    text = shared_file("data/feeds/order_check_send_official.sample.txt").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.strip().startswith("retcode=0"))
    sample = {key: float(value) for key, value in re.findall(r"(\w+)=(-?[\d.]+)", line)}
    state = AccountState.of(sample["balance"], sample["profit"], sample["margin"])
    assert state == AccountState(**{name: sample[name] for name in state.__slots__})


def test_the_official_fill_has_the_fields_we_fill(shared_file: Callable[[str], Path], desk) -> None:
    text = shared_file("data/feeds/order_check_send_official.sample.txt").read_text("utf-8")
    close = next(line for line in text.splitlines() if line.strip().startswith("order_send close"))
    sample = dict(re.findall(r"(\w+)=(\"[^\"]+\"|[\d.]+)", close))
    desk.load([(float(sample["bid"]), float(sample["ask"]))], "USDJPY")
    opened = desk.buy(0.1)
    assert mt5.positions_get(ticket=opened.order)[0].ticket == opened.order
    closed = desk.sell(0.1, position=opened.order)
    for name in ("retcode", "volume", "price", "bid", "ask", "retcode_external"):
        assert getattr(closed, name) == float(sample[name])
    assert f'"{closed.comment}"' == sample["comment"]


def test_without_a_rate_to_the_deposit_currency_nothing_is_traded(desk) -> None:
    symbols = (mt5.BUILT_IN["XAUUSD"], mt5.BUILT_IN["EURUSD"])
    desk.load([(2000.0, 2000.5)], "XAUUSD", account={"currency": "EUR"}, symbols=symbols)
    assert desk.buy(0.1).retcode == mt5.TRADE_RETCODE_PRICE_OFF
    assert mt5.order_calc_margin(0, "XAUUSD", 1.0, 2000.0) is None
    assert mt5.order_calc_profit(0, "XAUUSD", 1.0, 2000.0, 2001.0) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")
    assert mt5.symbol_info("XAUUSD").trade_tick_value == 0.0
