"""Visits are rare and careful: failures wait longer and end, versions are kept, plug-ins can't harm each other."""

import asyncio
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from contracts.news import CalendarEvent
from data_collector.adapters.item_store import ItemStore
from data_collector.adapters.local_file import LocalFile
from data_collector.adapters.plugins import GROUP, MOST_ITEMS, Plugins, installed
from data_collector.domain.items import BadDocument, Item
from data_collector.domain.politeness import (
    GIVE_UP_AFTER,
    HOUR_MS,
    LONGEST_MS,
    MAX_WAIT_MS,
    Fetched,
    FetchRefused,
    SourceState,
    after_failure,
    after_start,
    after_success,
)
from data_collector.domain.sources import source_of, sources_of
from data_collector.routes import Collector
from data_collector.settings import Settings
from kit.testing import FakeClock, eventually

RSS = b"<rss><channel><item><title>Rates stay</title><link>https://a.b/1</link><guid>1</guid></item></channel></rss>"
URL = "https://news.example/feed"
STATE = SourceState("news", URL)


def test_success_waits_an_hour_at_least_and_failures_ever_longer_up_to_a_day() -> None:
    assert after_success(STATE, 0, 1, "e", "m").next_ms == HOUR_MS
    waits, state = [], STATE
    for _ in range(8):
        state = after_failure(state, 0, "429")
        waits.append(state.next_ms // HOUR_MS)
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]
    assert after_failure(STATE, 0, "x", 3 * MAX_WAIT_MS).next_ms == 3 * MAX_WAIT_MS
    assert after_failure(STATE, 0, "x", 90 * MAX_WAIT_MS).next_ms == LONGEST_MS


def test_a_source_that_fails_for_weeks_is_given_up_until_the_next_start() -> None:
    state = STATE
    for _ in range(GIVE_UP_AFTER):
        assert not state.given_up
        state = after_failure(state, 0, "gone")
    assert state.given_up
    assert not state.due(10**15)
    again = after_start(state, 5)
    assert not again.due(HOUR_MS - 1)
    assert again.due(HOUR_MS)
    assert after_failure(again, HOUR_MS, "gone").given_up


def test_a_clock_that_was_put_back_does_not_silence_a_source() -> None:
    assert not SourceState("n", next_ms=LONGEST_MS).due(0)
    assert SourceState("n", next_ms=LONGEST_MS + 1).due(0)


class Source:
    """Answers in turn; remembers what it was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.asked, self.keys = list(answers), [], []

    def __call__(self, url: str, etag: str, last_modified: str, key: str) -> Fetched:
        self.asked.append((etag, last_modified))
        self.keys.append(key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def collector(
    tmp_path: Path, source: Source, kinds: Plugins | None = None, *texts: str, off: tuple[str, ...] = ()
) -> tuple[Collector, FakeClock]:
    clock = FakeClock()
    store = ItemStore(tmp_path / "news" / "collected.db")
    sources = sources_of(texts or (f"news:rss={URL}",))
    fetch = {False: source, True: LocalFile(tmp_path)}
    made = Collector(sources, frozenset(off), True, kinds or installed(), fetch, store, clock, HOUR_MS)
    made.begin()
    return made, clock


def test_a_source_is_asked_once_an_hour_with_what_it_gave_and_items_are_kept_once(tmp_path) -> None:
    source = Source(Fetched(RSS, "tag", "yesterday"), Fetched(None, "tag", "yesterday"), Fetched(RSS, "", ""))
    one, clock = collector(tmp_path, source)
    one.visit(one.sources[0])
    one.visit(one.sources[0])
    assert (len(source.asked), one.collected) == (1, 1)
    for _ in range(2):
        clock.advance(HOUR_MS)
        one.visit(one.sources[0])
    assert source.asked == [("", ""), ("tag", "yesterday"), ("tag", "yesterday")]
    assert (one.collected, [i.title for i in one.items.newest()]) == (1, ["Rates stay"])


def test_a_message_that_was_corrected_is_a_new_version_and_the_old_one_stays(tmp_path) -> None:
    changed = RSS.replace(b"Rates stay", b"Rates rise")
    one, clock = collector(tmp_path, Source(*(Fetched(body, "", "") for body in (RSS, changed, changed, RSS))))
    begun = clock.now_ms()
    for _ in range(4):
        one.visit(one.sources[0])
        clock.advance(HOUR_MS)
    told = [(item.title, item.version, item.first_seen_ms - begun) for item in one.items.newest()]
    assert told == [("Rates stay", 3, 3 * HOUR_MS), ("Rates rise", 2, HOUR_MS), ("Rates stay", 1, 0)]


async def test_D17_a_bad_document_is_kept_aside_and_the_page_says_what_is_wrong(tmp_path) -> None:
    one, clock = collector(tmp_path, Source(Fetched(b"<html/>", "", ""), FetchRefused("429"), Fetched(RSS, "", "")))
    one.visit(one.sources[0])
    (aside,) = (tmp_path / "news" / "bad-documents").iterdir()
    assert b"<html/>" in aside.read_bytes()
    with pytest.raises(RuntimeError, match="no source answers: news: the document is <html>, not a feed"):
        await one.probe()
    clock.advance(HOUR_MS)
    one.visit(one.sources[0])
    one.begin()  # as after a start: the trouble is remembered from disk
    assert one.view(one.sources[0]).trouble == "429"
    clock.advance(2 * HOUR_MS)
    one.visit(one.sources[0])
    assert await one.probe() == "1 source(s), 1 new item(s) since the start, 1 wait for the server"


async def test_each_source_and_all_of_them_have_a_switch(tmp_path) -> None:
    one, clock = collector(tmp_path, Source(FetchRefused("500")), None, f"a:rss={URL}", f"b:rss={URL}", off=("b",))
    assert [source.name for source in one.active()] == ["a"]
    one.visit(one.active()[0])
    views = [one.view(source) for source in one.sources]
    assert [(view.on, view.trouble, view.next_try_ms) for view in views] == [
        (True, "500", clock.now_ms() + HOUR_MS), (False, "", 0),
    ]  # fmt: skip
    one.enabled = False
    assert one.active() == ()
    assert await one.probe() == "off by the switch; 2 source(s) are configured"
    one.sources = ()
    assert await one.probe() == "off: no sources are configured"


# plug-ins, as a stranger might write them ------------------------------------------------------------------------


def explodes(source: str, document: bytes) -> list[Item]:
    raise ZeroDivisionError("by a stranger")


def nonsense(source: str, document: bytes) -> list[Item]:
    return ["not an item"]  # type: ignore[list-item]


def floods(source: str, document: bytes) -> list[Item]:
    return [CalendarEvent("k", source, "x", 1, 0)] * (MOST_ITEMS + 1)


def foreign(source: str, document: bytes) -> list[Item]:
    return [CalendarEvent("k", "another", "x", 1, 0)]


def kinds() -> Plugins:
    """The real ones, and strangers; their functions are handed over, because tests are no package."""
    plugins = installed()
    plugins.loaded |= {"explodes": explodes, "nonsense": nonsense, "floods": floods, "foreign": foreign}
    plugins.found["broken"] = EntryPoint("broken", "no_such_module:parse", GROUP)
    plugins.found["number"] = EntryPoint("number", "math:pi", GROUP)
    return plugins


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("explodes", "the plug-in 'explodes' failed: ZeroDivisionError by a stranger"),
        ("nonsense", "does not return a list"),
        ("floods", "2001 items in one document"),
        ("foreign", "names another source"),
        ("broken", "can't be loaded: ModuleNotFoundError"),
        ("number", "is no function"),
        ("unknown", "no plug-in reads 'unknown'; installed are broken, ff-json, ff-xml, ics, mql5, number, rss"),
    ],
)
def test_a_faulty_plug_in_spoils_its_own_source_only(tmp_path, kind, why) -> None:
    source = Source(Fetched(RSS, "", ""), Fetched(RSS, "", ""))
    one, _ = collector(tmp_path, source, kinds(), f"bad:{kind}={URL}", f"good:rss={URL}")
    for each in one.sources:
        one.visit(each)
    bad, good = (one.view(each) for each in one.sources)
    assert why in bad.trouble
    assert (good.trouble, good.items, bad.items) == ("", 1, 0)


def test_of_two_plug_ins_with_one_name_the_first_is_used() -> None:
    points = [EntryPoint("rss", "b:parse", GROUP), EntryPoint("rss", "a:parse", GROUP)]
    assert installed(points).found["rss"].value == "a:parse"


def test_a_plug_ins_own_refusal_passes_through() -> None:
    with pytest.raises(BadDocument, match="not a feed"):
        installed().parse("rss", "s", b"<html/>")


async def test_a_source_that_hangs_holds_up_nobody_else(tmp_path) -> None:
    release, plugins = threading.Event(), kinds()
    plugins.loaded["explodes"] = lambda source, document: release.wait(10) and []
    source = Source(Fetched(RSS, "", ""), Fetched(RSS, "", ""))
    one, _ = collector(tmp_path, source, plugins, f"bad:explodes={URL}", f"good:rss={URL}")
    one.hangs_after_s = 0.05
    running = asyncio.create_task(one.run())
    try:
        await eventually(lambda: one.collected == 1 and "busy" in one.view(one.sources[0]).trouble)
    finally:
        release.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# the store -------------------------------------------------------------------------------------------------------


def event(number: int, forecast: str = "") -> CalendarEvent:
    return CalendarEvent(f"{number:064x}", "ff", f"event {number}", 1_000 + number, 0, forecast=forecast)


def test_the_outbox_hands_out_until_it_hears_that_the_server_has_it(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db")
    store.keep([event(n) for n in range(450)], STATE, 1)
    first = store.outbox(0, 0)
    assert (first.upto, len(first.batch.events)) == (200, 200)
    assert store.outbox(0, 0) == first
    second = store.outbox(first.upto, 3)
    assert (second.upto, second.batch.events[0].title) == (400, "event 200")
    assert store.outbox(first.upto, 3) == second
    assert store.tally().refused == 3
    assert store.outbox(10**9, 9) == second
    last = store.outbox(second.upto, 0)
    assert store.outbox(last.upto, 0).batch.events == ()
    assert (store.tally().waiting, store.tally().items) == (0, 450)


def test_only_the_newest_are_kept_and_what_the_server_never_had_is_counted(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db", keep_items=10)
    store.keep([event(n) for n in range(8)], STATE, 1)
    store.outbox(3, 0)
    store.keep([event(n) for n in range(8, 20)], STATE, 2)
    tally = store.tally()
    assert (tally.items, tally.dropped, tally.waiting) == (10, 7, 10)
    assert store.outbox(0, 0).batch.events[0].title == "event 10"


def test_a_new_version_is_never_older_than_the_one_before_it(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db")
    store.keep([event(1, "2%")], STATE, 1_000)
    store.keep([event(1, "3%")], STATE, 10)
    assert [item.first_seen_ms for item in store.newest()] == [1_001, 1_000]


def test_what_is_kept_and_what_waits_survive_a_restart(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db")
    store.keep([event(1), event(2)], after_success(STATE, 7, HOUR_MS, "tag", ""), 1)
    store.outbox(1, 0)
    store.close()
    again = ItemStore(tmp_path / "n.db")
    assert again.outbox(0, 0).upto == 2
    assert (again.state("news", URL).etag, again.state("news", "https://elsewhere/").etag) == ("tag", "")


def test_only_the_newest_bad_documents_are_kept_and_cut(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db")
    for i in range(30):
        store.keep_aside("news", b"x" * 500_000, "y", 1_000 + i)
    kept = list((tmp_path / "bad-documents").iterdir())
    assert len(kept) == 20
    assert max(path.stat().st_size for path in kept) < 270_000


# sources and files -----------------------------------------------------------------------------------------------


def test_a_source_may_have_a_name_of_its_own() -> None:
    assert source_of(f"fed:rss={URL}") == source_of(f"fed:rss={URL}")
    assert (source_of(f"rss={URL}").name, source_of("mql5=file:calendar/m.json").name) == ("rss.news.example", "mql5")
    assert source_of("mql5=file:calendar/m.json").local


@pytest.mark.parametrize(
    "sources",
    [
        ("rss=file:///x",), ("mql5=file:../x",), ("mql5=file:a/../../x",), ("nothing",), ("a b:rss=https://a.b",),
        (f"rss={URL}", f"rss={URL}"), ("RSS=https://a.b",), tuple(f"s{n}:rss={URL}" for n in range(51)),
    ],
)  # fmt: skip
def test_settings_refuse_what_is_no_source(tmp_path, sources) -> None:
    with pytest.raises(ValueError, match="source"):
        Settings(data_dir=tmp_path, sources=sources)


def test_settings_refuse_to_switch_off_what_there_is_not(tmp_path) -> None:
    with pytest.raises(ValueError, match="there is no source called 'fd'; there are fed"):
        Settings(data_dir=tmp_path, sources=(f"fed:rss={URL}",), off=("fd",))


def test_a_file_of_this_pc_is_read_when_it_has_changed_and_never_outside_of_its_directory(tmp_path) -> None:
    fetch = LocalFile(tmp_path / "data")
    (tmp_path / "data").mkdir()
    with pytest.raises(FetchRefused, match="no file x"):
        fetch("file:x.json", "", "")
    (tmp_path / "data" / "x.json").write_bytes(b"{}")
    got = fetch("file:x.json", "", "")
    assert got.body == b"{}"
    assert fetch("file:x.json", got.etag, "").body is None
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    for outside in ("file:../secret", "file:link", "file:/etc/passwd"):
        with pytest.raises(FetchRefused, match="outside"):
            fetch(outside, "", "")


def test_a_file_is_looked_at_each_minute_and_waits_for_nobody(tmp_path) -> None:
    one, clock = collector(tmp_path, Source(), None, "ea:mql5=file:m.json")
    one.visit(one.sources[0])
    (tmp_path / "m.json").write_bytes(
        b'{"format":"mql5-calendar-1","utc_offset_s":0,"events":[],"values":[{"id":1,"event_id":2,"time":60}]}'
    )
    clock.advance(60_000)
    one.visit(one.sources[0])
    assert [item.title for item in one.items.newest()] == ["event 2"]


def test_a_source_is_visited_with_its_key_once_the_config_manager_answers(tmp_path) -> None:
    one, _ = collector(tmp_path, source := Source(Fetched(RSS, "", "")))

    def away() -> dict[str, str]:
        raise OSError("config-manager on port 9002 can't be asked")

    one.keys = away
    one.visit(one.sources[0])
    assert (source.asked, one.view(one.sources[0]).trouble) == ([], "")
    one.keys = lambda: {"news": "k", "other": "x"}
    one.visit(one.sources[0])
    assert source.keys == ["k"]
