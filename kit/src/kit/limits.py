"""Rate limits: so many in a minute for each key, with a bounded memory."""

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass, field

WINDOW_MS = 60_000
MAX_KEYS = 10_000
HOME_PREFIX = 64
"""An IPv6 subscriber has a network of this size: its addresses are one peer."""


def peer_of(address: str) -> str:
    """An IP address as limits count it; whatever is no address stays as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, HOME_PREFIX), strict=False))


@dataclass(slots=True)
class Limiter:
    """At most `per_minute` for each key in any 60 seconds. Call `wait_ms` before the work."""

    per_minute: int
    seen: OrderedDict[str, deque[int]] = field(default_factory=OrderedDict)
    """ key -> when it was let through, ms, oldest first; least recently used key first """

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long this key has to wait; 0 lets it through and counts it."""
        times = self.seen.pop(key, None)
        if times is None:
            times = deque()
            if len(self.seen) >= MAX_KEYS:
                self.seen.popitem(last=False)  # of a plain dict it would cost more the more were removed before
        self.seen[key] = times
        while times and times[0] <= now_ms - WINDOW_MS:
            times.popleft()
        if len(times) >= self.per_minute:
            return times[0] + WINDOW_MS - now_ms
        times.append(now_ms)
        return 0

    def full(self, key: str, now_ms: int) -> bool:
        """Whether the next one would have to wait; counts nothing."""
        times = self.seen.get(key)
        return times is not None and len(times) >= self.per_minute and times[0] > now_ms - WINDOW_MS
