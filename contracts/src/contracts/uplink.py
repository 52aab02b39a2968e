"""The conversation of a terminal's connector with the bridge: one WebSocket, one frame per message.

The connector opens `/terminal` with `Authorization: Bearer <terminal token>` and sends `Hello` first; the bridge
answers `Welcome` or `Goodbye`. Then ticks, account states and executions go up; acks, signals and rewinds come down.
"""

import msgspec

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.rotation import SignedKeyList
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
    journal: str = ""
    """Name of the client's journal, made with it: another journal does not know what this one executed."""
    last_session: str = ""
    """The session in which this journal last held the account's lease; a copy of the journal names an older one."""
    claim: bool = False
    """True at the first connection after a start: the client that was started last trades. False: only go on."""
    os: str = ""
    """Name and version of the PC's system, for people."""


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


LEASE_MS = 4_000
"""A client may send orders for this long after it asked (`Ping`) and was told (`Pong`) that the lease is its own."""
LEASE_WAIT_MS = 5_500
"""So long the bridge waits before it grants an account to a client that was just started: by then the lease of whoever
had it is over, and every signal that was made before has expired."""
HEARTBEAT_MS = 5_000
"""Each side says something at least so often."""
SILENT_MS = 2 * HEARTBEAT_MS
"""Two heartbeats without a word: the connection is dead, whatever its TCP says."""
PING_EVERY_MS = 1_000
"""How often a connector asks: it renews its lease and measures the server's clock."""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Either side, the connector every second; the other answers `Pong` with the same stamp."""

    sent_ms: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to `Ping`. `at_ms` is the answerer's clock, UTC; 0 from one that does not tell."""

    sent_ms: int
    at_ms: int = 0
    fence: int = 0
    """The bridge to a connector: the lease is yours, for LEASE_MS from your `Ping` on. 0: you have none."""


class AccountFrame(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """An AccountState on the uplink; frames are told apart by array, so the picture is wrapped."""

    state: AccountState


class Control(msgspec.Struct, frozen=True, array_like=True, tag="control"):
    """A map-shaped message inside an array-shaped frame."""

    body: Hello | Welcome | Ack | Rewind | Refused | Goodbye | Ping | Pong | SignedKeyList


UpFrame = TickBatch | Execution | AccountFrame | Control
"""What the bridge may receive."""

DownFrame = SignedSignal | Control
"""What the connector may receive."""
