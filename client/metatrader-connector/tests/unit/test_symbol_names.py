"""The broker's names of symbols: exact first, then by what they are, asked when it is not clear."""

import pytest

from metatrader_connector.domain.symbol_names import candidates, names_of
from metatrader_connector.domain.terminal import Listed


def listed(*rows: tuple) -> tuple[Listed, ...]:
    return tuple(Listed(*row) if len(row) == 4 else Listed(*row, 4) for row in rows)


BROKER = listed(
    ("EURUSD.pro", "EUR", "USD"),
    ("EURUSD.old", "EUR", "USD", 0),
    ("mXAUUSD", "XAU", "USD"),
    ("US30.cash", "USD", "USD"),
    ("gbpusd", "GBP", "USD"),
    ("USDJPY", "USD", "JPY"),
    ("USDJPY.x", "USD", "JPY"),
    ("AUDUSDa", "AUD", "USD"),
    ("AUDUSDb", "AUD", "USD"),
)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("USDJPY", "USDJPY"),
        ("EURUSD", "EURUSD.pro"),
        ("XAUUSD", "mXAUUSD"),
        ("GBPUSD", "gbpusd"),
        ("US30", "US30.cash"),
    ],
)
def test_D11_a_name_is_found_exactly_then_by_currencies_among_what_can_be_traded(wanted, name) -> None:
    assert names_of((wanted,), BROKER, {}).found == {wanted: name}


def test_what_is_not_clear_is_asked_and_never_guessed() -> None:
    found = names_of(("AUDUSD", "NZDUSD"), BROKER, {})
    assert (found.found, found.unknown) == ({}, ("NZDUSD",))
    assert found.questions[0].candidates == ("AUDUSDa", "AUDUSDb")
    assert "AUDUSD=AUDUSDa" in found.questions[0].words()


def test_an_answer_counts_while_the_broker_has_that_symbol() -> None:
    assert names_of(("AUDUSD",), BROKER, {"AUDUSD": "AUDUSDb"}).found == {"AUDUSD": "AUDUSDb"}
    assert names_of(("AUDUSD",), BROKER, {"AUDUSD": "AUDUSD.gone"}).questions[0].wanted == "AUDUSD"


def test_a_new_symbol_of_the_broker_does_not_change_what_a_name_meant() -> None:
    before = names_of(("EURUSD",), BROKER, {}).found
    more = (*BROKER, *listed(("EURUSD.ecn", "EUR", "USD")))
    assert names_of(("EURUSD",), more, before).found == before
    assert names_of(("EURUSD",), more, {}).questions


def test_what_can_not_be_traded_is_no_candidate() -> None:
    assert candidates("EURUSD", listed(("EURUSD.old", "EUR", "USD", 0), ("EURUSD.close", "EUR", "USD", 3))) == ()
