"""The part of iCalendar (RFC 5545) that release calendars use: events, and the time zones they bring with them."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

MAX_LINES = 200_000
_STAMP = re.compile(r"^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?\Z")
_OFFSET = re.compile(r"^([+-])(\d\d)(\d\d)(\d\d)?\Z")
_BYDAY = re.compile(r"^([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)\Z")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ESCAPES = {"n": "\n", "N": "\n", ",": ",", ";": ";", "\\": "\\"}
_US_EASTERN = """BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
END:STANDARD
END:VTIMEZONE"""
"""The law since 2007, for a calendar that names the zone and does not bring it."""
_EASTERN_NAMES = ("America/New_York", "US-Eastern", "US/Eastern", "Eastern Standard Time")


class NotICalendar(ValueError):
    """The document can't be read; the text says where."""


@dataclass(slots=True)
class Component:
    """BEGIN to END: properties in order, and components inside."""

    name: str
    properties: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    inside: "list[Component]" = field(default_factory=list)

    def first(self, name: str) -> "tuple[dict[str, str], str] | None":
        """Parameters and raw value of the first property of this name."""
        return next(((found, value) for key, found, value in self.properties if key == name), None)

    def text(self, name: str) -> str:
        """An unescaped text; empty when there is none."""
        found = self.first(name)
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), found[1]) if found else ""

    def all(self, name: str) -> "Iterator[Component]":
        """The components of this name inside."""
        return (each for each in self.inside if each.name == name)


def parse(text: str) -> Component:
    """The VCALENDAR of a document."""
    root = Component("")
    open_now = [root]
    for number, line in enumerate(_unfolded(text), 1):
        if number > MAX_LINES:
            raise NotICalendar(f"more than {MAX_LINES} lines")
        head, colon, value = _split(line)
        if not colon:
            raise NotICalendar(f"line {number} has no colon")
        name, parameters = _head(head)
        if name == "BEGIN":
            made = Component(value.upper())
            open_now[-1].inside.append(made)
            open_now.append(made)
            if len(open_now) > 8:
                raise NotICalendar("components lie too deep in each other")
        elif name == "END":
            if len(open_now) < 2 or open_now.pop().name != value.upper():
                raise NotICalendar(f"line {number} ends what was not begun")
        else:
            open_now[-1].properties.append((name, parameters, value))
    if len(open_now) != 1:
        raise NotICalendar(f"{open_now[-1].name} does not end: the document was cut")
    found = next(root.all("VCALENDAR"), None)
    if found is None:
        raise NotICalendar("there is no VCALENDAR in it")
    return found


def _unfolded(text: str) -> Iterator[str]:
    whole = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t"):
            whole += line[1:]
            continue
        if whole.strip():
            yield whole
        whole = line
    if whole.strip():
        yield whole


def _split(line: str) -> tuple[str, str, str]:
    quoted = False
    for at, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ":" and not quoted:
            return line[:at], ":", line[at + 1 :].strip()
    return line, "", ""


def _head(head: str) -> tuple[str, dict[str, str]]:
    name, *rest = head.split(";")
    pairs = (each.partition("=") for each in rest)
    return name.strip().upper(), {key.strip().upper(): value.strip(' "') for key, _, value in pairs}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One half of a zone: from each of its beginnings on, its offset counts."""

    start: datetime
    before: timedelta
    after: timedelta
    month: int
    nth: int
    weekday: int
    """`month` 0: it begins once, at `start`."""
    until: datetime | None

    def begins(self, year: int) -> datetime | None:
        """Its beginning in a year, local time before the change."""
        if self.month == 0:
            return self.start if self.start.year == year else None
        if year < self.start.year:
            return None
        at = datetime.combine(_nth_day(year, self.month, self.nth, self.weekday), self.start.time())
        # UNTIL is told in UTC
        return None if self.until is not None and at - self.before > self.until else at


def _nth_day(year: int, month: int, nth: int, weekday: int) -> date:
    days = [
        day
        for week in calendar.monthcalendar(year, month)
        for position, day in enumerate(week)
        if day and position == weekday
    ]
    return date(year, month, days[nth - 1 if nth > 0 else nth])


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as a document brought it."""

    rules: tuple[_Rule, ...]

    def utc(self, local: datetime) -> datetime:
        """A local time in UTC. What the clock shows twice is the first one, what it never shows goes by the old."""
        begun = [
            (at, rule) for year in (local.year - 1, local.year) for rule in self.rules if (at := rule.begins(year))
        ]
        begun += [(rule.start, rule) for rule in self.rules if rule.start.year < local.year - 1 and rule.month == 0]
        passed = [(at, rule) for at, rule in begun if local >= at + max(rule.after - rule.before, timedelta())]
        if passed:
            return (local - max(passed, key=lambda each: each[0])[1].after).replace(tzinfo=UTC)
        first = min(self.rules, key=lambda rule: rule.start)
        return (local - first.before).replace(tzinfo=UTC)


def zones_of(document: Component) -> dict[str, Zone]:
    """TZID -> zone, for those that the calendar brings, and New York for those that name it without bringing it."""
    found = {name: zone_of(next(parse(f"BEGIN:VCALENDAR\n{_US_EASTERN}\nEND:VCALENDAR").all("VTIMEZONE")))
             for name in _EASTERN_NAMES}  # fmt: skip
    for each in document.all("VTIMEZONE"):
        found[each.text("TZID")] = zone_of(each)
    return found


def zone_of(component: Component) -> Zone:
    """The zone of a VTIMEZONE."""
    rules = [_rule(each) for each in component.inside if each.name in ("STANDARD", "DAYLIGHT")]
    if not rules:
        raise NotICalendar(f"the zone {component.text('TZID')[:40]!r} has no rules")
    return Zone(tuple(rules))


def _rule(component: Component) -> _Rule:
    start = stamp(component.text("DTSTART"))
    before, after = (_offset(component.text(name)) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
    parts = dict(each.partition("=")[::2] for each in component.text("RRULE").upper().split(";") if each)
    if not parts:
        return _Rule(start, before, after, 0, 0, 0, None)
    day = _BYDAY.match(parts.get("BYDAY", ""))
    month = parts.get("BYMONTH", "")
    if parts.get("FREQ") != "YEARLY" or day is None or not month.isdecimal() or not 1 <= int(month) <= 12:
        raise NotICalendar("a rule of its time zone is none that is known here")
    nth = int(day.group(1) or 1)
    if not 1 <= abs(nth) <= 4 and nth != -5:
        raise NotICalendar("a rule of its time zone names a week that a month may not have")
    until = stamp(parts["UNTIL"]) if "UNTIL" in parts else None
    return _Rule(start, before, after, int(month), nth, _DAYS.index(day.group(2)), until)


def _offset(text: str) -> timedelta:
    found = _OFFSET.match(text)
    if found is None:
        raise NotICalendar(f"{text[:20]!r} is no offset from UTC")
    sign, hours, minutes, seconds = found.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    return size if sign == "+" else -size


def is_date(text: str) -> bool:
    """A day without a time."""
    found = _STAMP.match(text)
    return found is not None and found.group(4) is None


def is_utc(text: str) -> bool:
    """A time that ends in Z."""
    return text.endswith("Z")


def stamp(text: str) -> datetime:
    """`20260807T083000` or `20260807`, without a zone."""
    found = _STAMP.match(text)
    if found is None:
        raise NotICalendar(f"{text[:20]!r} is no date")
    year, month, day, hour, minute, second, _ = found.groups()
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError as error:
        raise NotICalendar(f"{text[:20]!r} is no date ({error})") from None
