"""Fetch one document, carefully: allowed hosts at public addresses only, few redirects, limits on size and time."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from data_collector.domain.egress import is_public, key_for, target
from data_collector.domain.politeness import Fetched, FetchRefused

MAX_BYTES = 4 * 1024 * 1024
TIMEOUT_S = 15.0
"""For each wait."""
TOTAL_S = 45.0
"""For one address altogether: a source that sends a byte now and then is cut as well."""
MAX_REDIRECTS = 3
USER_AGENT = "aitrading-client/0.1 (news collector; one request an hour)"

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host."""
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise FetchRefused(f"{host} has no address ({error})") from None


@contextlib.contextmanager
def _cut_after(seconds: float, connection: socket.socket) -> Iterator[threading.Event]:
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches from `hosts` only. Call it with an address; it blocks, so call it in a thread."""

    hosts: frozenset[str]
    resolver: Resolve = resolve
    public: Callable[[str], bool] = is_public
    total_s: float = TOTAL_S

    def __call__(self, url: str, etag: str = "", last_modified: str = "", key: str = "") -> Fetched:
        """The document, or that it has not changed. Raises FetchRefused."""
        before, first = "", url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(url, before, etag, last_modified, (first, key))
            if isinstance(answer, Fetched):
                return answer
            before, url = url.partition(":")[0], urljoin(url, answer)
        raise FetchRefused(f"more than {MAX_REDIRECTS} redirects")

    def address(self, host: str, port: int) -> str:
        """One address of the host, when all are public. The name is resolved once and the connection is made to what
        was checked: a name that points elsewhere a moment later leads nowhere."""
        addresses = self.resolver(host, port)
        for text in addresses:
            if not self.public(text):
                raise FetchRefused(f"{host} points to {text}, which is not a public address")
        if not addresses:
            raise FetchRefused(f"{host} has no address")
        return addresses[0]

    def _once(self, url: str, before: str, etag: str, last_modified: str, owner: tuple[str, str]) -> Fetched | str:
        scheme, host, port, path = target(url, self.hosts, before=before)
        authorization = key_for(owner[0], host, scheme, owner[1])
        address = self.address(host, port)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        if authorization:
            headers["Authorization"] = authorization
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            plain = socket.create_connection((address, port), TIMEOUT_S)
            with _cut_after(self.total_s, plain) as late:
                context = ssl.create_default_context() if scheme == "https" else None
                # the certificate has to fit the name, and the request carries it, though the address was dialled
                connection.sock = context.wrap_socket(plain, server_hostname=host) if context else plain
                connection.request("GET", path, headers=headers)
                answer = _read(connection.getresponse(), etag, last_modified)
                if late.is_set():
                    # without a length, a document that was cut looks like one that has ended
                    raise FetchRefused(f"{host} took longer than {self.total_s:.0f} s")
                return answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchRefused(f"{host} did not answer properly ({type(error).__name__}: {error})") from None
        finally:
            connection.close()


def _read(response: http.client.HTTPResponse, etag: str, last_modified: str) -> Fetched | str:
    if response.status in (301, 302, 303, 307, 308):
        return response.getheader("Location") or ""
    if response.status == 304:
        return Fetched(None, etag, last_modified)
    if response.status != 200:
        raise FetchRefused(f"the source answered {response.status}", _wait_ms(response))
    if (packed := response.getheader("Content-Encoding") or "identity").lower() != "identity":
        # nothing is unpacked here, so nothing can unfold to gigabytes
        raise FetchRefused(f"the document is packed ({packed[:20]}), which nobody asked for")
    body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise FetchRefused(f"the document is larger than {MAX_BYTES} bytes")
    if response.length:
        raise FetchRefused("the document ended early")
    return Fetched(body, response.getheader("ETag") or "", response.getheader("Last-Modified") or "")


def _wait_ms(response: http.client.HTTPResponse) -> int:
    """Retry-After as seconds or as a date; a date counts from the answer's own, so our clock does not matter."""
    text = response.getheader("Retry-After") or ""
    if text.isdecimal():
        return int(text) * 1000 if len(text) < 10 else 0
    try:
        until, now = (parsedate_to_datetime(each) for each in (text, response.getheader("Date") or ""))
        return max(0, int((until - now).total_seconds() * 1000))
    except (ValueError, TypeError, OverflowError):
        return 0
