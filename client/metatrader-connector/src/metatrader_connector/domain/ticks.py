"""Turn the terminal's rows into numbered batches: keep, mark or refuse each tick, and count what was refused."""

from dataclasses import dataclass

import msgspec
import numpy as np

from contracts.ticks import MAX_TICKS_PER_BATCH, Mark, TickBatch
from metatrader_connector.domain.broker_clock import to_utc
from metatrader_connector.domain.cursor import Cursor, Rows, unread

BACKFILLED_AFTER_MS = 5_000
EARLIEST_MSC = 946_684_800_000  # 2000-01-01: before it a stamp is in seconds, or empty
LATEST_MSC = 4_102_444_800_000  # 2100-01-01


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose ticks these are."""

    tenant: str
    account: str
    epoch: int
    zone: str


@dataclass(frozen=True, slots=True)
class Received:
    """What a read brought. `refused` rows carry their reason and are kept aside, never sent."""

    batches: tuple[TickBatch, ...]
    cursor: Cursor
    refused: dict[str, Rows]
    """ reason -> the raw rows """
    new_rows: int
    gap: bool


def receive(origin: Origin, cursor: Cursor, rows: Rows, now_ms: int, catching_up: bool) -> Received:
    """Take what is new in `rows`. `catching_up`: the first reads after a (re)start, whose old ticks are backfill."""
    found = unread(cursor, rows)
    fresh = rows[found.start :]
    if not len(fresh):
        return Received((), found.cursor, {}, 0, found.gap)
    reasons = _reasons(fresh)
    sound = reasons == 0
    refused = {name: fresh[reasons == code] for code, name in REASONS.items() if bool((reasons == code).any())}
    kept = fresh if bool(sound.all()) else fresh[sound]
    batches: tuple[TickBatch, ...] = ()
    seq = cursor.next_seq
    if len(kept):
        batches = _batches(origin, cursor, kept, now_ms, catching_up)
        seq += len(kept)
    # refused stamps must not make the ticks after them look late
    newest = max(cursor.newest_msc, int(kept["time_msc"].max())) if len(kept) else cursor.newest_msc
    after = msgspec.structs.replace(found.cursor, next_seq=seq, newest_msc=newest)
    return Received(batches, after, refused, len(fresh), found.gap)


REASONS = {1: "nan", 2: "not_positive", 3: "negative_volume", 4: "time_out_of_range"}
""" code -> reason; a tick with several faults is counted under the first """


def _reasons(rows: Rows) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    bid, ask, last, volume = rows["bid"], rows["ask"], rows["last"], rows["volume_real"]
    reasons = np.zeros(len(rows), dtype=np.uint8)
    stamps = rows["time_msc"]
    reasons[(stamps < EARLIEST_MSC) | (stamps > LATEST_MSC)] = 4
    with np.errstate(invalid="ignore"):
        reasons[(last < 0) | (volume < 0)] = 3
        reasons[(bid <= 0) | (ask <= 0)] = 2
    finite = np.isfinite(bid) & np.isfinite(ask) & np.isfinite(last) & np.isfinite(volume)
    reasons[~finite] = 1
    return reasons


def _batches(origin: Origin, cursor: Cursor, kept: Rows, now_ms: int, catching_up: bool) -> tuple[TickBatch, ...]:
    broker = np.ascontiguousarray(kept["time_msc"])
    utc = to_utc(origin.zone, broker, now_ms)
    bid, ask = np.ascontiguousarray(kept["bid"]), np.ascontiguousarray(kept["ask"])
    newest_before = np.maximum.accumulate(np.concatenate(([cursor.newest_msc], broker)))[:-1]
    marks = np.zeros(len(kept), dtype=np.uint8)
    marks[bid > ask] |= int(Mark.CROSSED)
    marks[bid == ask] |= int(Mark.LOCKED)
    marks[broker < newest_before] |= int(Mark.LATE)
    if catching_up:
        marks[now_ms - utc > BACKFILLED_AFTER_MS] |= int(Mark.BACKFILLED)
    flags = np.ascontiguousarray(kept["flags"])
    last, volume = np.ascontiguousarray(kept["last"]), np.ascontiguousarray(kept["volume_real"])
    has_last, has_volume = bool(last.any()), bool(volume.any())
    received = np.full(len(kept), now_ms, dtype="<i8")
    made = []
    for at in range(0, len(kept), MAX_TICKS_PER_BATCH):
        part = slice(at, at + MAX_TICKS_PER_BATCH)
        made.append(
            TickBatch(
                origin.tenant,
                origin.account,
                cursor.symbol,
                origin.epoch,
                cursor.next_seq + at,
                len(bid[part]),
                utc[part].tobytes(),
                received[part].tobytes(),
                bid[part].tobytes(),
                ask[part].tobytes(),
                flags[part].tobytes(),
                marks[part].tobytes(),
                last[part].tobytes() if has_last else b"",
                volume[part].tobytes() if has_volume else b"",
            )
        )
    return tuple(made)
