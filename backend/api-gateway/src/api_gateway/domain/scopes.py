"""What API keys may be made for. Nothing here manages users, keys or second factors, and no key ever will."""

import ipaddress

PREFIX = "ak_"
"""Every key begins with it, so that a leaked one is recognised."""
PURPOSE = "api_key"
"""Of the digest that is kept of a key."""
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset(
        {"market.read", "news.read", "accounts.read", "orders.read", "executions.read", "stream.open", "api.read"}
    ),
    "trade": frozenset({"commands.give", "orders.place", "orders.close", "killswitch.press"}),
}
""" scope -> the actions of the policy that it stands for """

ENROL = frozenset({"session.own", "factors.add"})
"""All that is allowed to a person whose tenant requires a second factor, until they have one."""


def actions_of(scopes: str) -> frozenset[str]:
    """The actions behind the words of a key."""
    return frozenset().union(*(SCOPES.get(word, frozenset()) for word in scopes.split()))


def scopes_fault(scopes: tuple[str, ...]) -> str | None:
    """Why a key can't have these; None when it can."""
    if not scopes or set(scopes) - SCOPES.keys() or len(set(scopes)) != len(scopes):
        return f"scopes: name each of {', '.join(SCOPES)} once at most, and at least one."
    return None


def networks_of(cidrs: str) -> Networks:
    """The networks behind the words; ValueError when one is none."""
    return tuple(ipaddress.ip_network(word) for word in cidrs.split())


def may_come_from(peer: str, networks: Networks) -> bool:
    """Whether a key that is bound to these networks may be used from this address."""
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)
