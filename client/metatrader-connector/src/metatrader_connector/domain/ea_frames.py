"""What the EA and the connector say to each other: binary frames, little endian, as `mql5/README.md` describes them.

`decode` takes a frame whole or raises Malformed and nothing else: an unknown, short, over-long or doubtful frame has no
effect. Every frame begins with the version, its kind, two zero bytes and a sequence number of its connection.
"""

import math
import struct
from collections.abc import Callable
from itertools import pairwise

import msgspec
import numpy as np

from metatrader_connector.domain.cursor import rows_of
from metatrader_connector.domain.terminal import TICK_BYTES
from metatrader_connector.domain.ticks import EARLIEST_MSC, LATEST_MSC

VERSION = 1
MAX_FRAME_BYTES = 128 * 1024
MOST_ROWS = 2_000
MOST_TEXT = 1_024
DAY_S = 86_400
_HEAD = struct.Struct("<BBHQ")
HEAD_BYTES = _HEAD.size

HELLO, TICKS, ALIVE, SESSIONS, MARGIN_RATES, CALENDAR_EVENTS, CALENDAR_VALUES, TRANSACTION = range(1, 9)
RESUME, FORGET, ACK = 129, 130, 131


class Malformed(ValueError):
    """The frame does nothing. The text is a short reason for the counter."""


class Hello(msgspec.Struct, frozen=True):
    """The first frame: which account this terminal is logged in to."""

    login: int
    server: str
    build: int
    version: str


class Ticks(msgspec.Struct, frozen=True):
    """`rows` are those at `at`, `at` + 1, … of a read of the symbol from the broker second `from_s` on."""

    symbol: str
    from_s: int
    at: int
    rows: bytes
    """MT5's packed rows of 60 bytes, oldest first; empty only at 0: such a read finds nothing yet."""


class Alive(msgspec.Struct, frozen=True):
    """Once a second: the trade server's clock and this PC's, in seconds, and whether MT5 has its broker."""

    trade_server_s: int
    gmt_s: int
    gmt_offset_s: int
    connected: bool


class Session(msgspec.Struct, frozen=True):
    """One session of a weekday (0 is Sunday), seconds of the broker's day; `to_s` not included."""

    trade: bool
    weekday: int
    from_s: int
    to_s: int


class Sessions(msgspec.Struct, frozen=True):
    """All sessions of a symbol."""

    symbol: str
    sessions: tuple[Session, ...]


class MarginRate(msgspec.Struct, frozen=True):
    """Factors on the margin of an order type (ENUM_ORDER_TYPE)."""

    order_type: int
    initial: float
    maintenance: float


class MarginRates(msgspec.Struct, frozen=True):
    """All margin rates of a symbol."""

    symbol: str
    rates: tuple[MarginRate, ...]


class CalendarEvent(msgspec.Struct, frozen=True):
    """MqlCalendarEvent, as far as it is used. Enumerations are MQL5's numbers."""

    id: int
    type: int
    importance: int
    time_mode: int
    unit: int
    multiplier: int
    digits: int
    currency: str
    name: str
    source_url: str


class CalendarEvents(msgspec.Struct, frozen=True):
    """Events of the economic calendar."""

    events: tuple[CalendarEvent, ...]


class CalendarValue(msgspec.Struct, frozen=True):
    """MqlCalendarValue: the trade server's seconds, and millions of a unit; -2**63 where there is none."""

    id: int
    event_id: int
    time: int
    actual_value: int
    prev_value: int
    revised_prev_value: int
    forecast_value: int


class CalendarValues(msgspec.Struct, frozen=True):
    """Values that are new or changed since `change_id` was something else."""

    change_id: int
    values: tuple[CalendarValue, ...]


class Transaction(msgspec.Struct, frozen=True):
    """Something about the account changed (ENUM_TRADE_TRANSACTION_TYPE): look at it."""

    type: int


class Resume(msgspec.Struct, frozen=True):
    """To the EA: read this symbol, from the start of this broker second."""

    symbol: str
    from_s: int


class Forget(msgspec.Struct, frozen=True):
    """To the EA: this symbol is not wanted any more."""

    symbol: str


class Ack(msgspec.Struct, frozen=True):
    """To the EA: every frame up to `seq` was taken or refused for good; nothing of them is asked for by number."""

    seq: int


FromEa = Hello | Ticks | Alive | Sessions | MarginRates | CalendarEvents | CalendarValues | Transaction
ToEa = Resume | Forget | Ack


class Body:
    """Takes a frame apart from front to back; Malformed when it is too short."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
        self._at = HEAD_BYTES

    def take(self, form: struct.Struct) -> tuple[int | float, ...]:
        """The next fixed fields."""
        return form.unpack(self.bytes(form.size))

    def bytes(self, length: int) -> bytes:
        """The next bytes."""
        end = self._at + length
        if end > len(self._frame):
            raise Malformed("short")
        taken, self._at = self._frame[self._at : end], end
        return taken

    def number(self, form: struct.Struct) -> int:
        """One integer."""
        return int(self.take(form)[0])

    def text(self, least: int = 0, most: int = MOST_TEXT) -> str:
        """A text with its length in bytes before it."""
        length = self.number(_U16)
        if not least <= length <= most:
            raise Malformed("text length")
        try:
            text = self.bytes(length).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("text") from None
        if not text.isprintable():
            raise Malformed("text")
        return text

    def symbol(self) -> str:
        """A symbol's name as the broker spells it."""
        return self.text(1, 64)

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._frame):
            raise Malformed("over-long")


_U8, _U16, _U32, _U64 = (struct.Struct("<" + letter) for letter in "BHIQ")
_ALIVE, _SESSION, _RATE = struct.Struct("<qqiB"), struct.Struct("<BBII"), struct.Struct("<Bdd")
_EVENT, _VALUE, _TICKS = struct.Struct("<QBBBBBB"), struct.Struct("<QQqqqqq"), struct.Struct("<QIH")


def decode(frame: bytes) -> tuple[int, FromEa]:
    """(sequence number, message). Raises Malformed."""
    if len(frame) < HEAD_BYTES:
        raise Malformed("short")
    if len(frame) > MAX_FRAME_BYTES:
        raise Malformed("over-long")
    version, kind, zero, seq = _HEAD.unpack_from(frame)
    if version != VERSION or zero or not seq:
        raise Malformed("head")
    read = _READ.get(kind)
    if read is None:
        raise Malformed("unknown kind")
    body = Body(frame)
    message = read(body)
    body.end()
    return seq, message


def _hello(body: Body) -> Hello:
    login, build = body.number(_U64), body.number(_U32)
    return Hello(login, body.text(1, 128), build, body.text(1, 32))


def _ticks(body: Body) -> Ticks:
    symbol = body.symbol()
    from_s, at, count = (int(number) for number in body.take(_TICKS))
    if count > MOST_ROWS or (not count and at) or not 0 < from_s < LATEST_MSC // 1000:
        raise Malformed("ticks head")
    packed = body.bytes(count * TICK_BYTES)
    rows = rows_of(packed)
    prices = (rows["bid"], rows["ask"], rows["last"], rows["volume_real"])
    if not all(bool(np.isfinite(column).all()) for column in prices):
        raise Malformed("nan")
    stamps = rows["time_msc"]
    if not bool(((stamps >= max(EARLIEST_MSC, from_s * 1000)) & (stamps <= LATEST_MSC)).all()):
        raise Malformed("stamps")
    if bool((rows["time"] != stamps // 1000).any()):
        raise Malformed("stamps")
    return Ticks(symbol, from_s, at, packed)


def _alive(body: Body) -> Alive:
    server_s, gmt_s, offset_s, connected = (int(number) for number in body.take(_ALIVE))
    earliest, latest = EARLIEST_MSC // 1000, LATEST_MSC // 1000
    if not (earliest < server_s < latest and earliest < gmt_s < latest and abs(offset_s) <= DAY_S and connected < 2):
        raise Malformed("alive")
    return Alive(server_s, gmt_s, offset_s, bool(connected))


def _sessions(body: Body) -> Sessions:
    symbol = body.symbol()
    found = tuple(Session(bool(t), int(d), int(a), int(b)) for t, d, a, b in _many(body, _SESSION, 255))
    for one in found:
        if one.weekday > 6 or not one.from_s < one.to_s <= DAY_S:
            raise Malformed("session")
    ordered = sorted(found, key=lambda s: (s.trade, s.weekday, s.from_s))
    for one, after in pairwise(ordered):
        if (one.trade, one.weekday) == (after.trade, after.weekday) and after.from_s < one.to_s:
            raise Malformed("duplicate")
    return Sessions(symbol, found)


def _many(body: Body, form: struct.Struct, most: int) -> list[tuple[int | float, ...]]:
    count = body.number(_U16)
    if count > most:
        raise Malformed("count")
    return [body.take(form) for _ in range(count)]


def _margin_rates(body: Body) -> MarginRates:
    symbol = body.symbol()
    rates = tuple(MarginRate(int(kind), float(a), float(b)) for kind, a, b in _many(body, _RATE, 8))
    for rate in rates:
        if rate.order_type > 7 or not all(math.isfinite(x) and x >= 0 for x in (rate.initial, rate.maintenance)):
            raise Malformed("margin rate")
    _unique([rate.order_type for rate in rates])
    return MarginRates(symbol, rates)


def _calendar_events(body: Body) -> CalendarEvents:
    count = body.number(_U16)
    events = []
    for _ in range(count):
        identity, kind, importance, mode, unit, times, digits = (int(number) for number in body.take(_EVENT))
        told = body.text(0, 16), body.text(1, 512), body.text(0, MOST_TEXT)
        events.append(CalendarEvent(identity, kind, importance, mode, unit, times, digits, *told))
    _unique([event.id for event in events])
    return CalendarEvents(tuple(events))


def _calendar_values(body: Body) -> CalendarValues:
    change_id = body.number(_U64)
    values = tuple(CalendarValue(*(int(number) for number in row)) for row in _many(body, _VALUE, MOST_ROWS))
    _unique([value.id for value in values])
    if not all(0 < value.time < LATEST_MSC // 1000 for value in values):
        raise Malformed("stamps")
    return CalendarValues(change_id, values)


def _transaction(body: Body) -> Transaction:
    return Transaction(body.number(_U8))


def _unique(keys: list[int]) -> None:
    if len(set(keys)) != len(keys):
        raise Malformed("duplicate")


_READ: dict[int, Callable[[Body], FromEa]] = {
    HELLO: _hello,
    TICKS: _ticks,
    ALIVE: _alive,
    SESSIONS: _sessions,
    MARGIN_RATES: _margin_rates,
    CALENDAR_EVENTS: _calendar_events,
    CALENDAR_VALUES: _calendar_values,
    TRANSACTION: _transaction,
}


def encode(message: ToEa, seq: int) -> bytes:
    """A frame for the EA."""
    if isinstance(message, Ack):
        return _HEAD.pack(VERSION, ACK, 0, seq) + _U64.pack(message.seq)
    name = message.symbol.encode()
    told = _U16.pack(len(name)) + name
    if isinstance(message, Forget):
        return _HEAD.pack(VERSION, FORGET, 0, seq) + told
    return _HEAD.pack(VERSION, RESUME, 0, seq) + told + _U64.pack(message.from_s)
