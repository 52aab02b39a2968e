"""The sources as the trader wrote them: `fed:rss=https://…`, with a name of one's own or without."""

import re
from urllib.parse import urlsplit

import msgspec

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_KIND = re.compile(r"^[a-z0-9][a-z0-9-]{0,31}\Z")
_FILE = re.compile(r"^file:[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
MOST = 50


class Source(msgspec.Struct, frozen=True):
    """One source."""

    name: str
    kind: str
    address: str

    @property
    def local(self) -> bool:
        """A file of this PC."""
        return self.address.startswith("file:")


def source_of(text: str) -> Source:
    """ValueError with a sentence when it is none."""
    head, equals, address = text.partition("=")
    name, colon, kind = head.rpartition(":")
    if not equals or _KIND.match(kind) is None or not _fits(address):
        raise ValueError(
            f"source {text[:120]!r}: write NAME:KIND=ADDRESS, such as fed:rss=https://…, ff:ff-json=https://…, or "
            "ea:mql5=file:calendar/mql5.json for a file in the data directory"
        )
    name = name if colon else _default(kind, address)
    if NAME.match(name) is None:
        raise ValueError(f"source {text[:120]!r}: its name may have 64 letters, digits, dots, dashes or underscores")
    return Source(name, kind, address)


def sources_of(texts: tuple[str, ...]) -> tuple[Source, ...]:
    """All of them; ValueError when one is none, or two have one name."""
    found = tuple(map(source_of, texts))
    names = [source.name for source in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two sources are called {twice[0]!r}: give each a name of its own, NAME:KIND=ADDRESS")
    if len(found) > MOST:
        raise ValueError(f"{len(found)} sources; {MOST} are allowed")
    return found


def _fits(address: str) -> bool:
    return address.startswith(("http://", "https://")) or (_FILE.match(address) is not None and ".." not in address)


def _default(kind: str, address: str) -> str:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return f"{kind}.{host}"[:64].rstrip(".-_") if host else kind
