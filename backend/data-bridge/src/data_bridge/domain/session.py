"""The conversation with one terminal: frames in, effects and messages for the bus out."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from contracts.accounts import AccountState
from contracts.executions import Execution
from contracts.rpc import LeaseTaken, Stored
from contracts.ticks import TickBatch
from contracts.uplink import SILENT_MS, AccountFrame, Control, Goodbye, Hello, Ping, Pong, Refused, UpFrame, Welcome
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import (
    AskStored,
    AwaitBus,
    Close,
    Effect,
    Greet,
    KeepState,
    Kept,
    Lent,
    Outgoing,
    Send,
)
from data_bridge.domain.figures import state_fault
from data_bridge.domain.greeting import Identity, objection
from data_bridge.domain.intake import Intake
from data_bridge.domain.lease import LeaseHold
from data_bridge.domain.posture import Posture

HELLO_WITHIN_MS = 5_000
STRIKES_PER_MINUTE = 16
"""Frames kept out within a minute before the bridge hangs up: a broken or hostile connector, not a glitch."""

_decode = msgspec.msgpack.Decoder(UpFrame).decode


class Phase(Enum):
    """Where the conversation stands."""

    HELLO = "hello"  # nothing was said yet
    GREETING = "greeting"  # the store is being asked
    OPEN = "open"
    CLOSED = "closed"


@dataclass(slots=True)
class Session:
    """One connection. Call `receive` with each frame and `tick` a few times a second; after each call carry out
    what `drain` returns, and publish what `next_message` returns, in that order, as the bus has room."""

    who: Identity
    id: str
    counts: Counts
    opened_ms: int
    phase: Phase = Phase.HELLO
    oldest_version: str = "0.1.0"
    """Clients older than this get no signals."""
    lease: LeaseHold = field(default_factory=LeaseHold)
    posture: Posture = field(init=False)
    newest_state: AccountState | None = None
    """As the terminal told it."""
    intake: Intake = field(init=False)
    effects: list[Effect] = field(default_factory=list)
    heard_ms: int = 0
    awaiting_bus: bool = False
    strikes: deque[int] = field(default_factory=deque)
    """When frames were kept out, within the last minute."""

    def __post_init__(self) -> None:
        self.heard_ms = self.opened_ms
        self.posture = Posture(self.oldest_version)
        self.intake = Intake(self.who, self.counts, self.effects, self.opened_ms)

    def receive(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take one frame. `data` is not kept: what is needed is copied out of it."""
        self.heard_ms = now_ms
        self.counts.frames += 1
        self.counts.bytes += len(data)
        try:
            message = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.keep_out("malformed", f"{len(data)} bytes are not a frame: {error}", bytes(data), now_ms)
            return
        if self.phase is not Phase.OPEN:
            self._greet(message, data, now_ms)
            return
        if type(message) is TickBatch:
            fault = self.intake.ticks(message, now_ms)
        elif type(message) is Execution:
            fault = self.intake.execution(message, now_ms)
        elif type(message) is AccountFrame:
            fault = self._state(message, now_ms)
        else:
            fault = self._control(message, now_ms)
        if fault is not None:
            self.keep_out(fault[0], fault[1], bytes(data), now_ms)

    def keep_out(self, code: str, reason: str, frame: bytes, now_ms: int) -> None:
        """Refuse one frame; hang up when it happens again and again."""
        if self.phase is Phase.CLOSED:
            return
        self.effects.append(Kept(code, reason, frame))
        if self.phase is Phase.HELLO:
            self._close(Goodbye("hello_expected" if code == "hello_expected" else "malformed", reason, retry=False))
            return
        strikes = self.strikes
        strikes.append(now_ms)
        while strikes[0] <= now_ms - 60_000:
            strikes.popleft()
        if len(strikes) >= STRIKES_PER_MINUTE:
            self._close(
                Goodbye("malformed", f"{len(strikes)} frames were refused within a minute; last: {reason}", True)
            )
        else:
            self.effects.append(Send(Control(Refused(code, reason))))

    def _greet(self, message: UpFrame, data: bytes | memoryview, now_ms: int) -> None:
        if self.phase is Phase.CLOSED:
            return
        if self.phase is Phase.GREETING:
            if not isinstance(message, Control) or not isinstance(message.body, Ping | Pong):
                self.keep_out("not_welcomed", "wait for Welcome before sending anything", bytes(data), now_ms)
            elif isinstance(message.body, Ping):
                self.effects.append(Send(Control(Pong(message.body.sent_ms, now_ms))))
            return
        if not isinstance(message, Control) or not isinstance(message.body, Hello):
            self.keep_out("hello_expected", "the first frame must be Hello", bytes(data), now_ms)
            return
        no = objection(message.body, self.who, now_ms)
        if no is not None:
            self.effects.append(Kept(no.code, no.reason))
            self._close(no)
            return
        self.phase = Phase.GREETING
        self.posture.version, self.posture.journal = message.body.client_version, message.body.journal
        self.effects.append(Greet(message.body))

    def welcome(self, stored: Stored, epoch: int, now_ms: int) -> bool:
        """The store answered: the terminal may send. False: it has gone meanwhile."""
        if self.phase is not Phase.GREETING:
            return False
        self.phase = Phase.OPEN
        self.intake.begin(stored, epoch, now_ms)
        welcome = Welcome(stored.streams, self.intake.executions.stored, now_ms, self.id)
        self.effects += [Send(Control(welcome)), Send(Control(Ping(self.posture.ask(now_ms))))]
        return True

    def lent(self, answer: LeaseTaken, now_ms: int) -> None:
        """The store lent the account to this client."""
        if self.phase is not Phase.CLOSED:
            self.lease.taken(answer, now_ms)

    def goodbye(self, code: str, reason: str, *, retry: bool) -> None:
        """Say goodbye and close, for a reason that lies outside of this conversation."""
        if self.phase is not Phase.CLOSED:
            self._close(Goodbye(code, reason, retry))

    def _close(self, last_words: Goodbye) -> None:
        self.phase = Phase.CLOSED
        self.effects += [Send(Control(last_words)), Close(last_words.code, last_words.reason)]

    def _state(self, frame: AccountFrame, now_ms: int) -> tuple[str, str] | None:
        state = frame.state
        if (state.tenant, state.account) != (self.who.tenant, self.who.account):
            return "wrong_account", "the account state names another tenant or account than the token"
        if fault := state_fault(state):
            return "bad_price", fault
        self.newest_state = state
        self._tell_state(now_ms)
        return None

    def _tell_state(self, now_ms: int) -> None:
        """Publish the terminal's newest picture with what only the bridge knows: its lease, and what speaks against
        giving it orders. The engine makes orders out to that lease."""
        if (state := self.newest_state) is None:
            return
        fence = self.lease.granted(now_ms) if self.lease.told else 0
        because = state.trade_blocked_because or self.withheld(now_ms)
        if not fence and not because:
            # nobody could execute an order made out to no lease
            because = "the client was lent the account this moment; it trades from its next question on"
        state = msgspec.structs.replace(
            state,
            fence=fence,
            trade_allowed=state.trade_allowed and not because,
            trade_blocked_because=because,
        )
        self.effects.append(KeepState(state))

    def withheld(self, now_ms: int) -> str:
        """Why this terminal gets no signals now; empty when it does."""
        return self.posture.trouble() or self.lease.trouble(now_ms)

    def _pong(self, ping: Ping, now_ms: int) -> None:
        fence = self.lease.granted(now_ms)
        self.effects.append(Send(Control(Pong(ping.sent_ms, now_ms, fence))))
        if fence and not self.lease.told:
            self.lease.told = True
            self.effects.append(Lent())
            self._tell_state(now_ms)

    def _control(self, frame: Control, now_ms: int) -> tuple[str, str] | None:
        body = frame.body
        if isinstance(body, Ping):
            self._pong(body, now_ms)
        elif isinstance(body, Goodbye):
            self.phase = Phase.CLOSED
            self.effects.append(Close("terminal_left", body.reason))
        elif isinstance(body, Pong):
            before = self.posture.trouble()
            self.posture.heard(body.sent_ms, body.at_ms, now_ms)
            if self.posture.trouble() != before:
                self._tell_state(now_ms)
        else:
            return "unexpected", f"a terminal does not send {type(body).__name__} here"
        return None

    def stored(self, stored: Stored, now_ms: int) -> None:
        """The store told what it has committed."""
        if self.phase is Phase.OPEN:
            self.intake.heard(stored, now_ms)

    def answered(self, stored: Stored, now_ms: int) -> None:
        """The store answered after a silence: what it does not have is asked of the terminal again."""
        if self.phase is Phase.OPEN:
            self.intake.answered(stored, now_ms)

    def next_message(self, now_ms: int) -> Outgoing | None:
        """The next message for the bus; None when there is nothing now."""
        return self.intake.pop(now_ms)

    def published(self, message: Outgoing) -> None:
        """The bus has it."""
        self.counts.published += 1

    def failed(self, message: Outgoing) -> None:
        """The bus may not have it: stop that stream until the bus is back."""
        self.counts.publish_failures += 1
        if self.intake.halt(message) and not self.awaiting_bus and self.phase is Phase.OPEN:
            self.awaiting_bus = True
            self.effects.append(AwaitBus(self.intake.epoch))

    def bus_back(self, stored: Stored | None, now_ms: int) -> None:
        """The bus answers again; `stored` is what the store said, None when it did not answer."""
        self.awaiting_bus = False
        if self.phase is Phase.OPEN:
            self.intake.resume(stored, now_ms)

    def tick(self, now_ms: int, *, reading: bool) -> None:
        """Look at the clock. `reading` false: the bridge itself does not listen now, so silence proves nothing."""
        if self.phase is Phase.CLOSED:
            return
        if not reading:
            self.heard_ms = now_ms
        if now_ms >= self.who.expires_ms:
            self.goodbye(
                "token_expired", "the terminal's certificate has expired; renew it and connect again", retry=True
            )
        elif self.phase is Phase.HELLO:
            if now_ms - self.opened_ms >= HELLO_WITHIN_MS:
                reason = f"no Hello within {HELLO_WITHIN_MS // 1000} s"
                self.effects.append(Kept("hello_expected", reason))
                self.goodbye("hello_expected", reason, retry=True)
            return
        elif now_ms - self.heard_ms >= SILENT_MS:
            self.goodbye("silent", f"nothing was heard for {SILENT_MS // 1000} s", retry=True)
        elif self.intake.executions.hopeless(now_ms):
            reason = f"execution {self.intake.executions.expected} is missing; connect again and repeat"
            self.goodbye("execution_gap", reason, retry=True)
        elif self.phase is Phase.OPEN and self.posture.due(now_ms):
            self.effects.append(Send(Control(Ping(self.posture.ask(now_ms)))))
        if self.phase is Phase.OPEN and not self.awaiting_bus and self.intake.look(now_ms):
            self.effects.append(AskStored(self.intake.epoch))

    def renewed(self, expires_ms: int) -> None:
        """The terminal has a newer certificate: this connection may live as long as that."""
        self.who = msgspec.structs.replace(self.who, expires_ms=expires_ms)

    def revoked(self, reason: str) -> None:
        """The operator has cut the terminal off; it is told at the next look at the clock, and hung up on."""
        self.goodbye("revoked", f"this terminal was revoked: {reason}", retry=False)

    def suspended(self) -> None:
        """Nothing is done for the tenant now; the client asks again until it is resumed."""
        self.goodbye("tenant_suspended", "this organisation is suspended; ask whoever runs the platform", retry=True)

    def drain(self, now_ms: int) -> list[Effect]:
        """What is to be done now, in order."""
        due = self.effects[:]
        self.effects.clear()
        return due

    def unanswered(self, now_ms: int) -> None:
        """The store did not answer."""
        self.intake.unanswered(now_ms)
