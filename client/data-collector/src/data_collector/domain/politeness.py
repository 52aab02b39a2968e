"""When a source may be asked again: at least an hour, longer after each failure, as long as it says itself."""

import msgspec

HOUR_MS = 3_600_000
MAX_WAIT_MS = 24 * HOUR_MS
LONGEST_MS = 7 * MAX_WAIT_MS
"""What a source may ask for by Retry-After."""
GIVE_UP_AFTER = 20
"""Failures in a row, two weeks of them: then nobody asks until the client is started again."""
LOCAL_MS = 60_000
"""A file of this PC may be looked at each minute."""


class SourceState(msgspec.Struct, frozen=True):
    """What is remembered of a source between two visits. Stamps are UTC ms; 0: never."""

    name: str
    address: str = ""
    """Another address under the same name is another source."""
    etag: str = ""
    last_modified: str = ""
    next_ms: int = 0
    failures: int = 0
    trouble: str = ""
    tried_ms: int = 0
    success_ms: int = 0
    """When it was last read, or was found unchanged."""

    @property
    def given_up(self) -> bool:
        """Nobody asks any more."""
        return self.failures >= GIVE_UP_AFTER

    def due(self, now_ms: int) -> bool:
        """Whether it may be asked now. A clock that was put back does not make it wait for years."""
        return not self.given_up and (now_ms >= self.next_ms or self.next_ms - now_ms > LONGEST_MS)


def after_start(state: SourceState, now_ms: int) -> SourceState:
    """A source that was given up gets one more try with each start, an hour after the last one."""
    if not state.given_up:
        return state
    again = max(now_ms, state.tried_ms + HOUR_MS)
    return msgspec.structs.replace(state, failures=GIVE_UP_AFTER - 1, next_ms=again)


def after_success(
    state: SourceState, now_ms: int, every_ms: int, etag: str, last_modified: str, *, local: bool = False
) -> SourceState:
    """The next visit in `every_ms`, never sooner than an hour; files of this PC each minute."""
    wait = LOCAL_MS if local else max(every_ms, HOUR_MS)
    return SourceState(state.name, state.address, etag, last_modified, now_ms + wait, 0, "", now_ms, now_ms)


def after_failure(
    state: SourceState, now_ms: int, trouble: str, retry_after_ms: int = 0, *, local: bool = False
) -> SourceState:
    """Twice as long after each failure in a row, a day at most, longer when the source asks; in the end never."""
    wait = LOCAL_MS if local else min(HOUR_MS * 2 ** min(state.failures, 10), MAX_WAIT_MS)
    return msgspec.structs.replace(
        state,
        next_ms=now_ms + max(wait, min(retry_after_ms, LONGEST_MS)),
        failures=0 if local else state.failures + 1,
        trouble=trouble,
        tried_ms=now_ms,
    )


class FetchRefused(Exception):
    """The document was not fetched; the text says why. `retry_after_ms` is what the source asked for."""

    def __init__(self, reason: str, retry_after_ms: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_ms = retry_after_ms


class Fetched(msgspec.Struct, frozen=True):
    """A document, or none when the source says that it has not changed."""

    body: bytes | None
    etag: str
    last_modified: str
