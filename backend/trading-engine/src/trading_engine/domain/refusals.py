"""Refusals, told but not shouted: the first at once, then at most one in ten seconds with how many there were."""

from dataclasses import dataclass, field

TELL_EVERY_MS = 10_000

Key = tuple[str, str, str, str, str]
""" tenant, account, strategy, symbol, code """


@dataclass(slots=True)
class _Seen:
    told_ms: int
    untold: int


@dataclass(slots=True)
class Refusals:
    """Call `count` with each refusal and `untold` from time to time."""

    _seen: dict[Key, _Seen] = field(default_factory=dict)

    def count(self, key: Key, now_ms: int, *, may_tell: bool = True) -> int:
        """How many refusals to tell of now, this one among them; 0 when this one only adds to the count."""
        seen = self._seen.get(key)
        if seen is None:
            # a key that may not be told yet has never been told: the first chance is taken
            self._seen[key] = _Seen(now_ms if may_tell else now_ms - TELL_EVERY_MS, 0 if may_tell else 1)
            return 1 if may_tell else 0
        seen.untold += 1
        if not may_tell or now_ms - seen.told_ms < TELL_EVERY_MS:
            return 0
        told, seen.untold, seen.told_ms = seen.untold, 0, now_ms
        return told

    def untold(self, now_ms: int) -> list[tuple[Key, int]]:
        """Counts that no further refusal has brought out; keys that have been quiet are forgotten."""
        due = [(key, seen) for key, seen in self._seen.items() if now_ms - seen.told_ms >= TELL_EVERY_MS]
        out: list[tuple[Key, int]] = []
        for key, seen in due:
            if seen.untold:
                out.append((key, seen.untold))
                seen.untold, seen.told_ms = 0, now_ms
            else:
                del self._seen[key]
        return out
