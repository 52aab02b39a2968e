"""Every rule of risk, on both sides of its line."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from engine_world import SYMBOL, T0, account, instrument, position

from contracts.accounts import Side
from contracts.limits import RiskLimits
from contracts.ticks import Mark
from trading_engine.domain.risk import Approved, LimitBook, Limits, Question, Quote, Refused, assess

GOOD = Question(T0, SYMBOL, Side.BUY, Decimal("0.1"), 0, Quote(5, 1, T0, 1.1, 1.1001, 0), account(), None, "", 0, 0, T0)
LIMITS = Limits(allowed_symbols=(SYMBOL,), max_volume=Decimal("0.5"))


def quote(**changes: Any) -> Quote:
    return msgspec.structs.replace(GOOD.quote, **changes)


def answer(limits: Limits = LIMITS, **changes: Any) -> str:
    """The refusal's code; empty when approved."""
    found = assess(msgspec.structs.replace(GOOD, **changes), limits)
    return found.code if isinstance(found, Refused) else ""


def test_a_sound_order_is_approved() -> None:
    assert assess(GOOD, LIMITS) == Approved()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("store_unavailable", {"store_available": False}),
        ("command_too_old", {"asked_ms": T0 - 10_001}),
        ("symbol_not_allowed", {"symbol": "XAUUSD"}),
        ("tenant_suspended", {"suspended": True}),
        ("tenant_suspended", {"suspended": True, "position": 7, "side": Side.SELL}),
        ("paused", {"paused": "news"}),
        ("account_unknown", {"account": None}),
        ("account_stale", {"account": account(T0 - 60_001)}),
        ("terminal_not_connected", {"account": account(connected=False)}),
        ("trading_not_allowed", {"account": account(trade_allowed=False)}),
        ("no_price", {"quote": None}),
        ("stale_price", {"quote": quote(received_ms=T0 - 5_001)}),
        ("stale_price", {"quote": quote(received_ms=T0 + 5_001)}),
        ("stale_price", {"quote": quote(marks=int(Mark.BACKFILLED))}),
        ("stale_price", {"quote": quote(marks=int(Mark.LATE))}),
        ("crossed_quote", {"quote": quote(bid=1.2)}),
        ("crossed_quote", {"quote": quote(bid=0.0)}),
        ("crossed_quote", {"quote": quote(bid=float("nan"))}),
        ("symbol_unknown", {"account": account(instruments=())}),
        ("volume_below_minimum", {"volume": Decimal("0.009")}),
        ("volume_below_minimum", {"volume": Decimal(0)}),
        ("volume_below_minimum", {"volume": Decimal("NaN")}),
        ("volume_above_limit", {"volume": Decimal("0.51")}),
        ("volume_above_limit", {"account": account(instruments=(instrument(volume_max=Decimal("0.05")),))}),
        ("volume_step", {"volume": Decimal("0.105")}),
        ("order_in_flight", {"in_flight": "abc"}),
        ("account_not_reconciled", {"filled_ms": T0}),
        ("position_not_open", {"position": 7, "side": Side.SELL}),
        (
            "position_not_open",
            {"position": 7, "side": Side.SELL, "account": account(positions=(position(symbol="XAUUSD"),))},
        ),
        ("not_a_close", {"position": 7, "account": account(positions=(position(),))}),
        (
            "not_a_close",
            {"position": 7, "side": Side.SELL, "volume": Decimal("0.2"), "account": account(positions=(position(),))},
        ),
        ("too_many_orders", {"orders_last_minute": 30}),
    ],
)
def test_a_rule_that_is_broken_refuses_with_its_code(code: str, changes: dict[str, Any]) -> None:
    assert answer(**changes) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"asked_ms": T0 - 10_000},
        {"account": account(T0 - 60_000)},
        {"quote": quote(received_ms=T0 - 5_000)},
        {"quote": quote(bid=1.1001)},
        {"volume": Decimal("0.5")},
        {"volume": Decimal("0.01")},
        {"volume": Decimal("0.100")},
        {"filled_ms": T0 - 1},
        {"orders_last_minute": 29},
        {"position": 7, "side": Side.SELL, "account": account(positions=(position(),))},
        {"position": 7, "side": Side.SELL, "paused": "news", "account": account(positions=(position(),))},
        {"account": account(instruments=(instrument(volume_step=Decimal(0)),)), "volume": Decimal("0.123")},
    ],
)
def test_up_to_its_line_a_rule_is_silent(changes: dict[str, Any]) -> None:
    assert answer(**changes) == ""


def test_without_a_list_every_symbol_of_the_account_is_allowed() -> None:
    assert answer(Limits()) == ""


def test_a_refusal_tells_its_numbers() -> None:
    found = assess(msgspec.structs.replace(GOOD, volume=Decimal("0.6")), LIMITS)
    assert found == Refused("volume_above_limit", "0.6 lots are above the limit of 0.5")


def test_a_terminal_that_forbids_trading_says_why_in_its_own_words() -> None:
    blocked = account(trade_allowed=False, trade_blocked_because="the AutoTrading button is off")
    found = assess(msgspec.structs.replace(GOOD, account=blocked), LIMITS)
    assert found == Refused("trading_not_allowed", "the AutoTrading button is off")


def of(*set_by_people: RiskLimits, base: Limits = LIMITS) -> Limits:
    return LimitBook(base, {(each.tenant, each.account): each for each in set_by_people}).of("t", "1")


@pytest.mark.parametrize(
    ("tenant", "own", "expected"),
    [
        (None, None, "0.5"),
        ("0.3", None, "0.3"),
        (None, "0.2", "0.2"),
        ("0.1", "0.2", "0.1"),
        ("9", "7", "0.5"),
        ("0.3", "0", "0"),
    ],
)
def test_the_strictest_of_operator_tenant_and_account_holds(tenant: str, own: str, expected: str) -> None:
    limits = [
        RiskLimits("t", account, Decimal(volume))
        for account, volume in (("", tenant), ("1", own))
        if volume is not None
    ]
    assert of(*limits).max_volume == Decimal(expected)
    assert of(RiskLimits("other", "", Decimal(0)), RiskLimits("t", "2", Decimal(0))) == LIMITS


def test_orders_per_minute_and_symbols_are_tightened_and_never_widened() -> None:
    assert of(RiskLimits("t", "", max_orders_per_minute=3)).max_orders_per_minute == 3
    assert of(RiskLimits("t", "", max_orders_per_minute=300)).max_orders_per_minute == 30
    assert of(RiskLimits("t", "", allowed_symbols=("A", SYMBOL))).allowed_symbols == (SYMBOL,)
    assert of(RiskLimits("t", "", allowed_symbols=("A",)), base=Limits()).allowed_symbols == ("A",)


def test_lists_that_have_nothing_in_common_allow_nothing() -> None:
    held = of(RiskLimits("t", "", allowed_symbols=("A",)), RiskLimits("t", "1", allowed_symbols=("B",)), base=Limits())
    assert answer(held) == "symbol_not_allowed"
    assert answer(of(RiskLimits("t", "", allowed_symbols=("A",)))) == "symbol_not_allowed"
