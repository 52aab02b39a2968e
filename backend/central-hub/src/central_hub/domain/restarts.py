"""When to start a program again: soon after the first fall, ever later when it keeps falling."""

from dataclasses import dataclass

FIRST_DELAY_MS = 200
LIMIT_MS = 30_000
RESET_AFTER_MS = 60_000


@dataclass(slots=True)
class Restarts:
    """One program's falls. Call `ready` when it works, `fell` when it ended; wait what `fell` returns, start again."""

    count: int = 0
    """How often it had to be started again."""
    _delay_ms: int = FIRST_DELAY_MS
    _ready_since_ms: int | None = None

    def ready(self, now_ms: int) -> None:
        """It answers that it is ready. Calling it again changes nothing."""
        if self._ready_since_ms is None:
            self._ready_since_ms = now_ms

    def unready(self) -> None:
        """It does not: the healthy time begins anew."""
        self._ready_since_ms = None

    def fell(self, now_ms: int) -> int:
        """It ended. Milliseconds to wait before it is started again."""
        if self._ready_since_ms is not None and now_ms - self._ready_since_ms >= RESET_AFTER_MS:
            self._delay_ms = FIRST_DELAY_MS
        self._ready_since_ms = None
        delay = self._delay_ms
        self._delay_ms = min(delay * 2, LIMIT_MS)
        self.count += 1
        return delay
