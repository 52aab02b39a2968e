"""Recordings of other programs: HistData, Dukascopy, Parquet, folders of them, and numbers written in odd ways."""

import gzip
import json
import lzma
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mt5sim as mt5
from mt5sim import textcolumns
from mt5sim.textcolumns import cut
from mt5sim.tickfile import load_ticks
from mt5sim.ticks_text import read_export

SharedFile = Callable[[str], Path]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def write(folder: Path, data: bytes, name: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def hour(folder: Path, rows: list[tuple[int, int, int]], name: str = "EURUSD/2019/11/30/00h_ticks.bi5") -> Path:
    raw = b"".join(struct.pack(">IIIff", *row, 1.0, 1.0) for row in rows)
    return write(folder, lzma.compress(raw, format=lzma.FORMAT_ALONE) if rows else b"", name)


@pytest.mark.parametrize("name", ["eurusd_oanda_20140501_15", "eurusd_fxcm_20140501_15", "xauusd_oanda_20140502"])
def test_every_line_of_the_real_recordings_becomes_a_tick(shared_file: SharedFile, name: str) -> None:
    rows = {"eurusd_oanda_20140501_15": 532_903, "eurusd_fxcm_20140501_15": 1_144_807, "xauusd_oanda_20140502": 265_015}
    found = load_ticks(shared_file(f"data/{name}_ticks_utc.csv.gz"), "utc")
    assert (found.lines, len(found.ticks), found.unparsable) == (rows[name], rows[name], 0)
    assert (np.diff(found.ticks["time_msc"]) >= 0).all()
    if "fxcm" in name:
        assert int((found.ticks["bid"] > found.ticks["ask"]).sum()) == 116_871
        assert int((found.ticks["bid"] == found.ticks["ask"]).sum()) == 142_462


def test_histdata_is_new_yorks_winter_time_all_year_round(tmp_path: Path) -> None:
    data = b"20120201 000003660,1.306600,1.306770,0\r\n20120702 120000000,1.25,1.26,0\r\n"
    found = load_ticks(write(tmp_path, data, "DAT_ASCII_EURUSD_T_201202.csv"), "utc")
    assert found.ticks["time_msc"].tolist() == [ms("2012-02-01T05:00:03.660"), ms("2012-07-02T17:00:00")]
    assert (found.ticks["bid"][0], found.ticks["ask"][0], found.unparsable) == (1.3066, 1.30677, 0)


def test_the_sample_of_histdata_is_read(shared_file: SharedFile) -> None:
    found = load_ticks(shared_file("data/feeds/histdata_ascii_tick_EURUSD_201202.sample.csv"), "ny+7")
    assert (len(found.ticks), found.unparsable) == (8, 0)
    # 0:00:03.660 in New York's winter is 7:00:03.660 on a clock that is seven hours ahead of it
    assert found.ticks["time_msc"][0] == ms("2012-02-01T07:00:03.660")
    assert (found.ticks["bid"][-1], found.ticks["ask"][-1]) == (1.30657, 1.30674)


def test_the_sample_of_bars_is_refused_and_the_ticks_are_asked_for(shared_file: SharedFile) -> None:
    with pytest.raises(mt5.ConfigError, match="holds bars; export the ticks in MT5"):
        load_ticks(shared_file("data/feeds/mt5_bars_export.sample.csv"), "utc")


def test_the_sample_of_dukascopy_is_read_to_the_millisecond(shared_file: SharedFile, tmp_path: Path) -> None:
    sample = json.loads(shared_file("data/feeds/dukascopy_bi5_record.sample.json").read_text())
    raw = lzma.compress(bytes.fromhex(sample["record_hex"]), format=lzma.FORMAT_ALONE)
    (tick,) = load_ticks(write(tmp_path, raw, sample["file"].split()[0]), "utc").ticks
    # the sample's own words: 20191230 00:00:00:218,1.11815,1.11812,1.12,0.75
    assert (tick["time_msc"], tick["ask"], tick["bid"]) == (ms("2019-12-30T00:00:00.218"), 1.11815, 1.11812)


@pytest.mark.parametrize(("symbol", "bid"), [("EURUSD", 1.5), ("USDJPY", 150.0), ("XAUUSD", 150.0)])
def test_yen_and_gold_have_three_digits_at_dukascopy_the_others_five(tmp_path: Path, symbol: str, bid: float) -> None:
    file = hour(tmp_path, [(0, 150_001, 150_000)], f"{symbol}/2024/00/02/13h_ticks.bi5")
    (tick,) = load_ticks(file, "utc").ticks
    assert (tick["bid"], tick["time_msc"]) == (bid, ms("2024-01-02T13:00:00"))


def test_a_tree_of_dukascopy_is_one_recording_and_an_empty_hour_has_no_ticks(tmp_path: Path) -> None:
    hour(tmp_path, [(5, 2, 1), (5, 3, 2)], "EURUSD/2023/11/31/23h_ticks.bi5")
    hour(tmp_path, [], "EURUSD/2024/00/01/00h_ticks.bi5")
    hour(tmp_path, [(7, 4, 3)], "EURUSD/2024/00/01/01h_ticks.bi5")
    found = load_ticks(tmp_path, "utc")
    assert found.ticks["time_msc"].tolist() == [
        ms("2023-12-31T23:00:00.005"), ms("2023-12-31T23:00:00.005"), ms("2024-01-01T01:00:00.007"),
    ]  # fmt: skip
    assert (found.lines, found.unparsable) == (3, 0)


def test_two_symbols_in_one_tree_are_not_mixed(tmp_path: Path) -> None:
    hour(tmp_path, [(5, 2, 1)], "EURUSD/2024/00/01/00h_ticks.bi5")
    hour(tmp_path, [(5, 2, 1)], "USDJPY/2024/00/01/00h_ticks.bi5")
    with pytest.raises(mt5.ConfigError, match=r"name one symbol's folder, such as .*EURUSD"):
        load_ticks(tmp_path, "utc")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("EURUSD/00h_ticks.bi5", b"", "keep Dukascopy's path"),
        ("EURUSD/2024/12/01/00h_ticks.bi5", b"", "months run from 00 to 11"),
        ("EURUSD/2024/00/01/00h_ticks.bi5", b"<html>", "cannot be unpacked"),
        ("EURUSD/2024/00/01/00h_ticks.bi5", lzma.compress(b"x" * 30, lzma.FORMAT_ALONE), "middle of a record"),
        ("EURUSD/2024/00/01/00h_ticks.bi5", lzma.compress(bytes(40), lzma.FORMAT_ALONE)[:-4], "middle of a record"),
        ("EURUSD/2024/00/01/00h_ticks.bi5", lzma.compress(bytes(70_000_000), lzma.FORMAT_ALONE), "no hour of ticks"),
        ("x.csv.gz", gzip.compress(b"1000,1.1,1.2\n" * 99)[:-9], "is the download complete"),
        ("x.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff", "is the download complete"),
        ("x.parquet", b"PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_damaged_file_is_refused_and_told_what_to_do(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    with pytest.raises(mt5.ConfigError, match=words):
        load_ticks(write(tmp_path, data, name), "utc")


@pytest.mark.filterwarnings("ignore:1 of 2 lines")
def test_a_record_outside_its_hour_is_counted(tmp_path: Path) -> None:
    found = load_ticks(hour(tmp_path, [(3_599_999, 2, 1), (3_600_000, 2, 1)]), "utc")
    assert (len(found.ticks), found.unparsable, found.first_bad_line) == (1, 1, 2)


def test_parquet_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, which is not installed: mt5sim[parquet]")
    parquet = pytest.importorskip("pyarrow.parquet")
    stamps = [ms("2024-01-02T03:04:05.678"), ms("2024-01-02T03:04:06")]
    whole = arrow.table({"ask": [1.2, 1.3], "bid": [1.1, 1.2], "ts_ms_utc": stamps})
    timestamps = whole.set_column(2, "timestamp", whole["ts_ms_utc"].cast(arrow.timestamp("ms")))
    for number, table in enumerate((whole, timestamps)):
        parquet.write_table(table, tmp_path / f"{number}.parquet")
        ticks = load_ticks(tmp_path / f"{number}.parquet", "utc").ticks
        assert (ticks["time_msc"].tolist(), ticks["bid"].tolist(), ticks["ask"].tolist()) == (
            stamps, [1.1, 1.2], [1.2, 1.3],
        )  # fmt: skip
    parquet.write_table(arrow.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(mt5.ConfigError, match="has the columns a; it needs ts_ms_utc"):
        load_ticks(tmp_path / "x.parquet", "utc")


@pytest.mark.filterwarnings("ignore:1 of 2 lines")
def test_an_empty_cell_of_parquet_is_counted(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"ts": [1, 2], "bid": [1.0, None], "ask": [1.0, 2.0]}), tmp_path / "x.parquet")
    found = load_ticks(tmp_path / "x.parquet", "utc")
    assert (len(found.ticks), found.unparsable, found.first_bad_line) == (1, 1, 2)


def test_an_export_carries_prices_forward_from_piece_to_piece() -> None:
    lines = ["2022.11.10\t15:00:00.017\t0.86682\t0.86712\t\t\t6"]
    lines += [f"2022.11.10\t15:00:{n:02}.000\t\t0.8{n:04}\t\t\t4" for n in range(1, 60)]
    data = ("<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n" + "\n".join(lines)).encode()
    found = read_export(data, "utc", piece_bytes=100)
    assert (len(found.ticks), found.unparsable) == (60, 0)
    assert set(found.ticks["bid"].tolist()) == {0.86682}
    assert found.ticks["ask"][-1] == 0.80059


@pytest.mark.parametrize(
    "line",
    [
        "2022.02.30\t15:00:00.017\t1\t1\t\t\t6",
        "2022.11.10\t24:00:00.017\t1\t1\t\t\t6",
        "2022.11.10\t15:00:00,017\t1\t1\t\t\t6",
        "2022-11-10\t15:00:00.017\t1\t1\t\t\t6",
        "2022.11.10\t15:00:00.017\tx\t1\t\t\t6",
        "2022.11.10\t15:00:00.017\t1\t1\t\t-1\t6",
        "2022.11.10\t15:00:00.017\t1\t1\t\t\t-6",
        "2022.11.10\t15:00:00.017\t1\t1",
    ],
)
@pytest.mark.filterwarnings("ignore:1 of 3 lines")
def test_a_bad_line_of_an_export_is_counted_and_named(tmp_path: Path, line: str) -> None:
    good = "2022.11.10\t15:00:00.017\t1.1\t1.2\t\t\t6"
    data = "\n".join(["<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>", good, line, good])
    found = load_ticks(write(tmp_path, data.encode(), "x.csv"), "utc")
    assert (len(found.ticks), found.lines, found.unparsable, found.first_bad_line) == (2, 3, 1, 3)
    assert "x.csv, line 3" in found.complaint


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=5).map(str),
    st.integers().map(str),
    st.text(alphabet="0123456789.-+eE_ naif", max_size=12),
)  # fmt: skip


@given(st.lists(NUMBERS, min_size=1, max_size=40))
def test_numbers_are_read_as_python_reads_them(texts: list[str]) -> None:
    table = cut("\n".join(texts).encode(), b",", 1, 1)
    values, sound = table.columns[0].decimals()
    for text, value, good in zip(texts, values, sound, strict=False):
        try:
            expected = float(text) if "_" not in text and len(text) <= textcolumns.LONGEST_NUMBER else None
        except ValueError:
            expected = None
        assert bool(good) is (expected is not None), text
        if expected is not None:
            assert value == expected or (np.isnan(value) and np.isnan(expected)), text
