"""Calendar events that have no id of their own: known again by title, currency, day, and their place among equals."""

from collections import Counter
from dataclasses import dataclass, field

from contracts.news import CalendarEvent, EventClock
from data_collector.domain.items import DAY_MS, impact_of, key_of, plain, value, web_link


@dataclass(slots=True)
class Week:
    """Events of one document, in its order. An event that moves within its day stays the same event; one that moves to
    another day is another event."""

    source: str
    events: list[CalendarEvent] = field(default_factory=list)
    _alike: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def add(
        self,
        title: object,
        currency: object,
        at_ms: int,
        clock: EventClock,
        *,
        impact: object = "",
        forecast: object = "",
        previous: object = "",
        actual: object = "",
        link: object = "",
    ) -> None:
        """One more; an event without a title says nothing and is left out."""
        said, money = plain(title), value(currency)
        if not said:
            return
        same = (said, money, at_ms // DAY_MS)
        self._alike[same] += 1
        key = key_of("event", self.source, said, money, str(same[2]), str(self._alike[same]))
        self.events.append(
            CalendarEvent(
                key, self.source, said, at_ms, 0, 1, clock, money, impact_of(impact), value(actual), value(forecast),
                value(previous), "", web_link(link),
            )
        )  # fmt: skip
