"""Who is really at the other end: the address that limits count, which no header of the caller can change."""

import ipaddress
from collections.abc import Iterable

from kit import limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
"""Stands for a connection without an address; all of them share one limit."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """`10.0.0.0/8` or a single address each; ValueError with a sentence for anything else."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError:
            raise ValueError(f"{text!r} is not a network: write it as 10.0.0.0/8 or 192.0.2.7") from None
    return tuple(found)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _is_trusted(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def address_of(direct: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """The peer's whole address; UNKNOWN when the connection has none.

    `forwarded_for` (X-Forwarded-For) counts only when the connection itself comes from a trusted proxy; then the
    right-most address that is not a trusted proxy is the peer: what stands left of it the peer may have invented.
    """
    address = _address(direct)
    if address is None:
        return UNKNOWN
    if _is_trusted(address, trusted):
        for text in reversed(forwarded_for.split(",")):
            named = _address(text)
            if named is None:
                break
            address = named
            if not _is_trusted(named, trusted):
                break
    return str(address)


def peer_of(direct: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """The same as limits count it: an IPv6 subscriber is one peer."""
    return limits.peer_of(address_of(direct, forwarded_for, trusted))
