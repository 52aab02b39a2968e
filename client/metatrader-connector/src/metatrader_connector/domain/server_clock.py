"""How far this PC's clock is from the server's, by questions and answers whose way is timed (Cristian, 1989).

The server read its clock somewhere between question and answer, so half the way is the uncertainty. In between the
server's time is carried forward by a clock that nobody sets, so that a step of the PC's clock shows at once.
"""

from collections import deque
from dataclasses import dataclass, field

from contracts.signals import MAX_SKEW_MS

KEPT = 8
USELESS_NS = 4_000_000_000
"""An answer that took longer says too little about the clock."""


@dataclass(slots=True)
class ServerClock:
    """Call `heard` with each answer; ask `trouble` before an order."""

    _heard: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """ (way there and back in ns, middle of it on the boot clock in ns, the server's clock in UTC ms) """

    def heard(self, asked_ns: int, answered_ns: int, server_ms: int) -> None:
        """The server's clock was `server_ms` between these two moments of the boot clock."""
        way = answered_ns - asked_ns
        if 0 <= way <= USELESS_NS and server_ms > 0:
            self._heard.append((way, asked_ns + way // 2, server_ms))

    def skew_ms(self, now_ms: int, boot_ns: int) -> tuple[int, int] | None:
        """(how much this PC's clock is ahead, by how much that may be wrong); None when nothing was heard."""
        if not self._heard:
            return None
        way, middle, server_ms = min(self._heard)
        return now_ms - server_ms - (boot_ns - middle) // 1_000_000, way // 2_000_000 + 1

    def trouble(self, now_ms: int, boot_ns: int) -> str:
        """Why no signal can be believed by this clock; empty when it is good."""
        measured = self.skew_ms(now_ms, boot_ns)
        if measured is None:
            return "the server's clock was not heard yet"
        skew, unsure = measured
        if abs(skew) <= MAX_SKEW_MS + unsure:
            return ""
        return (
            f"this PC's clock is {_span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the server's; "
            "set it by the internet's time (Windows: Settings, Time, Sync now): orders live for seconds"
        )


def _span(ms: int) -> str:
    if ms < 120_000:
        return f"{ms / 1_000:.1f} s"
    return f"{ms / 60_000:.0f} min" if ms < 7_200_000 else f"{ms / 3_600_000:.0f} h"
