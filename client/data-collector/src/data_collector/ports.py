"""What collecting asks of the world, in its own words."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from contracts.errands import OutboxPage
from data_collector.domain.items import Item
from data_collector.domain.politeness import Fetched, SourceState


class Fetch(Protocol):
    """Get a document; FetchRefused when it can't be had."""

    def __call__(self, url: str, etag: str = "", last_modified: str = "", key: str = "") -> Fetched:
        """The document, or that it has not changed. `key` goes to the address's own host alone, over https."""
        ...


class Keys(Protocol):
    """The sources' keys, asked for when they are needed and kept nowhere."""

    def __call__(self) -> Mapping[str, str]:
        """Name of a source -> what to send as Authorization. OSError when nobody answers just now. Blocks."""
        ...


class Kinds(Protocol):
    """The plug-ins that read documents."""

    def names(self) -> tuple[str, ...]:
        """The kinds that are installed."""
        ...

    def parse(self, kind: str, source: str, document: bytes) -> list[Item]:
        """The items of a document. BadDocument with whose fault it is."""
        ...


class Tally(msgspec.Struct, frozen=True):
    """How much is kept and how much of it waits for the server."""

    items: int
    """Versions kept on this PC."""
    waiting: int
    refused: int
    """Told to the server and refused by it, since the file was made."""
    dropped: int
    """Too old to be kept before the server had them, since the file was made."""


class Items(Protocol):
    """Where items and source states are kept."""

    def keep(self, items: list[Item], state: SourceState, now_ms: int) -> int:
        """Keep both; how many versions were new."""
        ...

    def state(self, name: str, address: str) -> SourceState:
        """What is remembered of a source; nothing when its address is another one now."""
        ...

    def newest(self, most: int = 200) -> list[Item]:
        """What was seen last."""
        ...

    def count(self, source: str) -> int:
        """Versions kept of a source."""
        ...

    def outbox(self, stored: int, refused: int) -> OutboxPage:
        """The server has everything up to number `stored`, `refused` of it not taken; what comes next."""
        ...

    def tally(self) -> Tally:
        """The numbers for the status page."""
        ...

    def keep_aside(self, source: str, document: bytes, reason: str, now_ms: int) -> None:
        """A document that could not be used."""
        ...
