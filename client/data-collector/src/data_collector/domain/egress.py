"""Where the collector may go: the hosts of its sources, at public addresses, and nowhere else."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from data_collector.domain.politeness import FetchRefused


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet: no loopback, no private network, no link, no metadata service,
    no group, nor an IPv6 address that leads to one of them."""
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address.sixtofour is not None or address.is_site_local:
            return False
    # what is reserved includes the prefixes behind which a translator would dial an IPv4 address for us
    return address.is_global and not address.is_multicast and not address.is_reserved


def hosts_of(urls: Iterable[str], more: Iterable[str] = ()) -> frozenset[str]:
    """The allow-list: hosts of the sources, and those that the owner of this PC added for redirects."""
    named = (urlsplit(url).hostname or "" for url in urls)
    return frozenset(host.lower().rstrip(".") for host in (*named, *more) if host)


def key_for(url: str, host: str, scheme: str, key: str) -> str:
    """What is sent as Authorization to a host on the way from `url`: the source's key to the source's own host alone,
    wherever it leads on to, and never in plain. FetchRefused when it would have to be."""
    if not key or host != (urlsplit(url).hostname or "").lower().rstrip("."):
        return ""
    if scheme != "https":
        raise FetchRefused("this source has a key, which is sent over https only; change its address")
    return key


def target(url: str, hosts: frozenset[str], *, before: str = "") -> tuple[str, str, int, str]:
    """(scheme, host, port, path with query) of an address that may be fetched. FetchRefused otherwise; `before` is the
    scheme of the address that led here."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise FetchRefused(f"not a web address ({error})") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise FetchRefused("only http and https addresses without a password are fetched")
    if before == "https" and parts.scheme == "http":
        raise FetchRefused("the source leads from https to http")
    if host not in hosts:
        raise FetchRefused(f"{host[:80]} is none of the sources' hosts; add it to AITRADING_DATA_COLLECTOR_HOSTS")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, path
