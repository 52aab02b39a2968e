"""Fetch one document, carefully: public addresses only, few redirects, a size limit, no proxy, no cookies."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from data_collector.domain.politeness import Fetched, FetchRefused

MAX_BYTES = 4 * 1024 * 1024
TIMEOUT_S = 15.0
MAX_REDIRECTS = 3
USER_AGENT = "aitrading-client/0.1 (news collector; one request an hour)"

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host."""
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise FetchRefused(f"{host} has no address ({error})") from None


def public_address(host: str, port: int, resolver: Resolve) -> str:
    """One address of the host, when all of them are public; the connection is made to it, not to the name again."""
    addresses = resolver(host, port)
    for text in addresses:
        address = ipaddress.ip_address(text.split("%", 1)[0])
        inner = getattr(address, "ipv4_mapped", None) or address
        if not inner.is_global or inner.is_multicast:
            raise FetchRefused(f"{host} points to {text}, which is not a public address")
    if not addresses:
        raise FetchRefused(f"{host} has no address")
    return addresses[0]


def fetch(url: str, etag: str = "", last_modified: str = "", resolver: Resolve = resolve) -> Fetched:
    """Get a document. Blocks; call it in a thread. Raises FetchRefused."""
    for _ in range(MAX_REDIRECTS + 1):
        answer = _once(url, etag, last_modified, resolver)
        if isinstance(answer, Fetched):
            return answer
        url = urljoin(url, answer)
    raise FetchRefused(f"more than {MAX_REDIRECTS} redirects")


def _once(url: str, etag: str, last_modified: str, resolver: Resolve) -> Fetched | str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise FetchRefused(f"not a web address ({error})") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise FetchRefused("only http and https addresses without a password are fetched")
    address = public_address(host, port, resolver)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        plain = socket.create_connection((address, port), TIMEOUT_S)
        context = ssl.create_default_context() if parts.scheme == "https" else None
        connection.sock = context.wrap_socket(plain, server_hostname=host) if context else plain
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            return response.getheader("Location") or ""
        if response.status == 304:
            return Fetched(None, etag, last_modified)
        if response.status != 200:
            raise FetchRefused(f"the source answered {response.status}", _seconds(response.getheader("Retry-After")))
        body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise FetchRefused(f"the document is larger than {MAX_BYTES} bytes")
        return Fetched(body, response.getheader("ETag") or "", response.getheader("Last-Modified") or "")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchRefused(f"{host} did not answer properly ({type(error).__name__}: {error})") from None
    finally:
        connection.close()


def _seconds(text: str | None) -> int:
    return int(text) * 1000 if text and text.isdigit() and len(text) < 10 else 0
