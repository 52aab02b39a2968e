"""How long to wait for the store before asking, and before asking again."""

from dataclasses import dataclass

FIRST_WAIT_MS = 3_000
LONGEST_WAIT_MS = 30_000


@dataclass(slots=True)
class Patience:
    """Starts at three seconds, doubles each time it was in vain, and is restored by any progress."""

    since_ms: int
    wait_ms: int = FIRST_WAIT_MS

    def renew(self, now_ms: int) -> None:
        """Something moved: begin anew."""
        self.since_ms = now_ms
        self.wait_ms = FIRST_WAIT_MS

    def over(self, now_ms: int) -> bool:
        """Nothing moved for as long as one may wait."""
        return now_ms - self.since_ms >= self.wait_ms

    def prolong(self, now_ms: int) -> None:
        """Something was done about it: wait longer this time."""
        self.since_ms = now_ms
        self.wait_ms = min(self.wait_ms * 2, LONGEST_WAIT_MS)
