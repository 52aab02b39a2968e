"""Tick files: good rows exactly, bad values unchanged, broken lines counted."""

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mt5sim as mt5
from mt5sim.tickfile import load_ticks

HEADER = "ts_ms_utc,bid,ask\n"
EXPORT = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"


def write(folder: Path, text: str, name: str = "ticks.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_rows_become_ticks_with_flags_6(tmp_path: Path) -> None:
    ticks = load_ticks(write(tmp_path, HEADER + "1700000000123,1.1,1.2\n1700000001000,1.3,1.4\n"), "utc").ticks
    assert ticks["time_msc"].tolist() == [1700000000123, 1700000001000]
    assert ticks["time"].tolist() == [1700000000, 1700000001]
    assert (ticks["bid"].tolist(), ticks["ask"].tolist()) == ([1.1, 1.3], [1.2, 1.4])
    assert set(ticks["flags"].tolist()) == {6}


def test_a_compressed_file_without_header_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "ticks.csv.gz"
    file.write_bytes(gzip.compress(b"1700000000123,1.1,1.2\r\n1700000001000,1.3,1.4"))
    found = load_ticks(file, "utc")
    assert (found.lines, len(found.ticks), found.unparsable) == (2, 2, 0)


def test_bad_values_pass_through_unchanged(tmp_path: Path) -> None:
    text = "3000,nan,1.2\n2000,0,1.2\n1000,-1.5,1.2\n4000,1.3,1.2\n5000,inf,1.0\n-7,1.0,1.0\n"
    found = load_ticks(write(tmp_path, HEADER + text), "utc")
    assert found.unparsable == 0
    assert found.ticks["time_msc"].tolist() == [3000, 2000, 1000, 4000, 5000, -7]
    assert np.isnan(found.ticks["bid"][0])
    assert found.ticks["bid"].tolist()[1:] == [0.0, -1.5, 1.3, float("inf"), 1.0]


@pytest.mark.filterwarnings("ignore:5 of 7 lines")
def test_lines_that_are_no_ticks_are_counted_with_the_first_ones_number(tmp_path: Path) -> None:
    text = "1000,1.1,1.2\n\nabc\n2000,1.1\n3000,1.1,1.2,9\n4000,x,1.2\n5000,1.1,1.2\n"
    found = load_ticks(write(tmp_path, HEADER + text), "utc")
    assert (found.lines, len(found.ticks), found.unparsable, found.first_bad_line) == (7, 2, 5, 3)


def test_the_clock_moves_utc_stamps_to_broker_time(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + "1404216000000,1.1,1.2\n")
    assert load_ticks(file, "ny+7").ticks["time_msc"][0] == 1404216000000 + 3 * 3_600_000


@pytest.mark.filterwarnings("ignore:1 of 5 lines")
def test_an_mt5_export_is_in_server_time_and_carries_prices_forward(tmp_path: Path) -> None:
    text = (
        "2022.11.10\t15:00:00.017\t0.86682\t0.86712\t\t\t6\n"
        "2022.11.10\t15:00:00.228\t0.86681\t\t\t\t2\n"
        "2022.11.10\t15:00:01.5\t\t0.86710\t0.867\t3\t28\n"
        "2022.11.10\tnoon\t1\t1\t\t\t6\n"
        "2022.11.11\t00:00:00\t\t\t\t\t6\n"
    )
    found = load_ticks(write(tmp_path, EXPORT + text), "ny+7")
    ticks = found.ticks
    assert (found.lines, found.unparsable, found.first_bad_line) == (5, 1, 5)
    assert ticks["bid"].tolist() == [0.86682, 0.86681, 0.86681, 0.86681]
    assert ticks["ask"].tolist() == [0.86712, 0.86712, 0.86710, 0.86710]
    assert ticks["last"].tolist() == [0.0, 0.0, 0.867, 0.867]
    assert (ticks["volume"].tolist(), ticks["flags"].tolist()) == ([0, 0, 3, 0], [6, 2, 28, 6])
    assert ticks["time_msc"].tolist()[:3] == [1668092400017, 1668092400228, 1668092401500]


def test_an_old_export_without_flags_gets_them_from_the_filled_cells(tmp_path: Path) -> None:
    text = EXPORT.replace("\t<FLAGS>", "") + "2022.11.10\t15:00:00\t1.1\t\t\t\n2022.11.10\t15:00:01\t1.1\t1.2\t\t\n"
    assert load_ticks(write(tmp_path, text), "utc").ticks["flags"].tolist() == [2, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>\n", "is a web page"),
        ("time,ask,bid\n1,2,3\n", "neither a header nor a first line that is known"),
        ("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\n", "export the ticks in MT5"),
        ("20120201 000000;1.3;1.4;1.2;1.3;0\n", "download the ASCII tick data"),
        ("PK\x03\x04zip", "unpack it"),
        ("<DATE>\t<BID>\n", "a tick export of MT5 has"),
        ("1,2\n3,4\n", "not one tick in ticks.csv, line 1: '1,2' is not ts_ms_utc,bid,ask"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_told_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(mt5.ConfigError, match=re.escape(words)):
        load_ticks(write(tmp_path, text), "utc")


def test_a_missing_or_damaged_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(mt5.ConfigError, match="cannot read"):
        load_ticks(tmp_path / "none.csv", "utc")
    with pytest.raises(mt5.ConfigError, match="cannot read"):
        load_ticks(write(tmp_path, "not gzip", "x.csv.gz"), "utc")


def test_an_empty_file_is_an_empty_market(desk) -> None:
    desk.load_rows([])
    assert mt5.symbol_info_tick("EURUSD").bid == 0.0
    assert len(mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_ALL)) == 0
    assert desk.buy().retcode == mt5.TRADE_RETCODE_PRICE_OFF
    assert mt5.replay_report()["finished"] is True


def test_the_real_export_sample_is_read(shared_file: Callable[[str], Path]) -> None:
    found = load_ticks(shared_file("data/feeds/mt5_ticks_export.sample.csv"), "utc")
    assert found.unparsable == 0
    assert found.ticks["bid"][0] == 0.86682


def test_a_real_file_is_loaded_to_the_last_digit(shared_file: Callable[[str], Path]) -> None:
    file = shared_file("data/xauusd_oanda_20140502_ticks_utc.csv.gz")
    found = load_ticks(file, "utc")
    with gzip.open(file, "rt") as text:
        rows = list(csv.reader(text))[1:]
    assert (found.lines, found.unparsable) == (265_015, 0)
    assert found.ticks["time_msc"].tolist() == [int(row[0]) for row in rows]
    assert found.ticks["bid"].tolist() == [float(row[1]) for row in rows]
    assert found.ticks["ask"].tolist() == [float(row[2]) for row in rows]
