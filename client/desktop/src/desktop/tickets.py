"""Who may read the status page: a ticket good once and for half a minute, then a cookie that fits one path only.

The page's key lies beside the data, readable by its owner alone. Whoever can read it (the tray, `status --open`) makes
a ticket; a link that is left in a browser's history or seen in a list of processes opens nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

TICKET_MS = 30_000
VIEW_MS = 12 * 3_600_000
MOST_USED, MOST_VIEWS = 256, 16
COOKIE = "view"


def make_ticket(key: bytes, now_ms: int, nonce: str) -> str:
    """A ticket for one opening. `nonce`: random, of letters and digits."""
    words = f"{now_ms}.{nonce}"
    return f"{words}.{_mark(key, words)}"


def new_ticket(key: bytes, now_ms: int) -> str:
    """The same with a nonce of its own."""
    return make_ticket(key, now_ms, secrets.token_hex(8))


def _mark(key: bytes, words: str) -> str:
    made = hmac.new(key, b"aitrading status page\0" + words.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


@dataclass(slots=True)
class Door:
    """Judges tickets and cookies. Bounded: the oldest views end first."""

    key: bytes = field(repr=False)
    _used: "OrderedDict[str, int]" = field(default_factory=OrderedDict)
    """ ticket -> when it runs out """
    _views: "OrderedDict[str, tuple[str, int]]" = field(default_factory=OrderedDict)
    """ path -> (its cookie, when it ends) """

    def opened(self, ticket: str, now_ms: int) -> tuple[str, str] | None:
        """(path, cookie) of a new view; None when the ticket is none, too old, or was used."""
        words, _, mark = ticket.rpartition(".")
        at = words.partition(".")[0]
        right = hmac.compare_digest(mark.encode(), _mark(self.key, words).encode())
        if not right or not at.isdigit() or not 0 <= now_ms - int(at) <= TICKET_MS or ticket in self._used:
            return None
        while self._used and (len(self._used) >= MOST_USED or next(iter(self._used.values())) < now_ms):
            self._used.popitem(last=False)
        self._used[ticket] = now_ms + TICKET_MS
        while len(self._views) >= MOST_VIEWS:
            self._views.popitem(last=False)
        path, cookie = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        self._views[path] = (cookie, now_ms + VIEW_MS)
        return path, cookie

    def may_read(self, path: str, cookie: str, now_ms: int) -> bool:
        """Whether this is an open view."""
        known, until = self._views.get(path, ("", 0))
        return bool(known) and hmac.compare_digest(known.encode(), cookie.encode()) and now_ms < until
