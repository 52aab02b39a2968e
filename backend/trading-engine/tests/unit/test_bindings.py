"""Reading which strategy trades what."""

from decimal import Decimal

import pytest

from trading_engine.domain.bindings import BindingFault, parse
from trading_engine.domain.strategies.ma_cross import MaCross, MaCrossParams

LINE = "ma_cross:default/1000001:EURUSD:volume=0.1,fast=5,slow=20,sample_ms=1000"


def test_one_line_is_one_strategy() -> None:
    (made,) = parse(LINE)
    assert (made.name, made.tenant, made.account, made.symbol) == ("ma_cross", "default", "1000001", "EURUSD")
    assert made.params == MaCrossParams(Decimal("0.1"), 5, 20, 1_000)
    assert isinstance(made.make(), MaCross)


def test_several_are_joined_by_semicolons_and_parameters_may_be_left_out() -> None:
    first, second = parse("ma_cross:default/1:EURUSD; ma_cross:default/2:EURUSD: fast = 3 ,;")
    assert first.params == MaCrossParams()
    assert second.params == MaCrossParams(fast=3)


def test_nothing_is_no_strategy() -> None:
    assert parse(" ; ") == ()


def test_a_star_covers_every_account_and_symbol_of_its_tenant_only() -> None:
    (made,) = parse("ma_cross:default/*:*")
    assert made.covers("default", "1", "XAUUSD")
    assert not made.covers("other", "1", "XAUUSD")


def test_a_name_covers_only_itself() -> None:
    (made,) = parse(LINE)
    assert made.covers("default", "1000001", "EURUSD")
    assert not made.covers("default", "1000002", "EURUSD")
    assert not made.covers("default", "1000001", "EURUSD.m")


def test_json_says_the_same() -> None:
    text = """[{"strategy": "ma_cross", "account": "1000001", "symbol": "EURUSD",
      "params": {"volume": "0.1", "fast": 5, "slow": 20, "sample_ms": 1000}}]"""
    assert parse(text) == parse(LINE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{]", "not a JSON list"),
        ("ma_cross", "not written as strategy:tenant/account:symbol"),
        ("ma_cross:default:EURUSD", "not written as"),
        ("ma_cross:default/1:EURUSD:fast", "not written as key=value"),
        ("oracle:default/1:EURUSD", "known are ma_cross"),
        ("ma_cross:De fault/1:EURUSD", "not a tenant"),
        ("ma_cross:default/a b:EURUSD", "not an account"),
        ("ma_cross:default/1:EUR USD", "not a symbol"),
        ("ma_cross:default/1:EURUSD:name=manual", "choose another"),
        ("ma_cross:default/1:EURUSD:speed=9", "parameters are wrong"),
        ("ma_cross:default/1:EURUSD:fast=30", "fast below slow"),
        ("ma_cross:default/1:EURUSD;ma_cross:default/*:EURUSD", "another name"),
        ("ma_cross:default/1:EURUSD;ma_cross:default/1:*", "another name"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, says: str) -> None:
    with pytest.raises(BindingFault, match=says):
        parse(text)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BindingFault, match=r"oracle.*not a symbol"):
        parse("oracle:default/1:EURUSD;ma_cross:default/1:EUR USD")


@pytest.mark.parametrize(
    "other", ["default/1:EURUSD:name=slow", "other/1:EURUSD", "default/2:EURUSD", "default/1:GBPUSD"]
)
def test_strategies_that_never_meet_may_share_a_name(other: str) -> None:
    assert len(parse(f"ma_cross:default/1:EURUSD;ma_cross:{other}")) == 2
