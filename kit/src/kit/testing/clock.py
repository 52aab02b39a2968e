"""A clock that stands still until it is moved."""


class FakeClock:
    """Starts at `now_ms`; call `advance`."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.ms = now_ms
        self.set_ms = 0
        """How much the clock on the wall was set forward since."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return self.ms + self.set_ms

    def monotonic_ns(self) -> int:
        """The same instant in nanoseconds."""
        return self.ms * 1_000_000

    def boot_ns(self) -> int:
        """The same instant."""
        return self.monotonic_ns()

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.ms += ms

    def step(self, ms: int) -> None:
        """Somebody sets the clock on the wall; no time passes."""
        self.set_ms += ms
