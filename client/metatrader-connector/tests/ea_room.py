"""An EA and a terminal in memory. The frames are packed here by hand, as `mql5/README.md` describes them."""

import struct
from dataclasses import dataclass, field

import numpy as np

from metatrader_connector.domain.cursor import TICK_DTYPE, Rows
from metatrader_connector.domain.ea_frames import Ack, Forget, Resume, Ticks, ToEa
from metatrader_connector.domain.terminal import TickRead

START_S = 1_700_000_000
START_MS = START_S * 1000


def head(kind: int, seq: int, version: int = 1, zero: int = 0) -> bytes:
    return struct.pack("<BBHQ", version, kind, zero, seq)


def text(words: str) -> bytes:
    raw = words.encode()
    return struct.pack("<H", len(raw)) + raw


def hello(seq: int = 1, login: int = 1_000_001, server: str = "Demo", build: int = 5_000, version: str = "1") -> bytes:
    return head(1, seq) + struct.pack("<QI", login, build) + text(server) + text(version)


def row(time_msc: int, bid: float = 1.1, ask: float = 1.2, last: float = 0.0, flags: int = 6) -> bytes:
    return struct.pack("<qdddQqId", time_msc // 1000, bid, ask, last, 0, time_msc, flags, 0.0)


def ticks(seq: int, symbol: str, from_s: int, at: int, rows: list[bytes]) -> bytes:
    return head(2, seq) + text(symbol) + struct.pack("<QIH", from_s, at, len(rows)) + b"".join(rows)


def alive(seq: int, server_s: int = START_S, gmt_s: int = START_S, offset_s: int = 0, connected: int = 1) -> bytes:
    return head(3, seq) + struct.pack("<qqiB", server_s, gmt_s, offset_s, connected)


def sessions(seq: int, symbol: str, spans: list[tuple[int, int, int, int]]) -> bytes:
    body = b"".join(struct.pack("<BBII", *span) for span in spans)
    return head(4, seq) + text(symbol) + struct.pack("<H", len(spans)) + body


def margin_rates(seq: int, symbol: str, rates: list[tuple[int, float, float]]) -> bytes:
    body = b"".join(struct.pack("<Bdd", *rate) for rate in rates)
    return head(5, seq) + text(symbol) + struct.pack("<H", len(rates)) + body


def calendar_events(seq: int, events: list[tuple[tuple[int, ...], str, str, str]]) -> bytes:
    body = b"".join(struct.pack("<QBBBBBB", *n) + text(c) + text(name) + text(url) for n, c, name, url in events)
    return head(6, seq) + struct.pack("<H", len(events)) + body


def calendar_values(seq: int, change_id: int, values: list[tuple[int, ...]]) -> bytes:
    body = b"".join(struct.pack("<QQqqqqq", *value) for value in values)
    return head(7, seq) + struct.pack("<QH", change_id, len(values)) + body


def transaction(seq: int, kind: int) -> bytes:
    return head(8, seq) + struct.pack("<B", kind)


def history(stamps: list[int], prices: list[float] | None = None) -> Rows:
    made = np.zeros(len(stamps), dtype=TICK_DTYPE)
    made["time_msc"] = stamps
    made["time"] = made["time_msc"] // 1000
    made["bid"] = prices or [1.0] * len(stamps)
    made["ask"] = made["bid"] + 1
    return made


@dataclass
class MemoryTerminal:
    """`copy_ticks_from` over rows of which more and more can be seen."""

    rows: dict[str, Rows]
    visible: dict[str, int] = field(default_factory=dict)
    session: int = 1
    asked: int = 0

    def copy(self, symbol: str, from_msc: int, count: int) -> Rows:
        seen = self.rows[symbol][: self.visible.get(symbol, 0)]
        newest = np.maximum.accumulate(seen["time_msc"]) if len(seen) else np.zeros(0)
        start = int(np.searchsorted(newest, from_msc, side="left"))
        return seen[start : start + count].copy()

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        self.asked += 1
        return tuple(
            self.copy(r.symbol, r.from_s * 1000, r.count).tobytes() if r.symbol in self.rows else None for r in reads
        )


@dataclass
class Place:
    from_s: int
    taken: int = 0


@dataclass
class MemoryEa:
    """What the EA does, written a second time: read on from the second in which it stands, one known row first."""

    terminal: MemoryTerminal
    most: int = 2_000
    places: dict[str, Place] = field(default_factory=dict)
    heard: list[ToEa] = field(default_factory=list)

    def told(self, message: ToEa) -> None:
        self.heard.append(message)
        if isinstance(message, Resume):
            self.places[message.symbol] = Place(message.from_s)
        elif isinstance(message, Forget):
            self.places.pop(message.symbol, None)
        else:
            assert isinstance(message, Ack)

    def push(self, symbol: str) -> Ticks | None:
        place = self.places.get(symbol)
        if place is None:
            return None
        rows = self.terminal.copy(symbol, place.from_s * 1000, place.taken + self.most)
        begin = max(0, place.taken - 1)
        if place.taken and len(rows) <= place.taken:
            return None
        told = Ticks(symbol, place.from_s, begin, rows[begin:].tobytes())
        place.taken = len(rows)
        if len(rows):
            second = int(rows["time_msc"][-1]) // 1000
            inside = rows["time_msc"] >= second * 1000
            first = int(np.argmax(inside))
            if second > place.from_s and bool(inside[first:].all()):
                place.from_s, place.taken = second, len(rows) - first
        return told
