"""The account's lease as one connection sees it: when its client may be told that the account is its own."""

from dataclasses import dataclass

from contracts.rpc import LeaseTaken
from contracts.uplink import LEASE_WAIT_MS


@dataclass(slots=True)
class LeaseHold:
    """Call `taken` with the store's answer; then `granted` says which lease the client may be told of."""

    fence: int = 0
    """What the store gave; 0 before it answered."""
    from_ms: int = 0
    """Not granted before: until then the client that held the account may not know that it has lost it."""
    told: bool = False
    """The client was told, so it may be given signals."""

    def taken(self, answer: LeaseTaken, now_ms: int) -> None:
        """The store lent the account to this client. Whoever held it was told to stop; one that could not hear it
        stops by itself when its lease runs out, and only then this one begins."""
        self.fence = answer.fence
        self.from_ms = now_ms + LEASE_WAIT_MS if answer.wait else now_ms

    def granted(self, now_ms: int) -> int:
        """The lease the client has now; 0 when it has none."""
        # a clock that is set back must neither take back what was granted nor make anybody wait for hours
        self.from_ms = min(self.from_ms, now_ms + LEASE_WAIT_MS) if now_ms < self.from_ms else 0
        return 0 if self.from_ms else self.fence

    def trouble(self, now_ms: int) -> str:
        """Why the client gets no orders; empty when it does."""
        if self.granted(now_ms):
            return ""
        if self.fence:
            return "the client was just started; it trades when the time of whoever had this account before is over"
        return "the server has not yet lent the account to this client: its database does not answer"
