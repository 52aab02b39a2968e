"""What a terminal's PC asks the bridge besides trading: one short WebSocket, so that news never delay an order.

The PC opens `/errands` with the certificate and the token of its terminal, sends one frame, waits for its answer, sends
the next, and hangs up when it has nothing more to say. The bridge answers in order.
"""

import msgspec

from contracts.client_config import SignedConfig
from contracts.news import CalendarEvent, NewsItem

PATH = "/errands"
MAX_FRAME_BYTES = 1024 * 1024
ANSWER_WITHIN_S = 10.0
"""The bridge answers or says `NotNow` by then."""
IDLE_S = 10.0
"""A PC that says nothing for so long is hung up on."""


class NewsBatch(msgspec.Struct, frozen=True, array_like=True, tag="news"):
    """What was collected: `MOST_AT_ONCE` at most."""

    news: tuple[NewsItem, ...] = ()
    events: tuple[CalendarEvent, ...] = ()


class NewsTaken(msgspec.Struct, frozen=True, array_like=True, tag="taken"):
    """All of the batch is in the store, but for what is `refused`: that will never be taken, do not send it again."""

    refused: tuple[tuple[str, str], ...] = ()
    """ (key, reason) """


class NotNow(msgspec.Struct, frozen=True, array_like=True, tag="not_now"):
    """Nothing was kept. Try again later when `retry`; else the frame itself is wrong."""

    code: str
    reason: str
    retry: bool = True


class ConfigWanted(msgspec.Struct, frozen=True, array_like=True, tag="config_wanted"):
    """Settings from the server, when it has newer ones than this revision."""

    revision: int


class NoNewer(msgspec.Struct, frozen=True, array_like=True, tag="no_newer"):
    """There are none."""


UpErrand = NewsBatch | ConfigWanted
"""What the bridge may receive."""
DownErrand = NewsTaken | SignedConfig | NoNewer | NotNow
"""What the PC may receive."""

OUTBOX_PAGE = "/outbox"
"""On the data collector's port, for the courier of the same PC: `GET /outbox?stored=N&refused=M` says that the server
has everything up to number N (M of it refused), and answers the next `OutboxPage`."""


class OutboxPage(msgspec.Struct, frozen=True, array_like=True):
    """What waits for the server, oldest first; an empty batch when nothing does."""

    upto: int
    """Say so, once the server has the batch."""
    batch: NewsBatch


CONFIG_INBOX = "config/offer.bin"
"""In the client's data directory: the newest `SignedConfig` that the courier brought; the config manager judges it."""

NEWS_KEYS_PAGE = "/secrets/news"
"""On the config manager's port, for the data collector of the same PC alone: JSON, name of a source -> its key."""
