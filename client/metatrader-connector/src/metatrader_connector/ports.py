"""What the connector needs of the world, in its own words."""

from typing import NamedTuple, Protocol

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.rotation import SignedKeyList
from contracts.ticks import TickBatch
from metatrader_connector.domain.cursor import Cursor
from metatrader_connector.domain.executor import Entry
from metatrader_connector.domain.terminal import Findings, Opened, Picture, Request, Sent, TickRead


class TerminalDown(Exception):
    """The terminal did not answer; whether a call reached it is not known. It is being started again."""


class NotSent(Exception):
    """The call never left this process, so it can have had no effect."""


class LimitsUnreadable(Exception):
    """The limits file can't be used; nothing is traded until it can."""


class Terminal(Protocol):
    """One MT5 terminal. Calls raise TerminalDown; orders go ahead of reads."""

    opened: Opened | None
    """None while it is down."""
    session: int
    """Rises with every new start."""

    async def ready(self) -> Opened:
        """Wait until the terminal is open."""
        ...

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, oldest first; None where the terminal refused (unknown symbol)."""
        ...

    async def picture(self, symbols: tuple[str, ...]) -> Picture:
        """Everything about account and symbols; all symbols of Market Watch when none are named."""
        ...

    async def send(self, request: Request) -> Sent:
        """Send a market order once. Raises NotSent when it certainly was not sent."""
        ...

    async def search(self, from_s: int, to_s: int) -> Findings:
        """Everything that could be an order's trace between two broker times."""
        ...


class SpoolFull(Exception):
    """The spool has reached its limit; read no more from the terminal until `room` says so."""


class Spool(Protocol):
    """Ticks that the store does not have yet, and how far each symbol was read."""

    epoch: int
    refused: dict[str, int]
    """ reason -> ticks kept out since the spool was made """

    def room(self) -> bool:
        """Whether more may be appended."""
        ...

    async def cursors(self) -> dict[str, Cursor]:
        """Where reading stands, per symbol."""
        ...

    async def spooled(self) -> dict[str, int]:
        """Newest number per symbol."""
        ...

    async def oldest(self) -> dict[str, int]:
        """Lowest number per symbol that can still be sent."""
        ...

    async def append(
        self,
        batches: tuple[TickBatch, ...],
        cursors: tuple[Cursor, ...],
        refused: dict[str, int] | None = None,
        epoch: int = 0,
    ) -> tuple[tuple[TickBatch, bytes], ...]:
        """Keep all of it in one transaction; on disk when this returns, with each batch's bytes. Raises SpoolFull.

        `epoch`: the one in which the cursors were read; 0: that of the batches.
        """
        ...

    async def read(self, symbol: str, from_seq: int, most: int) -> TickBatch | None:
        """At most `most` ticks of the symbol from `from_seq` on, joined; None when there are none."""
        ...

    async def trim(self, stored: dict[str, int]) -> None:
        """Forget what the store has."""
        ...

    async def begin_epoch(self, epoch: int) -> None:
        """Number what waits anew."""
        ...


class Journal(Protocol):
    """What this client was told to trade, and what came of it. Every write is on disk when it returns."""

    epoch: int
    created_ms: int
    newest_number: int
    name: str
    """Made with the journal: another journal does not know what this one executed."""
    last_session: str
    """The session in which the server last lent us the account."""

    async def held_in(self, session: str) -> None:
        """The server lends us the account in this session."""
        ...

    def newest_seq(self, key_id: str, account: str) -> int:
        """Highest number of a signal of this key that was answered; 0 when there was none."""
        ...

    async def find(self, signal_id: str) -> tuple[Entry, Execution | None] | None:
        """An order that is known, with its newest execution."""
        ...

    async def begin(self, entry: Entry) -> None:
        """Before `order_send`: the intent."""
        ...

    async def report(self, entry: Entry | None, execution: Execution) -> Execution:
        """What came of it; returns the execution with its number. `entry` None: remember no order."""
        ...

    async def unresolved(self) -> list[Entry]:
        """Orders whose fate is not known."""
        ...

    async def begun_since(self, since_ms: int) -> int:
        """How many orders were sent since then."""
        ...

    async def not_stored(self, above: int) -> list[Execution]:
        """Executions the server does not have."""
        ...

    async def stored(self, number: int) -> None:
        """The server has everything up to here."""
        ...

    async def adopt_epoch(self, epoch: int, stored: int | None = None) -> None:
        """Number what the server does not have anew. `stored`: what it has of the old epoch, if it said so."""
        ...


class Standing(NamedTuple):
    """What this client says of itself when it asks for the account; see `contracts.uplink.Hello`."""

    journal: str = ""
    last_session: str = ""
    claim: bool = False


class Confirmed(Protocol):
    """Where the limits lie that the trader confirmed on this PC. Both raise VaultRefused."""

    def confirmed_limits(self) -> bytes | None:
        """The confirmed document; None when none was ever."""
        ...

    def confirm_limits(self, document: bytes) -> None:
        """This is what counts."""
        ...


class Keeps(Protocol):
    """Where the newest list of signal keys lies."""

    def keep_signal_keys(self, signed: SignedKeyList) -> None:
        """On disk when this returns."""
        ...


class Line(Protocol):
    """The connection to the server, as those see it who have something to send."""

    connected: bool

    def writable(self) -> bool:
        """Whether ticks may be sent now."""
        ...

    async def until_writable(self) -> None:
        """Wait until they may (or the connection has ended)."""
        ...

    def send_ticks(self, frame: bytes) -> bool:
        """Send an encoded TickBatch. False: not connected."""
        ...

    def ask(self) -> int:
        """Send a question behind everything that was sent; the answer holds this stamp. 0: not connected."""
        ...

    def send_execution(self, execution: Execution) -> bool:
        """Send at once. False: not connected."""
        ...

    def send_state(self, state: AccountState) -> bool:
        """Send a picture of the account. False: not connected."""
        ...


class Audit(Protocol):
    """The trader's own log of orders and refusals."""

    def append(self, at_ms: int, kind: str, subject: str, detail: dict[str, str]) -> object:
        """Write one record, durably."""
        ...
