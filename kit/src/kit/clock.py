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

    def boot_ns(self) -> int:
        """The same, and the time the machine slept counts too: for what must be over after a suspend."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back."""
        return time.monotonic_ns()

    def boot_ns(self) -> int:
        """Nanoseconds since the machine started, asleep or awake; every process of it sees the same."""
        return boot_ns()


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def boot_ns() -> int:
    """Nanoseconds since the machine started. Where there is no such clock, the monotonic one counts sleep by itself."""
    return time.monotonic_ns() if _BOOT is None else time.clock_gettime_ns(_BOOT)
