"""The trader's limits and the broker's contract: exact at the boundary, and never a trap for an open position."""

from decimal import Decimal

import msgspec
import pytest

from client_security.domain.refusal import Refusal
from contracts.accounts import Side
from contracts.signals import Signal, magic_of, short_id
from metatrader_connector.domain.limits import (
    Limits,
    Quote,
    refusal_by_limits,
    refusal_by_price,
    refusal_by_volume,
)
from metatrader_connector.domain.readiness import blocked_because, symbol_blocked_because
from metatrader_connector.domain.terminal import AccountFacts, Picture, SymbolFacts, TerminalFacts

NOW = 1_700_000_000_000
SYMBOL = SymbolFacts("EURUSD", "", 5, 1e-5, 1e5, 0.01, 100.0, 0.01, "EUR", "USD", 0, 3, 2, 4)
ID = "f" * 32


def order(volume: str = "0.10", **change: object) -> Signal:
    made = Signal(
        ID, "o", "t", "1", "s", 1, NOW, NOW + 1, "EURUSD", Side.BUY, Decimal(volume), 0, 1.1, 10, magic_of(ID),
        short_id(ID),
    )  # fmt: skip
    return msgspec.structs.replace(made, **change)


def code(refusal: Refusal | None) -> str:
    return refusal.code if refusal else ""


def test_limits_hold_at_their_exact_boundary() -> None:
    limits = Limits(max_volume_per_order=Decimal("0.50"), orders_per_minute=2)
    assert code(refusal_by_limits(order("0.50"), limits, 1)) == ""
    assert code(refusal_by_limits(order("0.51"), limits, 1)) == "volume_above_limit"
    assert code(refusal_by_limits(order("0.50"), limits, 2)) == "trading_not_allowed"


def test_only_listed_symbols_may_be_traded() -> None:
    limits = Limits(symbols=("XAUUSD",))
    assert code(refusal_by_limits(order(), limits, 0)) == "symbol_not_allowed"
    assert code(refusal_by_limits(order(symbol="XAUUSD"), limits, 0)) == ""


def test_a_position_may_always_be_closed() -> None:
    limits = Limits(symbols=("XAUUSD",), max_volume_per_order=Decimal("0.01"), orders_per_minute=0)
    assert refusal_by_limits(order("5", position=7), limits, 99) is None


@pytest.mark.parametrize("volume", ["0", "-0.1", "0.005", "0.015", "100.01", "NaN", "Infinity", "1E+30"])
def test_a_volume_the_broker_would_not_take_is_refused_before_it_is_sent(volume) -> None:
    assert code(refusal_by_volume(Decimal(volume), SYMBOL)) == "volume_step"


@pytest.mark.parametrize("volume", ["0.01", "0.3", "0.29", "100", "99.99"])
def test_steps_are_counted_in_decimals(volume) -> None:
    assert refusal_by_volume(Decimal(volume), SYMBOL) is None


def test_a_price_that_moved_against_the_order_beyond_its_deviation_is_stale() -> None:
    fresh, limits = Quote(1.09990, 1.10010, NOW), Limits()
    assert refusal_by_price(order(), fresh, 1e-5, limits, NOW) is None
    assert code(refusal_by_price(order(), Quote(1.0, 1.10011, NOW), 1e-5, limits, NOW)) == "collar"
    assert refusal_by_price(order(), Quote(1.0, 1.05, NOW), 1e-5, limits, NOW) is None
    assert code(refusal_by_price(order(side=Side.SELL), Quote(1.09989, 1.2, NOW), 1e-5, limits, NOW)) == "collar"
    assert refusal_by_price(order(deviation_points=0), Quote(1.0, 9.0, NOW), 1e-5, limits, NOW) is None


def test_no_price_and_an_old_price_are_stale() -> None:
    assert code(refusal_by_price(order(), None, 1e-5, Limits(), NOW)) == "stale"
    old = Quote(1.1, 1.1, NOW - 60_001)
    assert code(refusal_by_price(order(), old, 1e-5, Limits(), NOW)) == "stale"


@pytest.mark.parametrize(
    "bad", [{"max_volume_per_order": Decimal(0)}, {"orders_per_minute": -1}, {"max_quote_age_ms": 0}]
)
def test_limits_that_make_no_sense_are_refused(bad) -> None:
    with pytest.raises(ValueError, match="must"):
        Limits(**bad)


def picture(terminal: TerminalFacts, allowed: bool = True, expert: bool = True) -> Picture:
    account = AccountFacts(1, "s", "c", "USD", 2, 100, 1.0, 1.0, 0.0, 1.0, 0.0, allowed, expert)
    return Picture(account, terminal, (), (), ())


def test_what_blocks_trading_is_said_in_plain_words() -> None:
    good = TerminalFacts(True, True, False, 0)
    assert blocked_because(picture(good)) == ""
    assert blocked_because(picture(TerminalFacts(True, False, False, 0))) == "AutoTrading button is off in MT5"
    assert "lost" in blocked_because(picture(TerminalFacts(False, True, False, 0)))
    assert "Python" in blocked_because(picture(TerminalFacts(True, True, True, 0)))
    assert "account" in blocked_because(picture(good, allowed=False))
    assert "automated" in blocked_because(picture(good, expert=False))
    assert blocked_because(None, "it sleeps") == "it sleeps"
    assert blocked_because(None) == "the terminal is not running"


@pytest.mark.parametrize(
    ("mode", "side", "closing", "blocked"),
    [(0, 0, True, True), (4, 0, False, False), (3, 0, False, True), (3, 0, True, False), (1, 1, False, True),
     (1, 0, False, False), (2, 0, False, True), (2, 1, False, False)],
)  # fmt: skip
def test_the_brokers_trade_mode_is_obeyed(mode, side, closing, blocked) -> None:
    symbol = msgspec.structs.replace(SYMBOL, trade_mode=mode)
    assert bool(symbol_blocked_because(symbol, side, closing)) is blocked


def test_a_signal_without_a_price_has_no_collar() -> None:
    assert refusal_by_price(order(price=0.0), Quote(1.0, 9.0, NOW), 1e-5, Limits(), NOW) is None


def test_a_price_from_before_the_clock_was_set_back_is_stale() -> None:
    ahead = Quote(1.0, 1.05, NOW + 3_600_000)
    assert code(refusal_by_price(order(), ahead, 1e-5, Limits(), NOW)) == "stale"
