"""Plan a change of the key that signs signals, so that no order is lost on the way."""

from contracts.rotation import MOST_KEYS, KeyList, SignalKey

LEAD_MS = 30_000
"""The new key signs this long after it was announced: every connected terminal hears of it within a second, one that
connects later before its first signal."""
OVERLAP_MS = 2 * 3_600_000
"""The old key counts this much longer: signals may come again for an hour."""
LIST_LIVES_MS = 365 * 86_400_000


class TooSoon(ValueError):
    """Another change is under way; the text says until when."""


def next_list(known: KeyList | None, first: SignalKey, fresh: SignalKey, now_ms: int, *, revoke: bool) -> KeyList:
    """The list after `fresh` is announced. `first` counts while there is no list. `revoke`: everything before is in
    wrong hands and must not be believed for another moment."""
    version = known.version + 1 if known else 1
    before = known.keys if known else (first,)
    gone = known.revoked if known else ()
    if revoke:
        fresh = SignalKey(fresh.key_id, fresh.public, now_ms)
        return KeyList(version, now_ms, now_ms + LIST_LIVES_MS, (fresh,), (*gone, *(key.key_id for key in before)))
    begins = now_ms + LEAD_MS
    living = [key for key in before if not key.until_ms or now_ms < key.until_ms]
    if len(living) >= MOST_KEYS:
        until = max(key.until_ms for key in living)
        raise TooSoon(f"The last change is still under way for {(until - now_ms) // 60_000 + 1} min.")
    kept = [SignalKey(key.key_id, key.public, key.from_ms, begins + OVERLAP_MS) for key in living]
    fresh = SignalKey(fresh.key_id, fresh.public, begins)
    return KeyList(version, now_ms, now_ms + LIST_LIVES_MS, (*kept, fresh), gone)
