"""Tick files: what gets in, what stays out, and why."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_hub.domain.brokertime import server_to_utc, summer
from central_hub.domain.tickfile import FormatFault, Reader
from contracts.ticks import Mark

PLAIN = "ts_ms_utc,bid,ask\n"
EXPORT = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"


def utc(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def test_a_plain_row_is_read_to_the_last_bit() -> None:
    reader = Reader.for_header(PLAIN)
    rows = reader.read(b"1398920401787,1.38727,1.38729\n")
    assert (rows.time_ms[0], rows.bid[0], rows.ask[0], rows.flags[0]) == (1398920401787, 1.38727, 1.38729, 6)
    assert reader.refused == {}


def test_bad_rows_are_refused_and_counted_by_reason() -> None:
    reader = Reader.for_header(PLAIN)
    block = b"1,nan,1\n2,inf,1\n3,0,1\n4,1,-1\nx,1,1\n5,1\n6,1,1,1\n7,1,2\n,1,1\n-5,1,1\n8,,1\n9,1_0,2\n\n"
    rows = reader.read(block)
    assert rows.time_ms.tolist() == [7]
    assert reader.refused == {"nan": 2, "not_positive": 2, "unparsable": 7}


def test_two_bad_lines_do_not_add_up_to_good_ones() -> None:
    reader = Reader.for_header(PLAIN)
    assert reader.read(b"1,2,3,4\n5,6\n7,8,9\n").time_ms.tolist() == [7]
    assert reader.refused == {"unparsable": 2}


def test_crossed_and_locked_quotes_are_kept_and_marked() -> None:
    reader = Reader.for_header(PLAIN)
    rows = reader.read(b"1,2,1\n2,1,1\n3,1,2\n")
    assert reader.marks(rows).tolist() == [Mark.CROSSED, Mark.LOCKED, Mark.NONE]


def test_time_that_goes_backwards_is_marked_late_across_blocks() -> None:
    reader = Reader.for_header(PLAIN)
    assert reader.marks(reader.read(b"10,1,2\n9,1,2\n10,1,2\n")).tolist() == [0, Mark.LATE, 0]
    assert reader.marks(reader.read(b"8,1,2\n11,1,2\n")).tolist() == [Mark.LATE, 0]
    assert reader.marks(reader.read(b"")).tolist() == []


def test_an_export_is_turned_from_the_brokers_clock_into_utc() -> None:
    reader = Reader.for_header(EXPORT)
    rows = reader.read(b"2022.11.10\t15:00:00.017\t0.86682\t0.86712\t\t\t6\n2022.07.01\t15:00:00.000\t1\t2\t3\t4\t88\n")
    assert rows.time_ms.tolist() == [utc("2022-11-10T13:00:00.017"), utc("2022-07-01T12:00:00.000")]
    assert rows.flags.tolist() == [6, 88]
    assert (rows.last.tolist(), rows.volume.tolist()) == ([0, 3], [0, 4])


def test_an_empty_cell_of_an_export_means_as_before() -> None:
    reader = Reader.for_header(EXPORT)
    rows = reader.read(b"2022.11.10\t15:00:00.017\t1\t2\t\t\t6\n2022.11.10\t15:00:01.017\t\t3\t\t\t4\n")
    assert (rows.bid.tolist(), rows.ask.tolist()) == ([1, 1], [2, 3])


def test_an_empty_cell_before_any_quote_is_refused() -> None:
    reader = Reader.for_header(EXPORT)
    assert len(reader.read(b"2022.11.10\t15:00:00.017\t\t2\t\t\t4\n").time_ms) == 0
    assert reader.refused == {"unparsable": 1}


def test_an_old_export_without_flags_is_read() -> None:
    rows = Reader.for_header("<DATE>\t<TIME>\t<BID>\t<ASK>").read(b"2022.11.10\t15:00:00\t1\t2\r\n")
    assert rows.flags.tolist() == [6]


@pytest.mark.parametrize(
    "line",
    [
        b"2022.13.10\t15:00:00.017\t1\t2\t\t\t6",
        b"2022.11.10\t25:00:00.017\t1\t2\t\t\t6",
        b"1969.11.10\t15:00:00.017\t1\t2\t\t\t6",
        b"2022.11.10\t15:00:00.017\tone\t2\t\t\t6",
        b"2022.11.10\t15:00:00.017\t1\t2\t\t\t-6",
        b"2022.11.10",
        b"\xff\xfe",
    ],
)
def test_a_damaged_row_of_an_export_is_refused(line: bytes) -> None:
    reader = Reader.for_header(EXPORT)
    assert len(reader.read(line + b"\n").time_ms) == 0
    assert reader.refused == {"unparsable": 1}


def test_an_empty_book_is_refused_and_does_not_become_the_last_quote() -> None:
    reader = Reader.for_header(EXPORT)
    rows = reader.read(
        b"2022.11.10\t15:00:00.017\t1\t2\t\t\t6\n"
        b"2022.11.10\t15:00:00.018\t0\t0\t\t\t6\n"
        b"2022.11.10\t15:00:00.019\t\t3\t\t\t4\n"
    )
    assert rows.bid.tolist() == [1, 1]
    assert reader.refused == {"not_positive": 1}


@pytest.mark.parametrize("line", ["", "time,bid,ask", "<DATE>\t<TIME>\t<OPEN>", "\x00\x01"])
def test_a_file_of_another_format_is_refused(line: str) -> None:
    with pytest.raises(FormatFault, match="ts_ms_utc"):
        Reader.for_header(line)


def test_a_byte_order_mark_does_not_hide_the_header() -> None:
    assert Reader.for_header("\ufeff" + PLAIN).export is False


def test_the_clock_of_an_export_may_be_utc() -> None:
    rows = Reader.for_header(EXPORT, "utc").read(b"2022.11.10\t15:00:00.017\t1\t2\t\t\t6\n")
    assert rows.time_ms.tolist() == [utc("2022-11-10T15:00:00.017")]


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown clock"):
        server_to_utc(np.array([1]), "mars")


def test_american_summer_time_begins_and_ends_where_the_law_says() -> None:
    assert summer(2014) == (utc("2014-03-09T09:00"), utc("2014-11-02T09:00"))
    assert summer(2006) == (utc("2006-04-02T09:00"), utc("2006-10-29T09:00"))
    assert summer(2026) == (utc("2026-03-08T09:00"), utc("2026-11-01T09:00"))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001 the strategy adds no zone
def test_the_brokers_clock_agrees_with_the_time_zone_database(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC, microsecond=0)
    server = at.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None) + timedelta(hours=7)
    back = int(server_to_utc(np.array([utc(server.isoformat())]), "ny+7")[0])
    # the hour that exists twice can't be told from its first occurrence
    assert utc(at.replace(tzinfo=None).isoformat()) - back in (0, 3_600_000)


finite = st.floats(allow_nan=False, allow_infinity=False, min_value=1e-5, max_value=1e6)


@given(st.lists(st.tuples(st.integers(1, 4_000_000_000_000), finite, finite), max_size=50))
def test_every_good_row_is_read_exactly(ticks: list[tuple[int, float, float]]) -> None:
    reader = Reader.for_header(PLAIN)
    rows = reader.read("".join(f"{t},{b!r},{a!r}\n" for t, b, a in ticks).encode())
    assert list(zip(rows.time_ms.tolist(), rows.bid.tolist(), rows.ask.tolist(), strict=True)) == ticks
    assert reader.refused == {}


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30))
def test_every_line_is_either_a_quote_or_counted(lines: list[bytes]) -> None:
    for header in (PLAIN, EXPORT):
        reader = Reader.for_header(header)
        rows = reader.read(b"".join(line + b"\n" for line in lines))
        assert len(rows.time_ms) + sum(reader.refused.values()) == sum(1 for line in lines if line.strip())
        assert all(math.isfinite(x) and x > 0 for x in (*rows.bid, *rows.ask))


@pytest.mark.parametrize("line", [b"1,,2", b",1,2", b"1.5,1,2", b"1,1.2.3,2", b"0,1,2", b"4102444800000,1,2"])
def test_a_line_of_plain_characters_may_still_be_no_quote(line: bytes) -> None:
    reader = Reader.for_header(PLAIN)
    assert reader.read(b"7,1,2\n" + line + b"\n8,1,2").time_ms.tolist() == [7, 8]
    assert reader.refused == {"unparsable": 1}
