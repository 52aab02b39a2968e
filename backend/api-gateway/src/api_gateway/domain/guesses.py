"""Slow guessing down: some tries are free, then each has to wait twice as long as the one before."""

from dataclasses import dataclass, field

MAX_KEYS = 20_000
MAX_DOUBLINGS = 30


@dataclass(slots=True)
class Guesses:
    """Call `wait_ms` before a try that it lets through counts as failed, and `right` when it was right after all.

    A try is counted before its outcome is known: a thousand at the same moment are a thousand.
    """

    free: int
    """Tries without waiting."""
    first_ms: int
    """The first wait; each following one is twice as long."""
    limit_ms: int
    """The longest wait."""
    forget_ms: int
    """All is forgotten when nothing was tried for so long."""
    tried: dict[str, tuple[int, int]] = field(default_factory=dict)
    """ key -> tries that were not right, and when the last one was (ms); least recently used first """

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long this key has to wait; 0 lets it through and counts it. Tries that have to wait count nothing."""
        count, last_ms = self._of(key, now_ms)
        if count >= self.free:
            doubled = self.first_ms << min(count - self.free, MAX_DOUBLINGS)
            due_ms = last_ms + min(doubled, self.limit_ms)
            if now_ms < due_ms:
                return due_ms - now_ms
        self.tried.pop(key, None)
        if len(self.tried) >= MAX_KEYS:
            del self.tried[next(iter(self.tried))]
        self.tried[key] = (count + 1, now_ms)
        return 0

    def _of(self, key: str, now_ms: int) -> tuple[int, int]:
        count, last_ms = self.tried.get(key, (0, now_ms))
        return (0, now_ms) if now_ms - last_ms >= self.forget_ms else (count, last_ms)

    def right(self, key: str) -> None:
        """It was right: begin anew."""
        self.tried.pop(key, None)

    def undo(self, key: str) -> None:
        """The last try of this key was right; those before it still count."""
        count, last_ms = self.tried.get(key, (0, 0))
        if count > 1:
            self.tried[key] = (count - 1, last_ms)
        else:
            self.tried.pop(key, None)

    def exhausted(self, key: str) -> bool:
        """Whether the free tries have just run out: the moment to tell somebody."""
        return self.tried.get(key, (0, 0))[0] == self.free
