"""Things that are good once and for a short while: challenges, offers, tickets."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_OPEN = 10_000


@dataclass(slots=True)
class SingleUse(Generic[T]):
    """`put` under a key that nobody can guess; `take` gives it back once, in time."""

    life_ms: int
    open: dict[str, tuple[T, int]] = field(default_factory=dict)
    """ key -> what is behind it, and when it ends (ms); oldest first """

    def put(self, key: str, value: T, now_ms: int) -> int:
        """Keep it; when it ends."""
        while self.open and (len(self.open) >= MAX_OPEN or next(iter(self.open.values()))[1] <= now_ms):
            del self.open[next(iter(self.open))]
        self.open[key] = (value, now_ms + self.life_ms)
        return now_ms + self.life_ms

    def look(self, key: str, now_ms: int) -> T | None:
        """What is behind the key, which stays; None when there is nothing any more."""
        found = self.open.get(key)
        return found[0] if found is not None and now_ms < found[1] else None

    def take(self, key: str, now_ms: int) -> T | None:
        """What is behind the key, which is gone afterwards."""
        found = self.look(key, now_ms)
        self.open.pop(key, None)
        return found
