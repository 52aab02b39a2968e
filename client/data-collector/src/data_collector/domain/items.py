"""News and calendar events in one shape, and the key by which the same one is known again."""

import hashlib
import html
import re
from urllib.parse import urlsplit

import msgspec

MAX_TEXT = 2_000
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


class BadDocument(Exception):
    """The document is not what its source should send; keep it aside. The text says why."""


class Item(msgspec.Struct, frozen=True):
    """`at_ms` is when it was published, or when the event takes place, UTC; 0 when the source does not say."""

    kind: str
    """`news` or `event`."""
    source: str
    title: str
    at_ms: int
    link: str = ""
    summary: str = ""
    guid: str = ""
    currency: str = ""
    impact: str = ""
    forecast: str = ""
    previous: str = ""

    @property
    def key(self) -> str:
        """The same item has the same key: its guid, else its link, else what it says and when."""
        mark = self.guid or self.link or f"{self.title}|{self.at_ms}|{self.currency}"
        return hashlib.sha256(f"{self.kind}|{self.source}|{mark}".encode()).hexdigest()


def plain(text: object) -> str:
    """Text without markup, entities and line breaks, at most 2,000 characters."""
    stripped = html.unescape(_TAG.sub(" ", text if isinstance(text, str) else ""))
    # a second time: feeds escape twice, and nothing that looks like a tag may be left
    return _SPACE.sub(" ", _TAG.sub(" ", stripped)).strip()[:MAX_TEXT]


def web_link(text: object) -> str:
    """The link when it is http or https, else nothing: no `javascript:` ever reaches a page."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        return ""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    return text.strip() if parts.scheme in ("http", "https") and parts.netloc else ""
