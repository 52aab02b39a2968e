"""Files for spreadsheets: complete, bounded, and without anything that a spreadsheet would calculate."""

import csv
import io
from decimal import Decimal
from enum import StrEnum

import msgspec
import pytest
from gateway_world import ACCOUNT, OTHER_ACCOUNT, World

from api_gateway.domain.csv_table import ROWS_AT_ONCE, cell, table


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", '"=1', "'=1", "|cmd", "%x", "-",
     "=HYPERLINK(\"http://evil\",\"x\")", "=cmd|'/c calc'!A0", "\uff1d1+1", "-2+3+cmd|' /C calc'!A0", "+49 30 1234"],
)  # fmt: skip
def test_W07_a_text_that_looks_like_a_formula_is_made_text(text: str) -> None:
    ((read,),) = csv.reader(io.StringIO(cell(text), newline=""))
    assert read == "'" + text


def test_W07_numbers_stay_numbers_and_everything_else_stays_what_it_was() -> None:
    for value, text in (
        (-1.5, "-1.5"),
        (Decimal("-0.10"), "-0.10"),
        (Decimal("1E+3"), "1000"),
        (1e-7, "1e-07"),
        (7, "7"),
        ("EURUSD", "EURUSD"),
        ("-5", "-5"),
        ("", ""),
        (StrEnum("Side", ["buy"]).buy, "buy"),
    ):
        assert cell(value) == text
    for text in ('say "no", please', "two\nlines", "a;b", "Zoë 😀"):
        ((read,),) = csv.reader(io.StringIO(cell(text), newline=""))
        assert read == text
    assert cell("a\x00b\x1b\ud800\u202e") == "a\ufffdb\ufffd\ufffd\ufffd"


class Row(msgspec.Struct):
    name: str
    volume: Decimal


def test_a_table_comes_in_blocks() -> None:
    blocks = list(table(Row, [Row("x", Decimal(1))] * (ROWS_AT_ONCE + 1)))
    assert [block.count(b"\r\n") for block in blocks] == [1, ROWS_AT_ONCE, 1]
    assert blocks[0] == b"name,volume\r\n"


async def test_W07_orders_and_executions_are_files_of_ones_own_tenant(world: World) -> None:
    for name, words in (("orders", ("o1", "ma", "0.1")), ("executions", ("o1", "s1", "10009"))):
        answer = await world.http.get(f"/api/v1/{name}.csv", headers=world.bearer(tenant="default"))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
        assert answer.headers["cache-control"] == "no-store"
        as_json = (await world.http.get(f"/api/v1/{name}", headers=world.bearer())).json()[name]
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert list(row) == list(as_json[0])
        assert all(word in row.values() for word in words if word != "10009")
        assert world.platform.asked[-1].tenant == "default"
        assert (await world.http.get(f"/api/v1/{name}.csv")).status_code == 401
        foreign = await world.http.get(f"/api/v1/{name}.csv?account={OTHER_ACCOUNT}", headers=world.bearer())
        assert foreign.status_code == 404
        much = await world.http.get(f"/api/v1/{name}.csv?account={ACCOUNT}&limit=10001", headers=world.bearer())
        assert much.status_code == 422
