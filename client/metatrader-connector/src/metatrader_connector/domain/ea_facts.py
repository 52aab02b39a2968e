"""What only the EA can know: sessions, margin rates, the trade server's clock, the economic calendar."""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from metatrader_connector.domain.ea_frames import (
    Alive,
    CalendarEvent,
    CalendarEvents,
    CalendarValue,
    CalendarValues,
    MarginRate,
    MarginRates,
    Session,
    Sessions,
)
from metatrader_connector.domain.hours import DAY_MINUTES, Hours

MOST_SYMBOLS = 1_024
MOST_EVENTS = 4_000
MOST_VALUES = 8_000
CALENDAR_FORMAT = "mql5-calendar-1"
"""As the data collector reads it."""
STEP_S = 900
NEAR_S = 120
MOST_OFFSET_S = 14 * 3_600


Told = TypeVar("Told", CalendarEvent, CalendarValue)


class Kept(msgspec.Struct, frozen=True):
    """What a restart still knows. Symbols are the broker's names."""

    sessions: dict[str, tuple[Session, ...]] = {}
    margin_rates: dict[str, tuple[MarginRate, ...]] = {}
    utc_offset_s: int | None = None
    """The trade server's clock minus UTC when it was told last."""


class Calendar(msgspec.Struct, frozen=True):
    """The document that the data collector takes as a source of the kind `mql5`."""

    format: str
    utc_offset_s: int
    events: tuple[CalendarEvent, ...]
    values: tuple[CalendarValue, ...]


def hours_told(sessions: tuple[Session, ...]) -> Hours | None:
    """When quotes come, as minutes of a week that begins on Monday; None when the broker tells no session at all."""
    spans = []
    for one in sessions:
        if not one.trade:
            day = (one.weekday + 6) % 7 * DAY_MINUTES
            # a minute that is open for some seconds only is not counted: nobody may miss a price in it
            spans.append((day - (-one.from_s // 60), day + one.to_s // 60))
    return Hours(tuple(sorted(spans))) if spans else None


@dataclass(slots=True)
class EaFacts:
    """Call `take` with what the EA tells; `changed` and `calendar_changed` say that there is something to keep."""

    kept: Kept = field(default_factory=Kept)
    changed: bool = False
    calendar_changed: bool = False
    connected: bool = True
    """Whether MT5 had its broker when the EA spoke last."""
    _events: dict[int, CalendarEvent] = field(default_factory=dict)
    _values: dict[int, CalendarValue] = field(default_factory=dict)

    def take(self, told: Alive | Sessions | MarginRates | CalendarEvents | CalendarValues) -> bool:
        """Keep it. False: it is more than is kept, and was left out."""
        match told:
            case Alive():
                self._take_clock(told)
            case Sessions():
                if len(self.kept.sessions) >= MOST_SYMBOLS and told.symbol not in self.kept.sessions:
                    return False
                self._keep(sessions=self.kept.sessions | {told.symbol: told.sessions})
            case MarginRates():
                if len(self.kept.margin_rates) >= MOST_SYMBOLS and told.symbol not in self.kept.margin_rates:
                    return False
                self._keep(margin_rates=self.kept.margin_rates | {told.symbol: told.rates})
            case CalendarEvents():
                return self._merge(self._events, told.events, MOST_EVENTS)
            case CalendarValues():
                return self._merge(self._values, told.values, MOST_VALUES)
        return True

    def calendar(self) -> Calendar | None:
        """All of it; None while the server's clock is not known, without which its times mean nothing."""
        if self.kept.utc_offset_s is None or not self._values:
            return None
        values = sorted(self._values.values(), key=lambda value: (value.time, value.id))
        used = {value.event_id for value in values}
        events = tuple(event for event in self._events.values() if event.id in used)
        return Calendar(CALENDAR_FORMAT, self.kept.utc_offset_s, events, tuple(values))

    def _take_clock(self, told: Alive) -> None:
        self.connected = told.connected
        ahead_s = told.trade_server_s - told.gmt_s
        offset_s = round(ahead_s / STEP_S) * STEP_S
        if abs(ahead_s - offset_s) <= NEAR_S and abs(offset_s) <= MOST_OFFSET_S:
            self.calendar_changed |= offset_s != self.kept.utc_offset_s
            self._keep(utc_offset_s=offset_s)

    def _keep(self, **change: object) -> None:
        after = msgspec.structs.replace(self.kept, **change)
        self.changed |= after != self.kept
        self.kept = after

    def _merge(self, into: dict[int, Told], told: tuple[Told, ...], most: int) -> bool:
        for one in told:
            self.calendar_changed |= into.get(one.id) != one
            into[one.id] = one
        over = len(into) - most
        for key in sorted(into)[: max(0, over)]:  # the oldest have the lowest numbers
            del into[key]
        return over <= 0
