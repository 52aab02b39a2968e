"""The conversation of a terminal's connector with the bridge: one WebSocket, one frame per message.

The connector opens `/terminal` with `Authorization: Bearer <terminal token>` and sends `Hello` first; the bridge
answers `Welcome` or `Goodbye`. Then ticks, account states and executions go up; acks, signals and rewinds come down.
"""

import msgspec

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.signals import SignedSignal
from contracts.ticks import TickBatch

PROTOCOL_VERSION = 1
PATH = "/terminal"
MAX_FRAME_BYTES = 4 * 1024 * 1024
WINDOW_TICKS = 400_000
"""The connector keeps at most this many unacknowledged ticks on the way; the rest waits in its spool."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Who connects. Tenant and account must be those of the token."""

    version: int
    tenant: str
    account: str
    epoch: int
    client_version: str
    sent_ms: int


class StreamPosition(msgspec.Struct, frozen=True, array_like=True):
    """The store holds every tick of (symbol, epoch) up to and including `seq`."""

    symbol: str
    epoch: int
    seq: int


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Accepted. `stored` is what the store has: trim the spool to it and send from there on."""

    stored: tuple[StreamPosition, ...]
    execution_stored: int
    """Highest execution number of the epoch that the store has without a gap."""
    server_ms: int
    session: str


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """The store has committed up to these positions; only now may the spool and the journal forget."""

    stored: tuple[StreamPosition, ...] = ()
    execution_stored: int = 0


class Rewind(msgspec.Struct, frozen=True, tag="rewind"):
    """Numbers are missing: send this stream again from `from_seq`."""

    symbol: str
    epoch: int
    from_seq: int
    reason: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A frame was kept out; the connection goes on. The connector logs and counts it."""

    code: str
    reason: str


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """The bridge closes. `code` is a word such as `tenant_mismatch`; `retry` says whether trying again can help."""

    code: str
    reason: str
    retry: bool


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Either side, when nothing else was sent for five seconds; the other answers `Pong` with the same stamp."""

    sent_ms: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to `Ping`."""

    sent_ms: int


class AccountFrame(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """An AccountState on the uplink; frames are told apart by array, so the picture is wrapped."""

    state: AccountState


class Control(msgspec.Struct, frozen=True, array_like=True, tag="control"):
    """A map-shaped message inside an array-shaped frame."""

    body: Hello | Welcome | Ack | Rewind | Refused | Goodbye | Ping | Pong


UpFrame = TickBatch | Execution | AccountFrame | Control
"""What the bridge may receive."""

DownFrame = SignedSignal | Control
"""What the connector may receive."""
