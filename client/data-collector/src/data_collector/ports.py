"""What collecting asks of the world, in its own words."""

from typing import Protocol

from data_collector.domain.items import Item
from data_collector.domain.politeness import Fetched, SourceState


class Fetch(Protocol):
    """Get a document; FetchRefused when it can't be had."""

    def __call__(self, url: str, etag: str, last_modified: str) -> Fetched:
        """The document, or that it has not changed."""
        ...


class Items(Protocol):
    """Where items and source states are kept."""

    def keep(self, items: list[Item], state: SourceState, now_ms: int) -> int:
        """Keep both; how many items were new."""
        ...

    def state(self, url: str) -> SourceState:
        """What is remembered of a source."""
        ...

    def newest(self, most: int = 200) -> list[Item]:
        """The newest items."""
        ...

    def keep_aside(self, source: str, document: bytes, reason: str, now_ms: int) -> None:
        """A document that could not be used."""
        ...
