"""The calendar of MetaTrader 5 as an EA exports it: the source kind `mql5`.

Values are millions of a unit and LONG_MIN where there is none; times are the trade server's. The terminal stamps its
whole history with the server's *present* offset (a summer's event seen in winter is an hour off by the clock of then),
so one offset, told by the export, turns every time of it into UTC. Enumerations: MQL5 reference, Economic Calendar.
"""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from contracts.news import CalendarEvent, EventClock
from data_collector.domain.items import BadDocument, Item, key_of, plain, value, web_link

UNSET = -(2**63)
MAX_OFFSET_S = 14 * 3_600
FORMAT = "mql5-calendar-1"
HEADER = "[id] [event_id]"
IMPORTANCE = ("", "low", "medium", "high")
MULTIPLIER = ("", "K", "M", "B", "T")
PERCENT, HOLIDAY = 1, 2
CLOCKS = (EventClock.EXACT, EventClock.ALL_DAY, EventClock.ALL_DAY, EventClock.TENTATIVE)
""" time_mode: DATETIME, DATE, NOTIME, TENTATIVE """


class _Event(msgspec.Struct):
    id: int
    name: str
    currency: str = ""
    type: int = 1
    importance: int = 0
    time_mode: int = 0
    unit: int = 0
    multiplier: int = 0
    digits: int = 0
    source_url: str = ""


class _Value(msgspec.Struct):
    id: int
    event_id: int
    time: int
    actual_value: int = UNSET
    prev_value: int = UNSET
    revised_prev_value: int = UNSET
    forecast_value: int = UNSET


class _Export(msgspec.Struct):
    format: str
    utc_offset_s: int
    """The trade server's clock minus UTC, at the moment of the export."""
    events: list[_Event]
    values: list[_Value]


def parse(source: str, document: bytes) -> list[Item]:
    """An export as JSON, or the table that scripts print, with a first line `# utc_offset_s=10800`."""
    export = _json(document) if document.lstrip()[:1] == b"{" else _table(document)
    if abs(export.utc_offset_s) > MAX_OFFSET_S or export.utc_offset_s % 900:
        raise BadDocument(f"{export.utc_offset_s} s is no offset of a clock")
    events = {event.id: event for event in export.events}
    return [_made(source, each, events.get(each.event_id), export.utc_offset_s) for each in export.values]


def _json(document: bytes) -> _Export:
    try:
        export = msgspec.json.decode(document, type=_Export)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadDocument(f"not the export of the EA: {error}") from None
    if export.format != FORMAT:
        raise BadDocument(f"its format is {export.format[:40]!r}, not {FORMAT!r}: update the EA or this client")
    return export


def _table(document: bytes) -> _Export:
    lines = [line.strip() for line in document.decode("utf-8", "replace").splitlines() if line.strip()]
    offset = next((line.partition("=")[2] for line in lines if line.startswith("# utc_offset_s=")), "")
    rows = [line.split() for line in lines if not line.startswith(("#", "["))]
    if not any(line.startswith(HEADER) for line in lines):
        raise BadDocument("not a table of calendar values: its heading is missing")
    try:
        offset_s = int(offset)
    except ValueError:
        raise BadDocument("the trade server's clock is not told: add a line `# utc_offset_s=10800`") from None
    return _Export(FORMAT, offset_s, [], [_row(row) for row in rows])


def _row(row: list[str]) -> _Value:
    """id event_id date time period-date period-time revision actual prev revised forecast impact"""
    try:
        moment = datetime.strptime(f"{row[2]} {row[3]}", "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC)
        numbers = [int(row[at]) for at in (7, 8, 9, 10)]
        if len(row) != 12:
            raise ValueError("columns")
        return _Value(int(row[0]), int(row[1]), int(moment.timestamp()), *numbers)
    except (ValueError, IndexError):
        raise BadDocument(f"{' '.join(row)[:80]!r} is no line of calendar values") from None


def _made(source: str, told: _Value, event: _Event | None, offset_s: int) -> CalendarEvent:
    event = event or _Event(told.event_id, f"event {told.event_id}")
    at_ms = (told.time - offset_s) * 1000
    clock = CLOCKS[event.time_mode] if 0 <= event.time_mode < len(CLOCKS) else EventClock.TENTATIVE
    if clock is not EventClock.EXACT:
        at_ms = told.time // 86_400 * 86_400_000  # a day of the calendar has no hour that could be moved
    impact = IMPORTANCE[event.importance] if 0 <= event.importance < len(IMPORTANCE) else ""
    return CalendarEvent(
        key_of("event", source, str(told.id)),
        source,
        plain(event.name),
        at_ms,
        0,
        1,
        clock,
        value(event.currency),
        "holiday" if event.type == HOLIDAY else impact,
        text_of(told.actual_value, event),
        text_of(told.forecast_value, event),
        text_of(told.prev_value, event),
        text_of(told.revised_prev_value, event),
        web_link(event.source_url),
    )


def text_of(number: int, event: _Event) -> str:
    """`55200000` as `55.2`, with what the event is counted in; empty when it was not set."""
    if number == UNSET:
        return ""
    digits = max(0, min(event.digits, 6))
    amount = (Decimal(number) / 1_000_000).normalize()
    shown = f"{amount:.{max(digits, -int(amount.as_tuple().exponent), 0)}f}"
    times = MULTIPLIER[event.multiplier] if 0 <= event.multiplier < len(MULTIPLIER) else ""
    return shown + times + ("%" if event.unit == PERCENT else "")
