"""One reader in front of every body: what could be read in two ways is refused."""

import json
from decimal import Decimal

import pytest

from api_gateway.domain.addresses import is_plain, question_fault
from api_gateway.domain.commands import body_of
from api_gateway.domain.refusals import Refusal
from api_gateway.domain.strict_json import (
    MALFORMED,
    MAX_DEPTH,
    NO_NUMBER,
    NO_TEXT,
    TOO_DEEP,
    TWICE,
    body_fault,
)
from contracts.accounts import Side
from contracts.views import CommandRequest, OrderRequest


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b'"x"', b"0", b"-1", b"1.5", b"0.0", b"1e3", b"9223372036854775807", b"true", b"null",
        '{"name": "Zoë", "emoji": "😀", "lines": "a\\n\\tb"}'.encode(), b'{"a": {"x": 1}, "b": {"x": 1}}',
        b'{"pair": "\\ud83d\\ude00"}', b' {"a" : 1 } ',
    ],
)  # fmt: skip
def test_ordinary_json_is_taken(body: bytes) -> None:
    assert body_fault(body) is None


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "a": 1}', b'{"x": [{"a": 1, "b": 2, "a": 3}]}', b'{"a": 1, "\\u0061": 2}'],
)
def test_W27_a_field_that_stands_twice_is_refused(body: bytes) -> None:
    assert body_fault(body) is TWICE


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "-0", "-0.0", "-0e5", "1e-400", "-1e-400"],
)
def test_W28_what_is_no_number_is_refused(number: str) -> None:
    assert body_fault(b'{"volume": [%b]}' % number.encode()) is NO_NUMBER


@pytest.mark.parametrize(
    "number", ["9223372036854775808", "-9223372036854775809", "1" * 40, "0." + "1" * 40, "1e99999", "1" * 60_000]
)
def test_W29_numbers_that_no_trade_has_are_refused(number: str) -> None:
    assert body_fault(b'{"position": %b}' % number.encode()) is NO_NUMBER


@pytest.mark.parametrize(
    "volume",
    ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-0.0", "-1", "1e30", "1e999", "1e-400", "0.000000001", "1" * 40,
     "0." + "1" * 40, "1000000.01"],
)  # fmt: skip
def test_W28_W29_a_volume_is_a_decimal_that_a_broker_can_mean(volume: str) -> None:
    order = OrderRequest("1000001", "EURUSD", Side.BUY, Decimal(volume))
    refused = body_of(CommandRequest("place_order", order=order))
    assert isinstance(refused, Refusal)
    assert refused.status == 422


@pytest.mark.parametrize(
    "text",
    [
        "\\ud800",
        "\\udc00",
        "a\\ud800b",
        "\\u0000",
        "a\\u0007",
        "\\u001b[31m",
        "\\u202e",
        "\\u2066",
        "\\u0085",
        "\\u007f",
    ],
)
def test_W30_characters_that_nobody_types_are_refused(text: str) -> None:
    assert body_fault(b'{"reason": "%b"}' % text.encode()) is NO_TEXT
    assert body_fault(b'{"%b": 1}' % text.encode()) is NO_TEXT


@pytest.mark.parametrize(
    "symbol", ["EURUSＤ", "ЕURUSD", "EUR USD", "EURUSD\n", "", "X" * 33, "EUR/USD", "%00", "A" * 60_000]
)
def test_W30_a_symbol_is_spelled_in_plain_letters(symbol: str) -> None:
    for account, name in (("1000001", symbol), (symbol, "EURUSD")):
        refused = body_of(CommandRequest("place_order", order=OrderRequest(account, name, Side.BUY, Decimal("0.1"))))
        assert isinstance(refused, Refusal)
        assert refused.status == 422


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b'{"a": 01}', b'{"a": 1,}', b"\xef\xbb\xbf{}", b"\xff", b'{"a": "\xed\xa0\x80"}', b"{} {}",
     b'{"a": "\n"}', b'{"a": .5}', b'{"a": +1}', b"{\x00}", '{"a": １}'.encode(), b"// x\n{}"],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert body_fault(body) in (MALFORMED, NO_NUMBER)


def test_depth_has_a_limit_however_deep_it_gets() -> None:
    assert body_fault(b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH) is None
    assert body_fault(b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1)) is TOO_DEEP
    assert body_fault(b"[" * 30_000 + b"]" * 30_000) is TOO_DEEP
    assert body_fault(json.dumps({"a": [0] * 10_000}).encode()) is None


def test_W15_an_api_path_has_one_spelling() -> None:
    for path in (b"/api/v1/orders", b"/api/v1/orders.csv", b"/csp-report", b"/api/v1/sessions/0af_-9~x"):
        assert is_plain(path)
    for path in (
        b"/",
        b"//x",
        b"/x/",
        b"/x//y",
        b"/./x",
        b"/../x",
        b"/x/..",
        b"/.x",
        b"/x;y",
        b"/%78",
        b"/x%2fy",
        b"/x\\y",
        b"",
    ):
        assert not is_plain(path)


def test_a_question_names_each_value_once_and_in_text() -> None:
    for query in (b"", b"a=1", b"a=1&b=2", b"a=%C3%A9&b", b"symbol=EUR%2BUSD"):
        assert question_fault(query) is None
    for query in (b"a=1&a=2", b"a=1&%61=2", b"a=%00", b"a=%ff", b"a=%1b", b"&".join(b"p%d=1" % n for n in range(33))):
        assert question_fault(query) is not None
