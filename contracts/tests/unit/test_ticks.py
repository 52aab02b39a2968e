"""Facts about tick batches."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.ticks import Mark, TickBatch, column_fault, first, join, pack, rows, since, unpack


def batch(first_seq: int, bids: list[float], *, last: bytes = b"") -> TickBatch:
    n = len(bids)
    return TickBatch(
        "default", "1000001", "EURUSD", 7, first_seq, n,
        pack("q", range(n)), pack("q", range(n)), pack("d", bids), pack("d", [b + 0.1 for b in bids]),
        pack("I", [6] * n), pack("B", [int(Mark.CROSSED)] * n), last,
    )  # fmt: skip


prices = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


@given(prices, st.integers(1, 2**40))
def test_rows_carry_the_numbers_and_prices_of_the_columns(bids: list[float], first: int) -> None:
    found = rows(batch(first, bids))
    assert [tick.seq for tick in found] == list(range(first, first + len(bids)))
    assert [tick.bid for tick in found] == bids


@given(prices, prices, st.integers(0, 100))
def test_what_is_left_after_a_number_joined_to_what_is_before_is_the_whole(
    one: list[float], two: list[float], known: int
) -> None:
    left, right = batch(1, one), batch(1 + len(one), two)
    whole = join([left, right])
    assert column_fault(whole) is None
    rest = since(whole, known)
    expected = rows(whole)[known:]
    assert (rows(rest) if rest else []) == expected
    assert rest is None or column_fault(rest) is None


@given(prices, st.integers(1, 40))
def test_the_oldest_part_of_a_batch_and_the_rest_are_the_whole(bids: list[float], count: int) -> None:
    whole = batch(1, bids)
    part = first(whole, count)
    assert column_fault(part) is None
    assert rows(part) == rows(whole)[:count]


def test_an_absent_column_becomes_zeros_when_a_neighbour_has_it() -> None:
    joined = join([batch(1, [1.0, 2.0]), batch(3, [3.0], last=pack("d", [9.0]))])
    assert list(unpack("d", joined.last)) == [0.0, 0.0, 9.0]


def test_a_cut_column_is_named() -> None:
    whole = batch(1, [1.0, 2.0])
    cut = msgspec.structs.replace(whole, ask=whole.ask[:-1])
    assert column_fault(cut) == "column ask has 15 bytes, 2 ticks need 16"


def test_counts_and_numbers_out_of_range_are_faults() -> None:
    whole = batch(1, [1.0])
    assert column_fault(msgspec.structs.replace(whole, count=0))
    assert column_fault(msgspec.structs.replace(whole, count=20_001))
    assert column_fault(msgspec.structs.replace(whole, first_seq=0))
    assert column_fault(msgspec.structs.replace(whole, last=b"1"))


def test_columns_are_little_endian() -> None:
    assert pack("q", [1]) == b"\x01" + bytes(7)
