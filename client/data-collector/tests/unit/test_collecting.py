"""Visits are rare and careful: private addresses are refused, failures wait longer, bad documents are kept aside."""

from pathlib import Path

import pytest

from data_collector.adapters.item_store import ItemStore
from data_collector.adapters.parsers import PARSERS
from data_collector.domain.politeness import (
    HOUR_MS,
    MAX_WAIT_MS,
    Fetched,
    FetchRefused,
    SourceState,
    after_failure,
    after_success,
)
from data_collector.routes import Collector
from data_collector.settings import Settings
from kit.testing import FakeClock

RSS = b"<rss><channel><item><title>Rates stay</title><link>https://a.b/1</link><guid>1</guid></item></channel></rss>"
URL = "https://news.example/feed"


def test_success_waits_an_hour_at_least_and_failures_ever_longer_up_to_a_day() -> None:
    state = SourceState(URL)
    assert after_success(state, 0, 1, "e", "m").next_ms == HOUR_MS
    waits = []
    for _ in range(8):
        state = after_failure(state, 0, "429")
        waits.append(state.next_ms // HOUR_MS)
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]
    assert after_failure(SourceState(URL), 0, "x", 3 * MAX_WAIT_MS).next_ms == 3 * MAX_WAIT_MS


class Source:
    """Answers in turn; remembers what it was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, url: str, etag: str, last_modified: str) -> Fetched:
        self.asked.append((etag, last_modified))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def collector(tmp_path: Path, source: Source) -> tuple[Collector, FakeClock]:
    clock = FakeClock()
    store = ItemStore(tmp_path / "news" / "news.db")
    return Collector((("rss", URL),), PARSERS, source, store, clock, HOUR_MS), clock


def test_a_source_is_asked_once_an_hour_with_what_it_gave_and_items_are_kept_once(tmp_path) -> None:
    source = Source(Fetched(RSS, "tag", "yesterday"), Fetched(None, "tag", "yesterday"), Fetched(RSS, "", ""))
    one, clock = collector(tmp_path, source)
    one.visit("rss", URL)
    one.visit("rss", URL)
    assert (len(source.asked), one.collected) == (1, 1)
    for _ in range(2):
        clock.advance(HOUR_MS)
        one.visit("rss", URL)
    assert source.asked == [("", ""), ("tag", "yesterday"), ("tag", "yesterday")]
    assert (one.collected, [i.title for i in one.items.newest()]) == (1, ["Rates stay"])


async def test_a_bad_document_is_kept_aside_and_the_page_says_what_is_wrong(tmp_path) -> None:
    one, clock = collector(tmp_path, Source(Fetched(b"<html/>", "", ""), FetchRefused("429"), Fetched(RSS, "", "")))
    one.visit("rss", URL)
    aside = list((tmp_path / "news" / "bad-documents").iterdir())
    assert b"<html/>" in aside[0].read_bytes()
    with pytest.raises(RuntimeError, match="no source answers"):
        await one.probe()
    clock.advance(HOUR_MS)
    one.visit("rss", URL)
    one.troubles.clear()
    one.visit("rss", URL)  # not due: the trouble is remembered from disk
    assert one.troubles == {URL: "429"}
    clock.advance(2 * HOUR_MS)
    one.visit("rss", URL)
    assert await one.probe() == "1 source(s), 1 new item(s) since the start"


async def test_without_sources_it_says_that_it_is_off(tmp_path) -> None:
    one, _ = collector(tmp_path, Source())
    one.sources = ()
    assert await one.probe() == "off: no sources are configured"


def test_only_the_newest_bad_documents_are_kept(tmp_path) -> None:
    store = ItemStore(tmp_path / "n.db")
    for i in range(30):
        store.keep_aside(URL, b"x", "y", 1_000 + i)
    assert len(list((tmp_path / "bad-documents").iterdir())) == 20


@pytest.mark.parametrize("sources", [("rss=file:///x",), ("nothing",), ("atom=https://a.b",)])
def test_settings_refuse_what_is_no_source(tmp_path, sources) -> None:
    with pytest.raises(ValueError, match="source"):
        Settings(data_dir=tmp_path, sources=sources)
