"""The clock is a parameter: domains take `now_ms`, everything else asks one of these."""

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, twice: for people and records, and for measuring."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back; only differences mean something."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back."""
        return time.monotonic_ns()
