"""Feeds of the real shapes are read; anything unsafe or strange is refused whole."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.news import CalendarEvent, NewsItem
from data_collector.adapters import feeds, forexfactory
from data_collector.domain.items import BadDocument, fault, news, plain, same, web_link

FEEDS = Path(__file__).parents[5] / "shared" / "data" / "feeds"


def sample(name: str) -> bytes:
    path = FEEDS / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the test needs this sample")
    return path.read_bytes()


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


def rss(body: str, *, bom: bool = False) -> bytes:
    return (b"\xef\xbb\xbf" if bom else b"") + f'<rss version="2.0"><channel>{body}</channel></rss>'.encode()


def test_the_feds_feed_with_its_byte_order_mark_is_read() -> None:
    first, second = feeds.parse("fed", sample("fed_press_all.sample.xml"))
    assert isinstance(first, NewsItem)
    assert first.title.startswith("Agencies issue joint statement")
    assert (first.published_ms, second.published_ms) == (ms(2026, 7, 16, 18), ms(2026, 7, 14, 18))
    assert (first.category, second.category) == ("Banking and Consumer Regulatory Policy", "Monetary Policy")
    assert first.link == "https://www.federalreserve.gov/newsevents/pressreleases/bcreg20260716a.htm"


def test_the_ecbs_feed_with_its_offset_and_double_slashes_is_read() -> None:
    first, second = feeds.parse("ecb", sample("ecb_press.sample.xml"))
    assert [first.title, second.title] == [
        "Philip R. Lane: Outlook for the euro area economy", "Monetary policy decisions",
    ]  # fmt: skip
    assert [first.published_ms, second.published_ms] == [ms(2026, 7, 24, 15, 30), ms(2026, 7, 23, 12, 15)]
    assert first.summary == ""
    assert first.link.startswith("https://www.ecb.europa.eu//press/")


def test_fxstreets_item_with_entities_and_a_time_that_ends_in_z_is_read() -> None:
    (item,) = feeds.parse("fxstreet", sample("fxstreet_news.sample.xml"))
    assert item.title == "Thailand: Stable conditions support Thai Baht – Commerzbank"
    assert item.summary == "Commerzbank’s Thailand update on Fed and ECB rate decision impact."
    assert item.published_ms == ms(2026, 7, 1, 19, 22)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Fri, 14 Aug 2026 19:22:00 Z", ms(2026, 8, 14, 19, 22)),
        ("Fri, 14 Aug 2026 19:22:00 -0000", ms(2026, 8, 14, 19, 22)),
        ("Fri, 14 Aug 2026 19:22:00 -0400", ms(2026, 8, 14, 23, 22)),
        ("Fri, 14 Aug 2026 19:22:00 EDT", ms(2026, 8, 14, 23, 22)),
        ("2026-08-14T19:22:00+02:00", ms(2026, 8, 14, 17, 22)),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_dates_of_feeds_are_read_in_every_way_they_are_written(date: str, at: int) -> None:
    (item,) = feeds.parse("t", rss(f"<item><title>x</title><pubDate>{date}</pubDate></item>", bom=True))
    assert item.published_ms == at


def test_atom_is_read() -> None:
    document = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>T</title><id>urn:1</id>'
        b'<link href="https://a.b/1"/><updated>2026-08-14T19:22:00Z</updated><summary>s</summary></entry></feed>'
    )
    (item,) = feeds.parse("t", document)
    assert (item.title, item.link, item.published_ms, item.summary) == (
        "T",
        "https://a.b/1",
        ms(2026, 8, 14, 19, 22),
        "s",
    )


def test_a_message_is_known_again_by_guid_then_link_then_words() -> None:
    def key(**fields: str) -> str:
        made = news("s", **{"title": "t", **fields})
        assert made is not None
        return made.key

    assert key(guid="g", link="https://a.b/1") == key(guid="g", link="https://a.b/2", title="other")
    assert key(link="https://a.b/1") == key(link="https://a.b/1", title="other")
    assert len({key(guid="g"), key(link="https://a.b/1"), key(), key(title="u")}) == 4
    assert news("s", title=" ", link="javascript:alert(1)") is None


def test_the_json_week_is_read_with_new_yorks_offset() -> None:
    events = forexfactory.parse_json("ff", sample("ff_calendar_thisweek_2025-03-30.sample.json"))
    assert len(events) == 18
    by_title = {event.title: event for event in events}
    payrolls, bond = by_title["Non-Farm Employment Change"], by_title["German 10-y Bond Auction"]
    assert isinstance(payrolls, CalendarEvent)
    assert (payrolls.at_ms, payrolls.forecast, payrolls.previous) == (ms(2025, 4, 4, 12, 30), "137K", "151K")
    assert (payrolls.impact, payrolls.currency, payrolls.clock) == ("high", "USD", "exact")
    assert (bond.previous, bond.forecast) == ("2.92|2.1", "")
    assert by_title["Prelim Industrial Production m/m"].at_ms == ms(2025, 3, 30, 23, 50)
    assert by_title["Bank Holiday"].impact == "holiday"
    assert by_title["OPEC-JMMC Meetings"].currency == "All"
    assert len({event.key for event in events}) == 18


def test_the_xml_week_is_read_with_its_own_clock_which_is_utc() -> None:
    events = forexfactory.parse_xml("ff", sample("ff_calendar_thisweek_2026-08-16.sample.xml"))
    services, fpi, holiday, cpi = events
    assert (services.at_ms, services.link) == (ms(2026, 8, 16, 22, 30), "https://www.forexfactory.com/calendar/852")
    assert (fpi.forecast, fpi.previous) == ("", "0.6%")
    assert (holiday.clock, holiday.at_ms, holiday.impact) == ("all_day", ms(2026, 8, 17), "holiday")
    assert (cpi.at_ms, cpi.forecast, cpi.impact) == (ms(2026, 8, 18, 12, 30), "2.7%", "high")


def week_xml(*events: str) -> bytes:
    head = '<?xml version="1.0" encoding="windows-1252"?><weeklyevents>'
    return (head + "".join(f"<event>{e}</event>" for e in events) + "</weeklyevents>").encode("cp1252")


def test_windows_1252_and_tentative_times_are_understood() -> None:
    made = week_xml(
        "<title>CPI – m/m</title><country>USD</country><date>08-12-2026</date><time>12:00am</time>",
        "<title>Vote</title><country>GBP</country><date>08-13-2026</date><time>Tentative</time>",
    )
    midnight, vote = forexfactory.parse_xml("ff", made)
    assert (midnight.title, midnight.at_ms, midnight.clock) == ("CPI – m/m", ms(2026, 8, 12), "exact")
    assert (vote.clock, vote.at_ms) == ("tentative", ms(2026, 8, 13))


def test_an_event_that_moves_within_its_day_or_changes_its_forecast_stays_the_same_event() -> None:
    def one(time: str, forecast: str = "") -> CalendarEvent:
        text = f"<title>CPI</title><country>USD</country><date>08-12-2026</date><time>{time}</time>"
        (event,) = forexfactory.parse_xml("ff", week_xml(f"{text}<forecast>{forecast}</forecast>"))
        assert isinstance(event, CalendarEvent)
        return event

    assert one("12:30pm").key == one("1:30pm", "2.7%").key
    assert not same(one("12:30pm"), one("12:30pm", "2.7%"))
    assert same(one("12:30pm"), replace(one("12:30pm"), first_seen_ms=9, version=3))


def test_two_events_of_one_title_on_one_day_are_two() -> None:
    text = "<title>Speech</title><country>USD</country><date>08-12-2026</date><time>{}</time>"
    events = forexfactory.parse_xml("ff", week_xml(text.format("1:00pm"), text.format("5:00pm")))
    assert len({event.key for event in events}) == 2


ENTITY = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><title>&f;</title></channel></rss>'


@pytest.mark.parametrize(
    "document",
    [
        ENTITY, OUTSIDE, ENTITY.decode().encode("utf-16"), b"<!DOCTYPE rss><rss/>", b"", b"<html><body/></html>",
        b"<rss>", b"\xff\xfe\x00", b"null", b'<?xml version="1.0" encoding="nonsense"?><rss/>',
    ],
)  # fmt: skip
@pytest.mark.parametrize("parser", [feeds.parse, forexfactory.parse_xml])
def test_D17_an_unsafe_or_strange_document_is_refused(parser, document) -> None:
    with pytest.raises(BadDocument):
        parser("test", document)


@pytest.mark.parametrize(
    "document",
    [b"{}", b"\xff", b'[{"title":"x"}]', b'[{"title":"x","country":"USD","date":"tomorrow"}]', b"[" * 100_000,
     b'[{"title":"x","country":"USD","date":"2025-04-01T08:30:00"}]'],
)  # fmt: skip
def test_a_calendar_of_another_shape_is_refused(document) -> None:
    with pytest.raises(BadDocument):
        forexfactory.parse_json("test", document)


def test_a_date_in_the_xml_that_is_none_is_refused() -> None:
    for wrong in ("<date>soon</date><time>1:00pm</time>", "<date>13-40-2026</date><time>All Day</time>"):
        with pytest.raises(BadDocument):
            forexfactory.parse_xml("t", week_xml(f"<title>x</title>{wrong}"))


def test_markup_becomes_text_and_only_web_links_stay() -> None:
    assert plain("&lt;script&gt;x()&lt;/script&gt; a <b>bold</b>\n move") == "x() a bold move"
    assert plain("a\u202eb\x1b[31m\x00\ud800c") == "ab[31mc"
    assert plain(None) == ""
    assert [web_link(text) for text in ("javascript:alert(1)", "http://[x", 5, "ftp://a/b", "https://a/\x01")] == [
        ""
    ] * 5
    assert web_link(" https://a.b/c ") == "https://a.b/c"


def test_D17_what_is_dated_in_the_future_is_not_believed() -> None:
    item = news("s", title="t", published_ms=ms(2026, 1, 3))
    assert item is not None
    assert "future" in fault(item, ms(2026, 1, 1))
    assert fault(item, ms(2026, 1, 2)) == ""
    far = CalendarEvent("k", "s", "t", ms(2036, 1, 1), 0)
    assert "two years" in fault(far, ms(2026, 1, 1))


@pytest.mark.parametrize("hostile", ["<" * 4_000_000, "<a " * 1_000_000, "&lt;" * 1_000_000, "<!--" * 1_000_000])
def test_D17_no_text_takes_longer_than_it_is_long(hostile: str) -> None:
    began = time.process_time()
    plain(hostile)
    assert time.process_time() - began < 1
