"""Whether this client may still trade its account: a lease that runs out by itself, however long the PC slept.

The server lends an account to one client at a time. The client counts from the moment it asked, on a clock that goes on
while the PC is suspended, so a client that was frozen knows on waking that its lease is over before anybody tells it.
"""

from dataclasses import dataclass

from client_security.domain.refusal import Refusal
from contracts.signals import Signal
from contracts.uplink import LEASE_MS


@dataclass(slots=True)
class Lease:
    """Call `renewed` with every answer of the server; ask `over` before anything is sent to the broker."""

    fence: int = 0
    """Number of the lease; 0 before the first."""
    until_ns: int = 0
    """When it is over, on `Clock.boot_ns`."""

    def renewed(self, fence: int, asked_ns: int) -> None:
        """The server said that lease `fence` is ours when we asked at `asked_ns`. 0: it is not, which ends nothing
        early: an answer may be late, and what the lease allows is over by itself in seconds."""
        if fence > self.fence:
            self.fence, self.until_ns = fence, 0
        if fence == self.fence:
            self.until_ns = max(self.until_ns, asked_ns + LEASE_MS * 1_000_000)

    def over(self, now_ns: int) -> Refusal | None:
        """Why nothing may be sent to the broker now; None when it may."""
        if not self.fence:
            return Refusal("fenced", "the server has not yet lent this account to this client")
        if now_ns >= self.until_ns:
            late = (now_ns - self.until_ns) // 1_000_000
            return Refusal(
                "fenced",
                f"this client's lease of the account ran out {late} ms ago: it was not connected, or the PC slept; "
                "another client may trade the account now",
            )
        return None

    def foreign(self, signal: Signal) -> Refusal | None:
        """Why this signal is for another client; None when it is for us."""
        if signal.fence == self.fence:
            return None
        return Refusal(
            "fenced",
            f"the order was made out to lease {signal.fence} of the account, this client holds {self.fence}: "
            "only the client it was made for knows whether it was executed",
        )
