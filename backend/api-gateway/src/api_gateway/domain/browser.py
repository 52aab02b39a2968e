"""What waits for one browser: prices are folded together, everything else stands in a bounded queue."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from api_gateway.domain.market import Key, Row, merged

MAX_WAITING = 256
"""Orders, executions and accounts that may wait for one browser."""

_WORDS = {True: b"true", False: b"false", None: b"null"}
_encoder = msgspec.json.Encoder()


class Kind(StrEnum):
    """Kinds of stream messages that are never folded; the value is the key of the view in the message."""

    ACCOUNT = "account"
    ORDER = "order"
    EXECUTION = "execution"


_TAGS = {Kind.ACCOUNT: b"a", Kind.ORDER: b"o", Kind.EXECUTION: b"e"}


def encoded_rows(rows: list[Row]) -> bytes:
    """Rows as JSON: made once for all browsers that are not behind."""
    return _encoder.encode(rows)


@dataclass(slots=True)
class Browser:
    """One connection. `offer…` what happened, then send what `next_message` returns until it returns None.

    `overflowed` means that it missed something which may not be missed: close it, so that it asks for everything again.
    """

    max_waiting: int = MAX_WAITING
    overflowed: bool = False
    sent: int = 0
    """Number of the last message, `q`."""
    events: deque[tuple[Kind, bytes]] = field(default_factory=deque)
    rows: dict[Key, Row] = field(default_factory=dict)
    """ (account, symbol) -> prices not yet sent """
    ready: bytes = b""
    """`rows` as JSON, when they are one undisturbed beat."""
    beat_due: bool = False

    def offer_rows(self, rows: list[Row], encoded: bytes) -> None:
        """Newer prices. A browser that is behind gets them folded into what it has not seen yet."""
        if not self.rows:
            self.rows = {(row[0], row[1]): row for row in rows}
            self.ready = encoded
            return
        self.ready = b""
        for row in rows:
            key = (row[0], row[1])
            waiting = self.rows.get(key)
            self.rows[key] = row if waiting is None else merged(waiting, row)

    def offer_event(self, kind: Kind, view: bytes) -> None:
        """An order, execution or account, as JSON."""
        if len(self.events) >= self.max_waiting:
            self.overflowed = True
            return
        self.events.append((kind, view))

    def next_message(self, now_ms: int, bus: bool, paused: bool | None = None) -> bytes | None:
        """The next message as JSON; None when there is nothing to say."""
        if self.events:
            kind, view = self.events.popleft()
            return b'{"k":"%b","q":%d,"%b":%b}' % (_TAGS[kind], self._number(), kind.encode(), view)
        if self.rows:
            rows = self.ready or encoded_rows(list(self.rows.values()))
            self.rows, self.ready = {}, b""
            return b'{"k":"t","q":%d,"now":%d,"d":%b}' % (self._number(), now_ms, rows)
        if self.beat_due:
            self.beat_due = False
            said = (self._number(), now_ms, _WORDS[bus], _WORDS[paused])
            return b'{"k":"h","q":%d,"now":%d,"bus":%b,"paused":%b}' % said
        return None

    def _number(self) -> int:
        self.sent += 1
        return self.sent
