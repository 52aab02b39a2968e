"""Figures that brokers publish with their calculation, and a broker's profile as somebody measured it.

Each case names its page. Where an example uses a price, it is the page's.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mt5sim as mt5

DAY_MS = 86_400_000
TUESDAY = 1_699_920_000_000
""" Tuesday 14 November 2023, 0:00 """
STOCK: dict[str, Any] = {
    "name": "AAPL", "base": "USD", "profit": "USD", "margin": "USD", "digits": 2, "price": 119.19,
    "contract_size": 1.0, "calc_mode": mt5.SYMBOL_CALC_MODE_CFD, "volume_max": 1000.0,
}  # fmt: skip
COIN: dict[str, Any] = STOCK | {"name": "BTCUSD", "price": 10_000.0}


def held(desk, profile: mt5.SymbolProfile, side: int, lots: float, price: float, days: list[float]) -> float:
    """The swap of a position opened at noon of the first day and held to noon of the last (0 = Tuesday)."""
    rows = [(int(TUESDAY + (day + 0.5) * DAY_MS), price, price) for day in days]
    desk.load_rows(rows, profile.name, symbols=(profile,), account={"balance": 1e6})
    assert desk.send(side, lots).retcode == mt5.TRADE_RETCODE_DONE
    desk.step(len(days) - 1)
    return float(desk.position().swap)


@pytest.mark.parametrize(
    ("profile", "side", "lots", "price", "days", "swap"),
    [
        # https://errante.com "How are swaps calculated": EURUSD -3.68 points and gold -2.17 points, one lot, one night
        (replace(mt5.BUILT_IN["EURUSD"], swap_long=-3.68), 0, 1.0, 1.1, [0, 1], -3.68),
        (replace(mt5.BUILT_IN["XAUUSD"], swap_long=-2.17), 0, 1.0, 1900.0, [0, 1], -2.17),
    ],
)
def test_published_swaps_in_points(desk, profile, side: int, lots: float, price: float, days, swap: float) -> None:
    profile = replace(profile, swap_mode=mt5.SYMBOL_SWAP_MODE_POINTS)
    assert held(desk, profile, side, lots, price, days) == pytest.approx(swap, abs=0.011)


@pytest.mark.parametrize(
    ("profile", "side", "lots", "price", "swap"),
    [
        # https://globalprime.zendesk.com article 900000799163: 200 shares short, -3.31 % a year
        (mt5.SymbolProfile(**STOCK, swap_short=-3.31), 1, 200.0, 119.19, -2.19),
        # the same page: half a coin long at 10,000, -30.98 % a year
        (mt5.SymbolProfile(**COIN, swap_long=-30.98), 0, 0.5, 10_000.0, -4.30),
    ],
)
def test_published_swaps_in_annual_interest(desk, profile, side: int, lots: float, price: float, swap: float) -> None:
    profile = replace(profile, swap_mode=mt5.SYMBOL_SWAP_MODE_INTEREST_CURRENT)
    assert held(desk, profile, side, lots, price, [0, 1]) == swap


def test_a_hedged_lot_pair_is_charged_as_one_lot_when_the_hedged_size_is_the_contract(desk) -> None:
    # metatrader5.com help, "Margin calculation: retail forex": 100,000 in the field "hedged", two positions of a lot
    desk.load([(1.1, 1.1)], symbols=(replace(mt5.BUILT_IN["EURUSD"], margin_hedged=100_000.0),))
    desk.buy(1.0)
    single = mt5.account_info().margin
    desk.sell(1.0)
    assert mt5.account_info().margin == single


def test_the_locked_part_of_a_cfd_is_charged_at_the_mean_of_both_opening_prices(desk) -> None:
    # https://grandcapital.ng "Changes in hedged margin settings": (buy open price + sell open price) / 2
    profile = replace(mt5.BUILT_IN["BTCUSD"], margin_hedged=1.0)
    desk.load([(60_000.0, 60_000.0), (70_000.0, 70_000.0)], "BTCUSD", symbols=(profile,))
    desk.buy(1.0)
    desk.step()
    desk.sell(1.0)
    assert mt5.account_info().margin == 65_000.0 / 100


def axi(shared_file: Callable[[str], Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    document = json.loads(shared_file("data/feeds/axi_demo_symbol_profile.json").read_text("utf-8"))
    return document["account"], document["symbol"]


def measured(desk, shared_file: Callable[[str], Path], rows: list[tuple[int, float, float]]) -> dict[str, Any]:
    """Load a terminal with that broker's figures."""
    account, s = axi(shared_file)
    profile = replace(
        mt5.BUILT_IN["XAUUSD"], contract_size=float(s["trade_contract_size"]), volume_min=s["volume_min"],
        volume_max=float(s["volume_max"]), volume_step=s["volume_step"], digits=s["digits"],
        stops_level=s["trade_stops_level"], freeze_level=s["trade_freeze_level"], filling_mode=s["filling_mode"],
        exemode=s["trade_exemode"], expiration_mode=s["expiration_mode"], order_mode=s["order_mode"],
        order_gtc_mode=s["order_gtc_mode"], swap_mode=s["swap_mode"], swap_long=s["swap_long"],
        swap_short=s["swap_short"], swap_rollover3days=s["swap_rollover3days"],
        calc_mode=getattr(mt5, f"SYMBOL_CALC_MODE_{s['trade_calc_mode']}"),
    )  # fmt: skip
    desk.load_rows(
        rows, "XAUUSD", symbols=(profile,), conversion={"EURUSD": 1.25}, clock="ny+7",
        account={
            "currency": account["currency"], "leverage": account["leverage"],
            "margin_call": float(account["margin_so_call"]), "stop_out": float(account["margin_so_so"]),
        },
    )  # fmt: skip
    return s


def test_a_measured_profile_is_shown_as_it_was_measured(shared_file: Callable[[str], Path], desk) -> None:
    s = measured(desk, shared_file, [(TUESDAY, 2000.0, 2000.16)])
    info = mt5.symbol_info("XAUUSD")
    named = {"trade_calc_mode", "spread_points_asian_session"}
    assert {key: getattr(info, key) for key in s.keys() - named} == {key: s[key] for key in s.keys() - named}
    assert info.spread == s["spread_points_asian_session"]
    account = axi(shared_file)[0]
    assert {key: getattr(mt5.account_info(), key) for key in account} == account


def test_the_measured_broker_takes_and_refuses_what_its_profile_says(shared_file: Callable[[str], Path], desk) -> None:
    measured(desk, shared_file, [(TUESDAY, 2000.0, 2000.16)])
    assert desk.buy(0.01, type_filling=mt5.ORDER_FILLING_RETURN).retcode == mt5.TRADE_RETCODE_INVALID_FILL
    assert desk.buy(20.01).retcode == mt5.TRADE_RETCODE_INVALID_VOLUME
    assert desk.buy(0.01, sl=2000.0).retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    assert desk.buy(0.01, sl=1999.99).retcode == mt5.TRADE_RETCODE_DONE
    # 1 lot of 100 ounces at 2000.16 USD, leverage 1000, 1.25 USD a euro
    assert mt5.order_calc_margin(0, "XAUUSD", 1.0, 2000.16) == pytest.approx(160.01)


def test_the_measured_swap_of_a_wednesday_is_three_nights_in_euro(shared_file: Callable[[str], Path], desk) -> None:
    wednesday, thursday = TUESDAY + DAY_MS + DAY_MS // 2, TUESDAY + 2 * DAY_MS + DAY_MS // 2
    s = measured(desk, shared_file, [(wednesday, 2000.0, 2000.16), (thursday, 2000.0, 2000.16)])
    desk.sell(1.0)
    desk.step()
    assert desk.position().swap == pytest.approx(3 * s["swap_short"] / 1.25)
