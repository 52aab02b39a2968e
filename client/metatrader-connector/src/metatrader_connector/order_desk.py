"""The way of an order: believe, check, journal, send once, report; and search for what was left unanswered."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from client_security.domain.refusal import Refusal
from client_security.domain.verification import Trust, authentic, in_time
from contracts.accounts import Side
from contracts.executions import FINAL_EXECUTIONS, Execution, ExecutionState
from contracts.signals import Signal, SignedSignal, signal_bytes
from kit import log
from kit.clock import Clock
from kit.limits import Limiter
from metatrader_connector.account_watch import HEDGING, AccountWatch
from metatrader_connector.domain.broker_clock import one_to_utc, to_broker
from metatrader_connector.domain.executor import (
    Entry,
    Outcome,
    answered,
    earliest_ms,
    execution,
    looked,
    overdue,
    request_of,
)
from metatrader_connector.domain.exposure import DAY_S
from metatrader_connector.domain.filling import RETURN
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.terminal import EXPIRED, HELD_BACK, Request, Sent
from metatrader_connector.failpoints import Failpoint, never
from metatrader_connector.order_gate import OrderGate
from metatrader_connector.ports import Audit, Journal, Line, NotSent, Terminal, TerminalDown

WAITING_SIGNALS = 256
DISBELIEVED_A_MINUTE = 30
"""Answered and written down; whoever sends more could fill this PC's disk with what nobody signed."""
MAYBE_EXECUTED = frozenset({"fenced", "replayed"})
"""Refusals of what another client, or this one before its journal began, may have executed: the broker's books know."""
_log = log.get("orders")


@dataclass(slots=True)
class OrderDesk:
    """Hand every signed signal to `receive`; run `run()` and `resolve()` as tasks."""

    terminal: Terminal
    journal: Journal
    line: Line
    watch: AccountWatch
    audit: Audit
    trust: Trust
    clock: Clock
    zone: str
    gate: OrderGate
    not_sent_after_ms: int
    search_every_s: float
    lease: Lease
    server_clock: ServerClock
    failpoint: Failpoint = never
    counts: dict[str, int] = field(default_factory=dict)
    """ state -> executions of this run """
    searching: dict[str, Entry] = field(default_factory=dict)
    """ signal id -> order whose fate is being looked for """
    _queue: "asyncio.Queue[tuple[SignedSignal, int, int]]" = field(
        default_factory=lambda: asyncio.Queue(WAITING_SIGNALS)
    )
    _told: dict[tuple[str, str], Execution] = field(default_factory=dict)
    _filling: dict[str, int] = field(default_factory=dict)
    """ symbol -> the filling mode it took last """
    _taken_back: set[int] = field(default_factory=set)
    """ tickets of rests that were asked back """
    _doubts: Limiter = field(default_factory=lambda: Limiter(DISBELIEVED_A_MINUTE))
    _unanswered: int = 0
    """Signals that were not believed since the last one that was written down."""

    async def receive(self, signed: SignedSignal, received_ns: int) -> None:
        """Queue a signal; when the queue is full the socket waits, and what waits too long expires."""
        await self._queue.put((signed, self.clock.now_ms(), received_ns))

    async def run(self) -> None:
        """Take one signal after the other, until cancelled."""
        while True:
            signed, received_ms, received_ns = await self._queue.get()
            await self.judge(signed, received_ms, received_ns)

    async def judge(self, signed: SignedSignal, received_ms: int, received_ns: int) -> None:
        """Believe or refuse, execute at most once, report."""
        self.failpoint("received")
        signal = authentic(signed, self.trust, self.clock.now_ms())
        known = await self.journal.find(signed.signal_id)
        if known is not None and (isinstance(signal, Signal) or _same(known[0], signed)):
            # a redelivery: the answer is the one that was given; an unfinished order is being searched for
            if known[1] is not None:
                self._send(known[1])
            return
        if isinstance(signal, Refusal):
            await self._disbelieve(signed, signal, received_ms)
            return
        self.failpoint("believed")
        entry = Entry(signal, ExecutionState.UNKNOWN, received_ms, self.clock.now_ms(), 0, key_id=signed.key_id)
        # whose it is comes first: of another client's signal nobody here may say that it was not executed
        refusal = self.lease.foreign(signal) or self._out_of_time(signal) or self._repeated(signed.key_id, signal)
        if refusal is not None and refusal.code in MAYBE_EXECUTED:
            # never sent from here, and not forgotten either: whoever it was made for may never be able to tell
            reason = f"{refusal.reason}; the broker's books are being searched"
            await self._close(entry, Outcome(ExecutionState.UNKNOWN, refusal.code, reason))
        elif (refusal := refusal or await self.gate.refusal(signal, self.searching)) is not None:
            # journaled, whatever the reason: what was once answered with no is never sent, should it come again
            await self._close(entry, Outcome(ExecutionState.REFUSED, refusal.code, refusal.reason))
        elif (refusal := self.lease.over(self.clock.boot_ns())) is not None:
            # made out to this very client, and not sent: nobody else can have executed it
            await self._close(entry, Outcome(ExecutionState.NOT_SENT, refusal.code, refusal.reason))
        else:
            await self._execute(entry, received_ns)

    def _out_of_time(self, signal: Signal) -> Refusal | None:
        now = self.clock.now_ms()
        if trouble := self.server_clock.trouble(now, self.clock.boot_ns()):
            return Refusal("clock", trouble)
        return in_time(signal, self.trust, now)

    def _repeated(self, key_id: str, signal: Signal) -> Refusal | None:
        """A signal this client has not seen may still be an old one."""
        newest = self.journal.newest_seq(key_id, signal.account)
        if signal.seq <= newest:
            return Refusal(
                "out_of_order", f"its number {signal.seq} is not above {newest}, the newest seen of its key: a replay"
            )
        return None

    async def _execute(self, entry: Entry, received_ns: int) -> None:
        signal, picture = entry.signal, self.watch.picture
        assert picture is not None, "a terminal that is down was refused before"
        account, symbol = picture.account, self.watch.facts[signal.symbol]
        worked = self._filling.get(signal.symbol)
        request = request_of(signal, symbol, self.lease.until_ns, account.login, account.server, worked)
        entry = msgspec.structs.replace(entry, journaled_ms=self.clock.now_ms(), hedging=account.margin_mode == HEDGING)
        self.failpoint("allowed")
        await self.journal.begin(entry)
        self.failpoint("after_journal")
        sent = await self._sent_once(request)
        self.failpoint("after_send")
        if isinstance(sent, str):
            unknown = Outcome(ExecutionState.UNKNOWN, "no_answer", f"{sent}; the broker's books are being searched")
            await self._close(entry, unknown)
            return
        entry = msgspec.structs.replace(
            entry,
            sent_ms=sent.sent_ms,
            answered_ms=self.clock.now_ms(),
            decided_us=max(0, (sent.sent_ns - received_ns) // 1000) if sent.sent_ns else 0,
            tick_time_msc=one_to_utc(self.zone, sent.tick_time_msc, self.clock.now_ms()),
        )
        if (code := HELD_BACK.get(sent.error)) is not None:
            await self._close(entry, Outcome(ExecutionState.NOT_SENT, code, f"not sent: {sent.text}"))
            return
        outcome = answered(entry, sent, sent.filling == RETURN)
        self.gate.answered(signal, outcome)
        if outcome.filled:
            self._filling[signal.symbol] = sent.filling
        await self._close(entry, outcome)

    async def _sent_once(self, request: Request) -> Sent | str:
        """The terminal's answer; a sentence when there is none and nothing is known."""
        sending = asyncio.create_task(self.terminal.send(request))
        await asyncio.sleep(0)
        try:
            if self.failpoint is not never:
                await asyncio.wait({sending}, timeout=0.05)  # let the request reach the terminal process
                self.failpoint("during_send")
            return await sending
        except NotSent as error:
            return Sent(0, 0, 0, 0.0, 0.0, "", EXPIRED, str(error), 0, 0, 0, ())
        except TerminalDown as error:
            return str(error)

    async def _disbelieve(self, signed: SignedSignal, refusal: Refusal, received_ms: int) -> None:
        """Answer a signal that was not believed. Its id is not remembered: a true signal of that id may still come.
        Of a flood so many a minute are answered; the others are counted."""
        key = (signed.signal_id, refusal.code)
        if (told := self._told.get(key)) is not None:
            self._send(told)
            return
        if self._doubts.wait_ms("", self.clock.now_ms()):
            self._unanswered += 1
            return
        if self._unanswered:
            count, self._unanswered = {"count": str(self._unanswered)}, 0
            await asyncio.to_thread(self.audit.append, self.clock.now_ms(), "signals_disbelieved", "", count)
        signal = Signal(
            signed.signal_id[:64], "", self.trust.tenant, self.trust.account, "", 0, 0, signed.expires_ms, "", Side.BUY,
            Decimal(0), 0, 0.0, 0, 0, "",
        )  # fmt: skip
        entry = Entry(signal, ExecutionState.REFUSED, received_ms, 0, 0)
        outcome = Outcome(ExecutionState.REFUSED, refusal.code, refusal.reason)
        report = await self._write(None, execution(entry, outcome, self.journal.epoch))
        if len(self._told) >= WAITING_SIGNALS:
            self._told.pop(next(iter(self._told)))
        self._told[key] = report

    async def _close(self, entry: Entry, outcome: Outcome) -> None:
        final = outcome.state in FINAL_EXECUTIONS
        entry = msgspec.structs.replace(entry, state=outcome.state, sending=False, absent_reads=0)
        if final:
            self.searching.pop(entry.signal.id, None)
        else:
            self.searching[entry.signal.id] = entry
        await self._write(entry, execution(entry, outcome, self.journal.epoch))
        if outcome.state is not ExecutionState.REFUSED:  # what was refused has changed nothing at the broker
            self.watch.look_soon()

    async def _write(self, entry: Entry | None, report: Execution) -> Execution:
        self.failpoint("before_outcome")
        numbered = await self.journal.report(entry, report)
        self.failpoint("before_report")
        self._send(numbered)
        self.failpoint("after_report")
        self.counts[numbered.state.value] = self.counts.get(numbered.state.value, 0) + 1
        _log.info("execution", signal=numbered.signal_id, state=numbered.state, code=numbered.code)
        kind = "order_" + numbered.state.value.lower()
        detail = {"code": numbered.code, "reason": numbered.reason, "symbol": numbered.symbol}
        detail |= {"side": numbered.side.value, "volume": str(numbered.volume), "ticket": str(numbered.ticket)}
        await asyncio.to_thread(self.audit.append, self.clock.now_ms(), kind, numbered.signal_id, detail)
        self.failpoint("after_audit")
        return numbered

    def _send(self, report: Execution) -> None:
        self.line.send_execution(report)

    async def begin(self) -> None:
        """On a start: everything whose answer was not journaled is searched for, never sent again."""
        for entry in await self.journal.unresolved():
            self.searching[entry.signal.id] = msgspec.structs.replace(entry, absent_reads=0)

    async def resolve(self) -> None:
        """Search for unanswered orders until cancelled."""
        while True:
            if self.searching:
                await self.terminal.ready()
                try:
                    await self.search_once()
                except TerminalDown as error:
                    _log.warning("search_failed", reason=str(error))
            await asyncio.sleep(self.search_every_s)

    async def search_once(self) -> None:
        """One look at the broker's books for all of them. A failed look proves nothing."""
        if self.watch.picture is None or not self.watch.clock_known:
            return  # perhaps another account is logged in: its books say nothing about ours
        entries = list(self.searching.values())
        began = min(earliest_ms(entry) for entry in entries)
        now = self.clock.now_ms()
        # broker time may be ahead of ours, and the newest deals must not be cut off: one day more on both sides
        from_s = max(1, to_broker(self.zone, began) // 1000 - DAY_S)
        found = await self.terminal.search(from_s, to_broker(self.zone, now) // 1000 + DAY_S)
        self.failpoint("after_search")
        for before in entries:
            sent_broker_ms = to_broker(self.zone, earliest_ms(before))
            entry, outcome = looked(before, found, sent_broker_ms, self.clock.now_ms(), self.not_sent_after_ms)
            if outcome is not None:
                await self._close(entry, outcome)
                continue
            self.searching[entry.signal.id] = entry
            if (ticket := overdue(entry, found, self.clock.now_ms())) and ticket not in self._taken_back:
                await self._take_back(entry, ticket)

    async def _take_back(self, entry: Entry, ticket: int) -> None:
        """A rest must not outlive its signal. What came of it the next search says."""
        self._taken_back.add(ticket)
        try:
            retcode = await self.terminal.remove(ticket)
        except NotSent:
            self._taken_back.discard(ticket)
            return
        detail = {"ticket": str(ticket), "retcode": str(retcode)}
        await asyncio.to_thread(self.audit.append, self.clock.now_ms(), "rest_taken_back", entry.signal.id, detail)


def _same(entry: Entry, signed: SignedSignal) -> bool:
    """It is the very signal that was believed once, though its key has ended since."""
    return entry.key_id == signed.key_id and signal_bytes(entry.signal) == signed.payload
