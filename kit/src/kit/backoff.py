"""Waiting between tries: longer each time, never all at once, and with an end where one is wanted."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays of `first_s`, doubled up to `limit_s`, each shortened by up to `jitter` of itself.

    Iterate over `delays()`; it ends after `attempts` (None: never ends).
    """

    first_s: float = 0.1
    limit_s: float = 10.0
    jitter: float = 0.5
    attempts: int | None = None
    rng: random.Random = field(default_factory=random.Random)

    def delays(self) -> Iterator[float]:
        """Seconds to wait before the next try."""
        delay, tried = self.first_s, 0
        while self.attempts is None or tried < self.attempts:
            yield delay * (1 - self.jitter * self.rng.random())
            delay = min(delay * 2, self.limit_s)
            tried += 1
