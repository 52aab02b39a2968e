"""Feeds and calendars of the real shapes are read; anything unsafe or strange is refused whole."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data_collector.adapters.parsers import feed, forexfactory_json, forexfactory_xml
from data_collector.domain.items import BadDocument, Item, plain, web_link

FEEDS = Path(__file__).parents[5] / "shared" / "data" / "feeds"


def sample(name: str) -> bytes:
    path = FEEDS / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the test needs this sample")
    return path.read_bytes()


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("name", ["fed_press_all.sample.xml", "ecb_press.sample.xml", "fxstreet_news.sample.xml"])
def test_a_real_feed_gives_titled_dated_items_with_web_links(name) -> None:
    items = feed("test", sample(name))
    assert items
    assert all(item.title and item.at_ms > ms(2020, 1, 1) for item in items)
    assert all(item.link.startswith("http") for item in items)
    assert not any("<" in item.summary for item in items)


def test_the_calendars_json_is_read_with_its_offset() -> None:
    items = forexfactory_json("ff", sample("ff_calendar_thisweek_2025-03-30.sample.json"))
    assert items
    assert all(item.kind == "event" and item.at_ms > ms(2025, 3, 29) for item in items)
    made = b'[{"title":"CPI","country":"USD","date":"2025-04-01T08:30:00-04:00","impact":"High"}]'
    assert forexfactory_json("ff", made)[0].at_ms == ms(2025, 4, 1, 12, 30)


def test_the_calendars_xml_clock_is_utc() -> None:
    items = forexfactory_xml("ff", sample("ff_calendar_thisweek_2026-08-16.sample.xml"))
    assert items
    made = (
        b'<?xml version="1.0" encoding="windows-1252"?><weeklyevents><event><title>CPI \x96 m/m</title>'
        b"<country>USD</country><date><![CDATA[08-12-2026]]></date><time>12:30pm</time><impact>High</impact></event>"
        b"<event><title>Day off</title><country>JPY</country><date>08-13-2026</date><time>All Day</time></event>"
        b"</weeklyevents>"
    )
    first, second = forexfactory_xml("ff", made)
    assert (first.title, first.at_ms) == ("CPI – m/m", ms(2026, 8, 12, 12, 30))
    assert second.at_ms == ms(2026, 8, 13)


ENTITY = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><title>&f;</title></channel></rss>'


@pytest.mark.parametrize(
    "document", [ENTITY, OUTSIDE, b"", b"<html><body/></html>", b"<rss>", b"\xff\xfe\x00", b"null"]
)
@pytest.mark.parametrize("parser", [feed, forexfactory_xml])
def test_an_unsafe_or_strange_document_is_refused(parser, document) -> None:
    with pytest.raises(BadDocument):
        parser("test", document)


@pytest.mark.parametrize(
    "document",
    [b"{}", b"\xff", b'[{"title":"x"}]', b'[{"title":"x","country":"USD","date":"tomorrow"}]',
     b'[{"title":"x","country":"USD","date":"2025-04-01T08:30:00"}]'],
)  # fmt: skip
def test_a_calendar_of_another_shape_is_refused(document) -> None:
    with pytest.raises(BadDocument):
        forexfactory_json("test", document)


def test_a_date_in_the_xml_that_is_none_is_refused() -> None:
    with pytest.raises(BadDocument):
        forexfactory_xml("t", b"<weeklyevents><event><date>soon</date><time>1:00pm</time></event></weeklyevents>")


def test_markup_becomes_text_and_only_web_links_stay() -> None:
    assert plain("&lt;script&gt;x()&lt;/script&gt; a <b>bold</b>\n move") == "x() a bold move"
    assert plain(None) == ""
    assert [web_link(text) for text in ("javascript:alert(1)", "http://[x", 5, "ftp://a/b")] == ["", "", "", ""]
    assert web_link(" https://a.b/c ") == "https://a.b/c"


def test_an_item_is_known_again_by_guid_then_link_then_words() -> None:
    one = Item("news", "s", "t", 1, link="l", guid="g")
    assert one.key == Item("news", "s", "other", 2, link="m", guid="g").key
    assert one.key != Item("news", "s", "t", 1, link="l").key
    assert Item("event", "s", "t", 1).key != Item("event", "s", "t", 2).key
