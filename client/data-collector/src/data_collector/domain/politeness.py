"""When a source may be asked again: at least an hour, longer after each failure, as long as it says itself."""

import msgspec

HOUR_MS = 3_600_000
MAX_WAIT_MS = 24 * HOUR_MS


class SourceState(msgspec.Struct, frozen=True):
    """What is remembered of a source between two visits."""

    url: str
    etag: str = ""
    last_modified: str = ""
    next_ms: int = 0
    failures: int = 0
    trouble: str = ""


def after_success(state: SourceState, now_ms: int, every_ms: int, etag: str, last_modified: str) -> SourceState:
    """The next visit in `every_ms`, never sooner than an hour."""
    return SourceState(state.url, etag, last_modified, now_ms + max(every_ms, HOUR_MS))


def after_failure(state: SourceState, now_ms: int, trouble: str, retry_after_ms: int = 0) -> SourceState:
    """Twice as long after each failure in a row, a day at most; longer when the source asks for it."""
    wait = min(HOUR_MS * 2 ** min(state.failures, 10), MAX_WAIT_MS)
    return SourceState(
        state.url,
        state.etag,
        state.last_modified,
        now_ms + max(wait, min(retry_after_ms, 7 * MAX_WAIT_MS)),
        state.failures + 1,
        trouble,
    )


class FetchRefused(Exception):
    """The document was not fetched; the text says why. `retry_after_ms` is what the source asked for."""

    def __init__(self, reason: str, retry_after_ms: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_ms = retry_after_ms


class Fetched(msgspec.Struct, frozen=True):
    """`body` None: not modified since the last visit."""

    body: bytes | None
    etag: str
    last_modified: str
