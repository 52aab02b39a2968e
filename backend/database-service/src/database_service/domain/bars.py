"""How far back to look for a number of bars: markets close, so the first guess may be too short."""

from collections.abc import Iterator

CHUNK = 65_536
"""Ticks of one chunk of a stream; its minutes are stored once it is complete."""

WIDER = 4
"""Each further look goes this many times as far back."""


def spans(step_ms: int, limit: int, end_ms: int, oldest_ms: int) -> Iterator[int]:
    """Starts to read from until `limit` bars are found, the last one at or before `oldest_ms`.

    `end_ms` is exclusive and a multiple of `step_ms`. The first span holds exactly `limit` bars without a pause.
    """
    width = limit * step_ms
    while True:
        start = end_ms - width
        if start <= oldest_ms:
            yield oldest_ms - oldest_ms % step_ms
            return
        yield start
        width *= WIDER


def end_of(step_ms: int, to_ms: int, newest_ms: int) -> int:
    """Exclusive end for bars opening before `to_ms` (0: no bound), up to the bar that holds `newest_ms`."""
    last = newest_ms - newest_ms % step_ms + step_ms
    if to_ms == 0:
        return last
    # a bar belongs when it opens before to_ms: round up, so that the bar to_ms falls into is whole
    return min(last, -(-to_ms // step_ms) * step_ms)
