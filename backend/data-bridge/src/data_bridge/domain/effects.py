"""What a session asks its surroundings to do."""

from dataclasses import dataclass

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.ticks import TickBatch
from contracts.uplink import Control, Hello


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame to the terminal."""

    frame: Control


@dataclass(frozen=True, slots=True)
class Greet:
    """The Hello is good: ask for the account's lease, replace an older connection, ask the store, call `welcome`."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Lent:
    """The terminal was told that the account is its own: signals may follow."""


@dataclass(frozen=True, slots=True)
class AskStored:
    """Ask the store for its watermarks, then call `answered`; when it is silent do nothing."""

    epoch: int


@dataclass(frozen=True, slots=True)
class AwaitBus:
    """A publish failed: wait until the bus is back, ask the store if it answers, then call `bus_back`."""

    epoch: int


@dataclass(frozen=True, slots=True)
class KeepState:
    """Publish this account state; a newer one may replace it before it is on its way."""

    state: AccountState


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame or a connection was kept out: count it, audit it, keep the bytes aside."""

    code: str
    reason: str
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; everything said before goes out first."""

    code: str
    reason: str


Effect = Send | Greet | Lent | AskStored | AwaitBus | KeepState | Kept | Close


@dataclass(frozen=True, slots=True)
class TicksOut:
    """Publish this batch. Tell the session `published` or `failed` with this very object."""

    batch: TickBatch
    generation: int
    subject: str
    message_id: str


@dataclass(frozen=True, slots=True)
class ExecutionOut:
    """Publish this execution. Tell the session `published` or `failed` with this very object."""

    execution: Execution
    generation: int
    subject: str
    message_id: str


Outgoing = TicksOut | ExecutionOut
