"""order_check and order_send: how a request is written, what is refused and in which words, and what comes back."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "table.toml").read_text("utf-8"))
FIELDS = [tuple(word.split(":")) for word in TABLE["request"]["fields"].split()]
LONGEST: dict[str, int] = TABLE["request"]["longest"]
BAD: dict[str, tuple[object, ...]] = {
    "int": (1.0, "1", None, np.int64(1), np.int32(1), datetime(2030, 1, 1, tzinfo=UTC)),
    "float": (1, "1.0", None, np.int64(1), np.float32(1.0)),
    "str": (1, None, b"x"),
}
SENT = ("order_check", "order_send")
WRONG = [
    *((name, value) for name, kind in FIELDS for value in BAD[kind]),
    *((name, "x" * (longest + 1)) for name, longest in LONGEST.items()),
]


@pytest.mark.parametrize("function", SENT)
@pytest.mark.parametrize(("field", "value"), WRONG, ids=lambda part: repr(part)[:24])
def test_a_field_of_the_wrong_type_is_refused_by_name(mt5: Any, function: str, field: str, value: object) -> None:
    assert getattr(mt5, function)(**{field: value}) is None
    assert mt5.last_error() == (-2, f'Invalid "{field}" argument')
    assert getattr(mt5, function)({field: value}) is None
    assert mt5.last_error() == (-2, f'Invalid "{field}" argument')


@pytest.mark.parametrize("field", [name for name, kind in FIELDS if kind == "int"])
@pytest.mark.assumed
def test_a_number_that_its_field_cannot_hold_is_refused_by_name(mt5: Any, field: str) -> None:
    for value in (-1, 2**64):
        assert mt5.order_check(**{field: value}) is None
        assert mt5.last_error() == (-2, f'Invalid "{field}" argument')


@pytest.mark.parametrize("function", SENT)
def test_fields_are_checked_in_the_packages_order(mt5: Any, function: str) -> None:
    wrong = {name: {"int": 1.0, "float": 1, "str": 1}[kind] for name, kind in reversed(FIELDS)}
    for name, _ in FIELDS:
        assert getattr(mt5, function)(**wrong) is None
        assert mt5.last_error() == (-2, f'Invalid "{name}" argument')
        del wrong[name]


@pytest.mark.parametrize("function", SENT)
def test_a_request_is_one_dictionary_or_keywords(mt5: Any, function: str) -> None:
    send: Callable[..., Any] = getattr(mt5, function)
    harmless = {"symbol": "NO.SUCH.SYMBOL"}
    assert send(harmless, volume=0.1) is None
    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")
    assert send(5) is None
    assert mt5.last_error() == (-2, "Invalid 1st unnamed argument")
    assert send(harmless, harmless) is None
    assert mt5.last_error() == (-2, "Invalid number of arguments")


def test_a_check_takes_numpys_doubles_29_characters_and_keys_it_does_not_know(
    mt5: Any, request_of: dict[str, Any]
) -> None:
    more = {"volume": np.float64(request_of["volume"]), "comment": "x" * 29, "anything": object()}
    request = {**request_of, **more}
    for check in (mt5.order_check(request), mt5.order_check(**request)):
        assert (check.retcode, check.comment) == (0, "Done")
        assert check.request.comment == "x" * 29
        assert type(check.request.volume) is float


def test_a_good_check_is_retcode_0_done_and_the_account_after_it(mt5: Any, request_of: dict[str, Any]) -> None:
    check, account = mt5.order_check(request_of), mt5.account_info()
    assert (check.retcode, check.comment) == (0, "Done")
    assert check.balance == account.balance
    assert check.margin > account.margin
    assert check.margin_free == pytest.approx(check.equity - check.margin)
    assert check.margin_level == pytest.approx(check.equity / check.margin * 100)
    assert mt5.last_error() == (1, "Success")


def test_what_a_request_leaves_out_is_zero_or_empty(mt5: Any, symbol: str) -> None:
    request = mt5.order_check(symbol=symbol).request
    zeros = {"int": 0, "float": 0.0, "str": ""}
    assert request._asdict() == {name: zeros[kind] for name, kind in FIELDS} | {"symbol": symbol}
    assert mt5.order_check({}).request.symbol == ""


def test_a_refused_check_is_a_result_with_a_retcode(mt5: Any, request_of: dict[str, Any]) -> None:
    check = mt5.order_check(**{**request_of, "volume": request_of["volume"] / 3})
    assert check.retcode == mt5.TRADE_RETCODE_INVALID_VOLUME
    assert check.comment == "Invalid volume"
    assert mt5.last_error() == (1, "Success"), "the call itself went well"


def test_a_market_order_opens_a_position_and_its_opposite_closes_it(
    trading: Any, symbol: str, request_of: dict[str, Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    opened = trading.order_send(request_of)
    assert (opened.retcode, opened.comment) == (trading.TRADE_RETCODE_DONE, "Request executed")
    assert (opened.volume, opened.retcode_external) == (request_of["volume"], 0)
    assert opened.request._asdict() == {**opened.request._asdict(), **request_of}
    (deal,) = eventually(lambda: trading.history_deals_get(ticket=opened.order))
    assert (deal.ticket, deal.order, deal.price) == (opened.deal, opened.order, opened.price)
    (position,) = eventually(lambda: trading.positions_get(symbol=symbol))
    assert position.identifier == deal.position_id
    closed = trading.order_send(**{**request_of, "type": trading.ORDER_TYPE_SELL, "position": position.ticket})
    assert closed.retcode == trading.TRADE_RETCODE_DONE
    assert closed.request_id > opened.request_id
    eventually(lambda: not trading.positions_get(ticket=position.ticket))
    deals = eventually(lambda: trading.history_deals_get(position=position.identifier))
    assert [row.entry for row in deals] == [trading.DEAL_ENTRY_IN, trading.DEAL_ENTRY_OUT]


def test_the_helpers_buy_sell_and_close(trading: Any, symbol: str, request_of: dict[str, Any]) -> None:
    volume = request_of["volume"]
    bought = trading.Buy(symbol, volume, comment="helper")
    assert type(bought).__name__ == "OrderSendResult"
    assert (bought.request.deviation, bought.request.magic, bought.request.type_filling) == (10, 0, 0)
    assert trading.Buy(symbol, 1) is None
    assert trading.last_error() == (-2, 'Invalid "volume" argument')
    with pytest.raises(TypeError):
        trading.Sell(symbol, volume, None, "comment")
    if bought.retcode != trading.TRADE_RETCODE_DONE:
        pytest.skip(f"the broker does not fill or kill, and the helpers know nothing else: {bought.comment}")
    assert trading.Close(symbol, ticket=bought.order, comment="helper") is True
    assert trading.Close(symbol, ticket=bought.order) is False
