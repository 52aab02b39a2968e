"""Replays: at full speed nothing is lost, in real time the recording's pace is kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mt5sim as mt5
from mt5sim.feed import Feed, ReplayFeed, replay
from mt5sim.tape import quotes
from mt5sim.tickfile import TickFile, load_ticks
from mt5sim.timeline import arrivals

START_MS = 1_800_000_000_000


def feed_of(stamps: list[int], speed: float = 0) -> ReplayFeed:
    """Each tick's bid is its number, so that a reader's rows can be counted."""
    count = len(stamps)
    ticks = quotes(np.array(stamps, dtype=np.int64), np.arange(1.0, count + 1), np.arange(2.0, count + 2))
    feed = replay({"EURUSD": TickFile(ticks, count, 0, None)}, speed, START_MS)["EURUSD"]
    assert isinstance(feed, ReplayFeed)
    return feed


def read_all(feed: Feed, count: int, start_s: int = 0) -> list[float]:
    """A reader as a terminal's client is: whole seconds, then drop what it has had of the last millisecond."""
    got: list[float] = []
    cursor, seen = start_s * 1000, 0
    while True:
        rows = feed.read_from(cursor // 1000 * 1000, count, mt5.COPY_TICKS_ALL)
        fresh, skip = [], seen
        for bid, msc in zip(rows["bid"].tolist(), rows["time_msc"].tolist(), strict=True):
            if msc < cursor:
                continue
            if msc == cursor and skip:
                skip -= 1
                continue
            fresh.append((bid, msc))
        if not fresh:
            return got
        for bid, msc in fresh:
            got.append(bid)
            cursor, seen = (msc, seen + 1) if msc == cursor else (msc, 1)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=300), st.integers(40, 100))
def test_at_full_speed_a_cursor_reader_gets_every_tick_once_in_order(steps: list[int], count: int) -> None:
    stamps = np.cumsum([step if step < 300 else 5 for step in steps]) + 1_700_000_000_000
    feed = feed_of(stamps.tolist())
    # a window must be larger than what one second holds, or no client can move on
    largest_second = int(np.bincount((stamps // 1000 - stamps[0] // 1000).astype(int)).max())
    assert read_all(feed, count + largest_second) == [float(n) for n in range(1, len(steps) + 1)]
    assert feed.finished


def test_the_market_advances_exactly_as_far_as_it_was_read() -> None:
    feed = feed_of([1000, 2000, 3000, 4000])
    assert feed.visible == 1
    feed.read_from(0, 3, mt5.COPY_TICKS_ALL)
    assert (feed.visible, feed.delivered, feed.finished) == (3, 3, False)
    feed.read_range(0, 10_000, mt5.COPY_TICKS_ALL)
    assert feed.visible == 3


def test_asking_for_the_future_does_not_end_the_replay() -> None:
    feed = feed_of([1000, 2000, 3000])
    assert len(feed.read_from(99_000, 10, mt5.COPY_TICKS_ALL)) == 0
    assert feed.visible == 1


def test_a_range_shows_only_what_has_happened() -> None:
    feed = feed_of([1000, 2000, 3000, 4000])
    feed.read_from(0, 3, mt5.COPY_TICKS_ALL)
    assert feed.read_range(2000, 4000, mt5.COPY_TICKS_ALL)["time_msc"].tolist() == [2000, 3000]


def test_stamps_that_go_back_keep_their_place() -> None:
    feed = feed_of([5000, 6000, 1000, 7000])
    assert feed.read_from(5000, 10, mt5.COPY_TICKS_ALL)["time_msc"].tolist() == [5000, 6000, 1000, 7000]


def test_one_stamp_far_in_the_future_does_not_stop_a_reader() -> None:
    stamps = [1000 * n for n in range(1, 200)]
    stamps[50] = 4_000_000_000_000
    feed = feed_of(stamps)
    cursor, seen = 0, 0
    for _ in range(100):
        rows = feed.read_from(cursor, 10, mt5.COPY_TICKS_ALL)
        seen += len(rows)
        honest = [msc for msc in rows["time_msc"].tolist() if msc < 4_000_000_000_000]
        cursor = max([cursor, *honest]) // 1000 * 1000
        if feed.finished:
            break
    assert feed.finished


@pytest.mark.parametrize(("speed", "visible"), [(1, 3), (10, 21)])
def test_in_real_time_the_recording_keeps_its_pace(speed: float, visible: int) -> None:
    feed = feed_of([1000 * n for n in range(1, 100)], speed)
    feed.advance(START_MS + 2000)
    assert feed.visible == visible
    feed.advance(START_MS + 1000)
    assert feed.visible == visible


def test_bad_stamps_do_not_stop_the_pace() -> None:
    feed = feed_of([1000, 2000, 4_000_000_000_000, 3000, 4000], 1)
    feed.advance(START_MS + 2000)
    assert feed.visible >= 4


def test_info_and_trade_flags_choose_ticks(desk) -> None:
    desk.load([(1.1, 1.2), (1.1, 1.2)])
    assert len(mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_TRADE)) == 0
    assert mt5.replay_report()["delivered"] == 0
    assert len(mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_INFO)) == 2


def test_the_current_tick_is_the_last_one_read(desk) -> None:
    desk.load([(1.1, 1.1002), (1.2, 1.2002), (1.3, 1.3002)])
    assert mt5.symbol_info_tick("EURUSD").bid == 1.1
    desk.step()
    assert mt5.symbol_info_tick("EURUSD").bid == 1.2
    assert mt5.symbol_info("EURUSD").ask == 1.2002


@pytest.mark.filterwarnings("ignore:1 of 3 lines")
def test_the_report_counts_lines_ticks_and_what_was_delivered(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("ts_ms_utc,bid,ask\n1000,1.1,1.2\noops\n2000,1.1,1.2\n")
    mt5.load(mt5.TerminalConfig(market=mt5.Replay(file, "EURUSD", 0)))
    expected = {"lines": 3, "ticks": 2, "unparsable": 1, "first_bad_line": 3, "visible": 1, "delivered": 0}
    assert mt5.replay_report().items() >= (expected | {"finished": False}).items()
    assert mt5.replay_report()["complaint"] == "x.csv, line 3: 'oops' is not ts_ms_utc,bid,ask"
    mt5.copy_ticks_from("EURUSD", 1, 10, mt5.COPY_TICKS_ALL)
    assert mt5.replay_report().items() >= (expected | {"visible": 2, "delivered": 2, "finished": True}).items()


def test_a_generated_market_has_no_replay_report() -> None:
    assert mt5.replay_report() == {}
    mt5.load(mt5.TerminalConfig())
    assert mt5.replay_report() == {}


def test_a_whole_real_file_is_read_without_losing_or_doubling_a_tick(shared_file: Callable[[str], Path]) -> None:
    file = shared_file("data/eurusd_fxcm_20140501_15_ticks_utc.csv.gz")
    mt5.load(mt5.TerminalConfig(market=mt5.Replay(file, "EURUSD", 0), clock="ny+7"))
    cursor, total = mt5.symbol_info_tick("EURUSD").time_msc, 0
    at_cursor = 0
    while True:
        rows = mt5.copy_ticks_from("EURUSD", cursor // 1000, 20_000, mt5.COPY_TICKS_ALL)
        stamps = rows["time_msc"]
        start = int(np.searchsorted(stamps, cursor)) + at_cursor
        if start >= len(rows):
            break
        total += len(rows) - start
        newest = int(stamps[-1])
        at_cursor = int((stamps == newest).sum())
        cursor = newest
    assert total == mt5.replay_report()["ticks"] == 1_144_807
    assert mt5.replay_report()["finished"] is True


GOLD = ("XAUUSD", [1000, 1500, 3000, 9000])
EURO = ("EURUSD", [1000, 2000, 3000, 4000])


def pair(speed: float) -> dict[str, Feed]:
    files = {}
    for symbol, stamps in (GOLD, EURO):
        ticks = quotes(np.array(stamps, dtype=np.int64), np.arange(1.0, 5), np.arange(2.0, 6))
        files[symbol] = TickFile(ticks, 4, 0, None)
    return replay(files, speed, START_MS)


def test_several_symbols_happen_in_the_order_of_their_time() -> None:
    feeds = pair(1)
    for utc_ms, gold, euro in ((0, 1, 1), (500, 2, 1), (1000, 2, 2), (2000, 3, 3), (3000, 3, 4), (8000, 4, 4)):
        for feed in feeds.values():
            feed.advance(START_MS + utc_ms)
        assert (feeds["XAUUSD"].visible, feeds["EURUSD"].visible) == (gold, euro)


def test_at_full_speed_the_symbol_that_is_read_takes_the_others_along() -> None:
    feeds = pair(0)
    feeds["EURUSD"].read_from(0, 3, mt5.COPY_TICKS_ALL)
    for feed in feeds.values():
        feed.advance(START_MS)
    assert (feeds["XAUUSD"].visible, feeds["EURUSD"].visible) == (2, 3)
    assert [len(read_all(feed, 10)) for feed in feeds.values()] == [4, 4]


def test_two_symbols_are_loaded_from_their_files_and_reported_together(desk) -> None:
    files = {symbol: desk.write([(ms, 1.1, 1.2) for ms in stamps], f"{symbol}.csv") for symbol, stamps in (GOLD, EURO)}
    mt5.load(mt5.TerminalConfig(market=mt5.Replay(files=files, speed=0)))
    assert {symbol.name for symbol in mt5.symbols_get()} == {"XAUUSD", "EURUSD"}
    assert len(mt5.copy_ticks_from("XAUUSD", 1, 10, mt5.COPY_TICKS_ALL)) == 4
    report = mt5.replay_report()
    assert (report["ticks"], report["delivered"], report["finished"]) == (8, 4, True)
    assert report["symbols"]["EURUSD"]["delivered"] == 0


def test_a_wrong_stamp_of_one_symbol_does_not_move_it_against_the_others() -> None:
    clean = np.arange(100, dtype=np.int64) * 1000 + 1_700_000_000_000
    for bad in (4_000_000_000_000, 0):
        dirty = clean.copy()
        dirty[40] = bad
        one, two = arrivals([clean, dirty])
        assert (one[41:] == two[41:]).all()
        assert (one[:40] == two[:40]).all()


def test_a_gap_of_weeks_in_which_nothing_trades_is_not_waited_for() -> None:
    month = 30 * 86_400_000
    (pace,) = arrivals([np.array([0, 1000, month, month + 1000], dtype=np.int64)])
    assert pace.tolist() == [0, 1000, 1000, 2000]
    quiet, busy = arrivals([np.array([0, month], dtype=np.int64), np.arange(0, month + 1, 86_400_000)])
    assert quiet[-1] == busy[-1] == month


def test_the_ticks_of_one_millisecond_are_all_delivered_and_the_last_one_is_shown() -> None:
    feed = feed_of([1000, 1000, 1000, 2000], 1)
    feed.advance(START_MS)
    assert feed.visible == 3
    assert feed.read_from(1000, 10, mt5.COPY_TICKS_ALL)["bid"].tolist() == [1.0, 2.0, 3.0]
    assert feed.tape.row(feed.last_index())[1] == 3.0


def test_a_poller_of_the_newest_tick_misses_most_of_a_busy_hour_and_copy_ticks_none(
    shared_file: Callable[[str], Path],
) -> None:
    file = load_ticks(shared_file("data/xauusd_oanda_20140502_ticks_utc.csv.gz"), "utc")
    feed = replay({"XAUUSD": file}, 1, START_MS)["XAUUSD"]
    busiest = int(np.bincount(feed.tape.arrival // 3_600_000).argmax())
    feed.advance(START_MS + busiest * 3_600_000)
    before, seen = feed.visible, set()
    for tenth in range(36_000):
        feed.advance(START_MS + busiest * 3_600_000 + tenth * 100)
        seen.add(feed.last_index())
    happened = feed.visible - before
    assert len(seen) / happened < 0.6
    first = int(file.ticks["time_msc"][before])
    assert len(feed.read_range(first, 2**52, mt5.COPY_TICKS_ALL)) >= happened


def test_catching_up_keeps_the_pace_from_there_on() -> None:
    feed = feed_of([1000 * n for n in range(1, 100)], 1)
    feed.advance(START_MS + 2000)
    feed.catch_up(50_000)
    feed.advance(START_MS + 2000)
    assert feed.visible == 50
    feed.advance(START_MS + 5000)
    assert feed.visible == 53
