"""The desk's surroundings for tests: a terminal of paper, a line that remembers, and good signals."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.domain.enrolment import Enrolment
from client_security.domain.signal_keys import SignalKeys
from client_security.domain.verification import Trust
from contracts.accounts import Side
from contracts.signals import Signal, SignedSignal, magic_of, short_id
from kit.keys import key_id
from kit.signing import sign
from kit.testing import FakeClock
from metatrader_connector.account_watch import AccountWatch
from metatrader_connector.adapters.journal import SqliteJournal
from metatrader_connector.adapters.limits_file import LimitsFile
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.limits import Quote
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.terminal import (
    AccountFacts,
    DealFacts,
    Findings,
    Opened,
    Picture,
    PositionFacts,
    Sent,
    SymbolFacts,
    TerminalFacts,
    held_back,
)
from metatrader_connector.order_desk import OrderDesk
from metatrader_connector.order_gate import OrderGate
from metatrader_connector.ports import TerminalDown

SYMBOL = SymbolFacts("EURUSD", "", 5, 1e-5, 1e5, 0.01, 100.0, 0.01, "EUR", "USD", 0, 3, 2, 4)
ACCOUNT = AccountFacts(1000001, "s", "c", "USD", 2, 100, 1.0, 1.0, 0.0, 1.0, 0.0, True, True)
FENCE = 7
OPENED = Opened("paper", "c", 1, True, False)


class Paper:
    """A terminal that does what `fate` says; `books` are the broker's deals."""

    opened, session, trouble = OPENED, 1, ""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.before_send: Callable[[], object] = lambda: None
        """What happens between the desk's decision and `order_send`."""
        self.price = 1.1
        self.fate: object = "done"
        self.requests: list[object] = []
        self.books: list[DealFacts] = []
        self.positions: tuple[PositionFacts, ...] = ()
        self.earned = 0.0
        """ what `result` says """
        self.asked_result: list[tuple[int, int]] = []
        self.account = ACCOUNT
        self.facts, self.symbol = TerminalFacts(True, True, False, 0), SYMBOL

    async def ready(self) -> Opened:
        return OPENED

    async def ticks(self, reads):
        return ()

    async def picture(self, symbols) -> Picture:
        return Picture(self.account, self.facts, self.positions, (self.symbol,), ())

    async def result(self, from_s: int, to_s: int) -> float:
        self.asked_result.append((from_s, to_s))
        return self.earned

    async def search(self, from_s: int, to_s: int) -> Findings:
        return Findings(True, (), (), (), tuple(self.books))

    async def send(self, request) -> Sent:
        self.requests.append(request)
        if isinstance(self.fate, Exception) and not isinstance(self.fate, TerminalDown):
            raise self.fate
        self.before_send()
        if held := held_back(request, self.price, self.clock.now_ms(), self.clock.boot_ns()):
            return Sent(0, 0, 0, 0.0, 0.0, "", *held, 0, 0, 1, ())
        number = len(self.books) + 1
        self.books.append(
            DealFacts(number, number, 0, request.type, request.magic, number, request.volume, 1.1, request.symbol,
                      request.comment)
        )  # fmt: skip
        if isinstance(self.fate, TerminalDown):
            raise self.fate
        return Sent(10009, number, number, request.volume, 1.1, "", 0, "", 1, 1, 1, ())


class Line:
    connected = True

    def __init__(self) -> None:
        self.sent, self.states = [], []

    def writable(self) -> bool:
        return True

    async def until_writable(self) -> None:
        return

    def close(self) -> None:
        self.connected = False

    def send_ticks(self, frame: bytes) -> bool:
        return True

    def ask(self) -> int:
        return 0

    def send_execution(self, execution) -> bool:
        self.sent.append(execution)
        return True

    def send_state(self, state) -> bool:
        self.states.append(state)
        return True


class Log:
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def append(self, at_ms: int, kind: str, subject: str, detail: dict[str, str]) -> None:
        self.kinds.append(kind)


class Confirmations:
    """The part of the vault that keeps confirmed limits."""

    document: bytes | None = None

    def confirmed_limits(self) -> bytes | None:
        return self.document

    def confirm_limits(self, document: bytes) -> None:
        self.document = document


class Room:
    """Everything around the desk; `signal()` makes a good one."""

    def __init__(self, tmp_path) -> None:
        self.clock, self.key = FakeClock(), Ed25519PrivateKey.generate()
        self.rotation = Ed25519PrivateKey.generate()
        self.terminal, self.line, self.audit = Paper(self.clock), Line(), Log()
        self.path = tmp_path / "journal.db"
        self.limits_path = tmp_path / "limits.json"
        self.vault = Confirmations()
        self.limits = LimitsFile(self.limits_path, self.vault, self.clock)
        self.count = 0
        self.halt: bytes | None = None
        self.open()

    def open(self) -> None:
        now = self.clock.now_ms()
        self.server_clock = ServerClock()
        self.server_ahead(0)
        self.journal = SqliteJournal(self.path, 7, now)
        enrolment = Enrolment("ws://127.0.0.1/", "default", "1000001", "a.b.c", {}, 1)
        self.watch = AccountWatch(
            self.terminal, self.line, enrolment, self.clock, "utc", (), 9, dict, lambda: (), self.server_clock
        )
        self.keys = SignalKeys({key_id(self.key): self.key.public_key()}, self.rotation.public_key())
        trust = Trust("default", "1000001", self.keys, self.journal.created_ms)
        self.quotes = {"EURUSD": Quote(1.0999, 1.1, now)}
        self.lease = Lease(FENCE, self.clock.boot_ns() + 10**15)
        gate = OrderGate(self.journal, self.watch, self.clock, self.limits, lambda: self.halt, self.quotes)
        self.desk = OrderDesk(
            self.terminal, self.journal, self.line, self.watch, self.audit, trust, self.clock, "utc", gate, 1_000, 1.0,
            self.lease, self.server_clock,
        )  # fmt: skip

    def limit(self, document: str) -> None:
        """The trader changes the limits and confirms."""
        self.limits_path.write_text(document)
        self.vault.confirm_limits(document.encode())

    def server_ahead(self, ms: int) -> None:
        """The server's clock says so much more than this PC's."""
        self.server_clock._heard.clear()
        self.server_clock.heard(self.clock.boot_ns(), self.clock.boot_ns(), self.clock.now_ms() + ms)

    def signal(self, **change: object) -> Signal:
        self.count += 1
        identity = f"{self.count:08x}" * 4
        now = self.clock.now_ms()
        base = Signal(
            identity, f"o{self.count}", "default", "1000001", "s", self.count, now, now + 4_000, "EURUSD", Side.BUY,
            Decimal("0.1"), 0, 1.1, 10, magic_of(identity), short_id(identity), fence=FENCE,
        )  # fmt: skip
        return msgspec.structs.replace(base, **change)

    def signed(self, signal: Signal) -> SignedSignal:
        """As the server sends it."""
        return sign(signal, self.key)

    async def give(self, signal: Signal, key: Ed25519PrivateKey | None = None):
        await self.watch.look(OPENED)
        await self.desk.judge(sign(signal, key or self.key), self.clock.now_ms(), 0)
        return self.line.sent[-1]
