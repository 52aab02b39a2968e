"""What the connector needs of the world, in its own words."""

from typing import NamedTuple, Protocol

from contracts.accounts import AccountState, TickGap
from contracts.executions import Execution
from contracts.rotation import SignedKeyList
from contracts.ticks import TickBatch
from kit.errors import KitError
from metatrader_connector.domain.cursor import Cursor
from metatrader_connector.domain.ea_facts import Calendar, Kept
from metatrader_connector.domain.executor import Entry
from metatrader_connector.domain.terminal import Findings, Listed, Opened, Picture, RangeRead, Request, Sent, TickRead


class TerminalDown(Exception):
    """The terminal did not answer; whether a call reached it is not known. It is being started again."""


class NotSent(Exception):
    """The call never left this process, so it can have had no effect."""


class StorageFailed(KitError):
    """The disk did not take a write; nothing of it was kept. The text names the file and says what to do."""


class LimitsUnreadable(Exception):
    """The limits file can't be used; nothing is traded until it can."""


class Terminal(Protocol):
    """One MT5 terminal. Calls raise TerminalDown; orders go ahead of reads."""

    @property
    def opened(self) -> Opened | None:
        """None while it is down."""
        ...

    @property
    def session(self) -> int:
        """Rises with every new start."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is down."""
        ...

    async def ready(self) -> Opened:
        """Wait until the terminal is open."""
        ...

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, oldest first; None where the terminal refused (unknown symbol)."""
        ...

    async def ticks_range(self, read: RangeRead) -> bytes | None:
        """Packed rows between two broker seconds, both included; None where the terminal refused."""
        ...

    async def hours(self, symbol: str) -> tuple[int, ...]:
        """Broker seconds at which the bars of an hour opened in about a year, oldest first."""
        ...

    async def listed(self) -> tuple[Listed, ...]:
        """Every symbol of the broker, in Market Watch or not."""
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

    async def result(self, from_s: int, to_s: int) -> float:
        """What trading earned between two broker times, in the account's currency, without deposits."""
        ...

    async def remove(self, ticket: int) -> int:
        """Take back what rests of an order at the broker; MT5's retcode, 0 without an answer. Raises NotSent."""
        ...


class TickSource(Protocol):
    """Where new ticks come from. A read begins at its second, whoever answers it, and gives the terminal's own rows in
    the terminal's order: so one cursor reads any source, and going from one to another neither loses nor doubles."""

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, oldest first; None where there is no such symbol. Raises TerminalDown."""
        ...

    async def news(self, at_most_s: float) -> None:
        """Wait until there may be something new, at most so long."""
        ...


class Spool(Protocol):
    """Ticks that the store does not have yet, and how far each symbol was read."""

    epoch: int
    refused: dict[str, int]
    """ reason -> ticks kept out since the spool was made """
    gaps: tuple[TickGap, ...]
    """What is lost for good, oldest first."""

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
        """Keep all of it in one transaction; on disk when this returns, with each batch's bytes. Raises StorageFailed.
        A full spool drops its oldest and records the gap.

        `epoch`: the one in which the cursors were read; 0: that of the batches.
        """
        ...

    async def read(self, symbol: str, from_seq: int, most: int) -> TickBatch | None:
        """At most `most` ticks of the symbol from `from_seq` on, joined; None when there are none."""
        ...

    async def trim(self, stored: dict[str, int]) -> None:
        """Forget what the store has."""
        ...

    async def age(self, now_ms: int) -> None:
        """Drop what has waited for too long, and record the gap."""
        ...

    async def lost(self, gap: TickGap) -> None:
        """Record ticks that never came here."""
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

    def close(self) -> None:
        """Hang up; the connection is made again at once."""
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


class EaWire(Protocol):
    """One connection to the EA."""

    def send(self, frame: bytes) -> None:
        """One frame."""
        ...

    def close(self, why: str) -> None:
        """Say why, and hang up."""
        ...


class EaKeeper(Protocol):
    """Where what the EA tells is kept. Raises OSError."""

    def keep_facts(self, kept: Kept) -> None:
        """For the next start."""
        ...

    def keep_calendar(self, calendar: Calendar) -> None:
        """For the data collector."""
        ...
