"""Only the sources' hosts, only public addresses, only so much and for so long."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from data_collector.adapters.fetch import MAX_BYTES, Fetcher, _wait_ms
from data_collector.domain.egress import hosts_of, is_public, key_for, target
from data_collector.domain.politeness import Fetched, FetchRefused

RSS = b"<rss><channel><item><title>Rates stay</title></item></channel></rss>"
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
     "100.64.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "::", "::1", "::127.0.0.1", "fe80::1", "fe80::1%eth0",
     "fec0::1", "fd00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
     "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
     "", "localhost", "2130706433"],
)  # fmt: skip
def test_W09_what_is_not_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)
    fetcher = Fetcher(frozenset({"evil.example"}), lambda host, port: [PUBLIC, address])
    with pytest.raises(FetchRefused, match="not a public address"):
        fetcher("http://evil.example/feed")


def test_public_addresses_are_public() -> None:
    for address in (PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"):
        assert is_public(address), address


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
     "http://0x7f.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data/",
     "http://localhost/", "http://localhost./"],
)  # fmt: skip
def test_W09_an_inner_address_is_refused_however_it_is_spelled(url: str) -> None:
    with pytest.raises(FetchRefused, match="none of the sources"):
        Fetcher(hosts_of(["https://news.example/feed"]))(url)
    # even a source that was configured so: the system's own resolver says where it leads
    with pytest.raises(FetchRefused, match=r"not a public address|has no address"):
        Fetcher(hosts_of([url]))(url)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://news.example/c", "gopher://news.example", "http://user:pw@news.example/", "http://",
     "http://news.example:99999/", "javascript:alert(1)", "//news.example/", "http://news.example@evil.example/",
     "http://evil.example#@news.example/", "http://[news.example/"],
)  # fmt: skip
def test_W09_only_plain_web_addresses_of_the_sources_are_fetched(url: str) -> None:
    with pytest.raises(FetchRefused):
        target(url, hosts_of(["https://news.example/feed"]))


def test_the_allow_list_is_the_sources_hosts_and_what_the_owner_added() -> None:
    hosts = hosts_of(["https://News.Example/feed", "http://cal.example:8080/x"], ("cdn.example.",))
    assert hosts == {"news.example", "cal.example", "cdn.example"}
    assert target("https://NEWS.example./a?b=c", hosts) == ("https", "news.example", 443, "/a?b=c")
    assert target("http://cal.example:8080", hosts) == ("http", "cal.example", 8080, "/")
    with pytest.raises(FetchRefused, match="https to http"):
        target("http://news.example/", hosts, before="https")


class _Pages(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        if self.path == "/big":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (MAX_BYTES + 10))
        elif self.path == "/same":
            self.send_response(304 if self.headers["If-None-Match"] == "t" else 200)
            self.end_headers()
        elif self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/busy":
            self.send_response(429)
            self.send_header("Retry-After", "120")
            self.end_headers()
        elif self.path == "/error":
            self.send_response(500)
            self.end_headers()
        elif self.path == "/packed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                time.sleep(0.05)
                self.wfile.write(b"x")
        else:
            self.send_response(200)
            self.send_header("ETag", "t")
            self.end_headers()
            self.wfile.write(RSS)

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def port() -> Iterator[int]:
    """A source on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Pages.asked.clear()
    yield server.server_port
    server.shutdown()
    server.server_close()


def fetcher(total_s: float = 10.0) -> Fetcher:
    """It believes that this machine is the public internet, and that `news.example` is it."""
    return Fetcher(
        frozenset({"news.example"}), lambda host, port: ["127.0.0.1"], lambda address: address == "127.0.0.1", total_s
    )


def test_D17_over_the_wire_sizes_redirects_and_refusals_are_bounded(port: int) -> None:
    base, fetch = f"http://news.example:{port}", fetcher()
    assert fetch(base + "/feed") == Fetched(RSS, "t", "")
    assert fetch(base + "/same", etag="t").body is None
    assert fetch(base + "/to?/feed").body == RSS
    for path, why in (
        ("/big", "larger than"),
        ("/to?/to?/to?/to?/feed", "redirects"),
        ("/error", "500"),
        ("/packed", "packed"),
        ("/short", "properly|early"),
    ):
        with pytest.raises(FetchRefused, match=why):
            fetch(base + path)
    with pytest.raises(FetchRefused, match="429") as refused:
        fetch(base + "/busy")
    assert refused.value.retry_after_ms == 120_000


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "//evil.example/",
     "ftp://news.example/", "http://0x7f000001/"],
)  # fmt: skip
def test_W09_a_redirect_is_checked_like_the_first_address(port: int, location: str) -> None:
    with pytest.raises(FetchRefused):
        fetcher()(f"http://news.example:{port}/to?{location}")
    assert len(_Pages.asked) == 1


def test_W09_a_name_is_resolved_once_and_what_was_checked_is_dialled(port: int) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    fetch = Fetcher(
        frozenset({"news.example"}), lambda host, port: next(answers), lambda address: address == "127.0.0.1"
    )
    # the name leads elsewhere from the second question on, as a rebinding name does
    assert fetch(f"http://news.example:{port}/feed").body == RSS
    assert _Pages.asked == [("/feed", f"news.example:{port}")]
    with pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        fetch(f"http://news.example:{port}/feed")


def test_D17_a_source_that_drips_is_cut(port: int) -> None:
    with pytest.raises(FetchRefused):  # to its end it would be a good answer
        fetcher(0.4)(f"http://news.example:{port}/drip")


def test_the_key_of_a_source_goes_to_its_own_host_alone_and_never_in_plain() -> None:
    url = "https://data.example/feed"
    assert key_for(url, "data.example", "https", "k") == "k"
    assert key_for(url, "elsewhere.example", "https", "k") == ""
    assert key_for(url, "data.example", "http", "") == ""
    with pytest.raises(FetchRefused, match="over https only"):
        key_for("http://data.example/feed", "data.example", "http", "k")
    with pytest.raises(FetchRefused, match="over https only"):
        Fetcher(frozenset({"data.example"}), lambda host, port: [PUBLIC])("http://data.example/feed", key="k")


class _Answer:
    def __init__(self, **headers: str) -> None:
        self.headers = headers

    def getheader(self, name: str) -> str | None:
        return self.headers.get(name.replace("-", "_"))


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({"Retry_After": "Fri, 14 Aug 2026 20:00:00 GMT", "Date": "Fri, 14 Aug 2026 19:00:00 GMT"}, 3_600_000),
        ({"Retry_After": "Fri, 14 Aug 2026 18:00:00 GMT", "Date": "Fri, 14 Aug 2026 19:00:00 GMT"}, 0),
        ({"Retry_After": "Fri, 14 Aug 2026 20:00:00 GMT"}, 0),
        ({"Retry_After": "soon"}, 0),
        ({"Retry_After": "9" * 12}, 0),
        ({}, 0),
    ],
)
def test_a_source_may_say_by_a_date_when_it_may_be_asked_again(headers: dict[str, str], wait_ms: int) -> None:
    assert _wait_ms(_Answer(**headers)) == wait_ms  # type: ignore[arg-type]
