"""Kinds of sources, found by entry points: whoever installs a package may add one.

An entry point of the group `aitrading.collector_sources` has the kind's name and leads to a function that makes items
of a document: `parse(source: str, document: bytes) -> list[NewsItem | CalendarEvent]`, raising `BadDocument` for what
it can't read. The five of this package stand in its own pyproject.toml and are found in the same way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

from contracts.news import CalendarEvent, NewsItem
from data_collector.domain.items import BadDocument, Item
from kit import log

GROUP = "aitrading.collector_sources"
MOST_ITEMS = 2_000
"""Of one document; calendars of a year have fewer."""

Parse = Callable[[str, bytes], list[Item]]
_log = log.get("plugins")


@dataclass(slots=True)
class Plugins:
    """Implements ports.Kinds. A plug-in that can't be loaded or that fails spoils its own sources only."""

    found: dict[str, EntryPoint]
    loaded: dict[str, Parse] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """The kinds that are installed."""
        return tuple(sorted(self.found))

    def parse(self, kind: str, source: str, document: bytes) -> list[Item]:
        """The items of a document. BadDocument says whose fault it is, in words."""
        parser = self._loaded(kind)
        try:
            items = parser(source, document)
        except BadDocument:
            raise
        except Exception as error:  # noqa: BLE001 a stranger's code: whatever it raises is its own fault
            _log.warning("plugin_failed", kind=kind, error=repr(error))
            raise BadDocument(f"the plug-in {kind!r} failed: {type(error).__name__} {error}"[:300]) from None
        if not isinstance(items, list) or not all(isinstance(item, NewsItem | CalendarEvent) for item in items):
            raise BadDocument(f"the plug-in {kind!r} does not return a list of news and events")
        if len(items) > MOST_ITEMS:
            raise BadDocument(f"{len(items)} items in one document; {MOST_ITEMS} are allowed")
        return items

    def _loaded(self, kind: str) -> Parse:
        if kind not in self.loaded:
            if kind not in self.found:
                raise BadDocument(f"no plug-in reads {kind!r}; installed are {', '.join(self.names())}")
            try:
                made = self.found[kind].load()
            except Exception as error:  # noqa: BLE001 a stranger's code again
                raise BadDocument(
                    f"the plug-in {kind!r} can't be loaded: {type(error).__name__} {error}"[:300]
                ) from None
            if not callable(made):
                raise BadDocument(f"the plug-in {kind!r} is no function")
            self.loaded[kind] = made
        return self.loaded[kind]


def installed(points: Iterable[EntryPoint] | None = None) -> Plugins:
    """All that is installed. Of two with one name the first counts, in the order of their packages, and it is said."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda each: each.value):
        if point.name in found:
            _log.warning("plugin_twice", kind=point.name, used=found[point.name].value, ignored=point.value)
            continue
        found[point.name] = point
    return Plugins(found)
