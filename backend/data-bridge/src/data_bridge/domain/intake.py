"""What a welcomed terminal sends: every tick stream and the executions, measured against what the store has."""

from collections import deque
from dataclasses import dataclass, field

from contracts import subjects
from contracts.executions import Execution
from contracts.rpc import Stored
from contracts.subjects import SYMBOL
from contracts.ticks import TickBatch, column_fault
from contracts.uplink import Ack, Control, Refused, Rewind, StreamPosition
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import AskStored, Effect, Kept, Outgoing, Send, TicksOut
from data_bridge.domain.execution_stream import ExecutionStream
from data_bridge.domain.figures import execution_fault, price_fault
from data_bridge.domain.greeting import Identity, plausible_epoch
from data_bridge.domain.patience import Patience
from data_bridge.domain.tick_stream import Offer, TickStream

MAX_STREAMS = 2_000
"""More symbols than any broker lets one terminal watch; each stream costs memory."""

Fault = tuple[str, str]
""" (code, reason) """


@dataclass(slots=True)
class Intake:
    """The streams of one terminal. Only the newest epoch is taken: an older one belongs to a spool that is gone."""

    who: Identity
    counts: Counts
    effects: list[Effect]
    generation: int
    """Where generations begin: the time of the connection, so that a new connection's ids differ from an old one's."""
    epoch: int = 0
    streams: dict[str, TickStream] = field(default_factory=dict)
    """ symbol -> its stream of the current epoch """
    executions: ExecutionStream = field(init=False)
    dirty: deque[TickStream] = field(default_factory=deque)
    """Streams that have something for the bus, each once, in the order in which they got it."""
    leaving: deque[Outgoing] = field(default_factory=deque)
    """Executions of an epoch that has ended, on their way to the bus."""
    asking: bool = False
    """The store was asked and has not answered."""

    def __post_init__(self) -> None:
        self.executions = self._executions(0, 0, 0)

    def begin(self, stored: Stored, epoch: int, now_ms: int) -> None:
        """Start from what the store has."""
        self.epoch = epoch
        for position in stored.streams:
            if position.epoch == epoch:
                self.streams[position.symbol] = self._stream(position.symbol, position.seq, now_ms)
        known = stored.execution_stored if stored.execution_epoch == epoch else 0
        self.executions = self._executions(epoch, known, now_ms)

    def _stream(self, symbol: str, stored: int, now_ms: int) -> TickStream:
        who = self.who
        prefix = f"{who.tenant}.{who.account}.{symbol}.{self.epoch}"
        subject = subjects.ticks(who.tenant, who.account, symbol)
        return TickStream(symbol, self.epoch, subject, prefix, self.generation, stored, Patience(now_ms))

    def _executions(self, epoch: int, stored: int, now_ms: int) -> ExecutionStream:
        who = self.who
        subject = subjects.executions(who.tenant, who.account)
        return ExecutionStream(epoch, subject, f"{who.tenant}.{who.account}.x.{epoch}", stored, Patience(now_ms))

    def ticks(self, batch: TickBatch, now_ms: int) -> Fault | None:
        """Take a batch; a Fault when it can't be one of this terminal's."""
        if batch.tenant != self.who.tenant or batch.account != self.who.account:
            return "wrong_account", "the ticks name another tenant or account than the token"
        count = batch.count
        # the usual case without a loop over names; what fails here is put into words by `column_fault`
        if (
            not len(batch.time_msc) == len(batch.received_ms) == len(batch.bid) == len(batch.ask) == 8 * count
            or len(batch.flags) != 4 * count
            or len(batch.marks) != count
            or batch.last
            or batch.volume_real
            or count > 1_000
            or count < 1
            or batch.first_seq < 1
        ) and (fault := column_fault(batch)):
            return "bad_columns", fault
        if fault := price_fault(batch):
            return "bad_price", fault
        if batch.epoch != self.epoch and (refusal := self._other_epoch(batch.epoch, now_ms)):
            return refusal
        stream = self.streams.get(batch.symbol)
        if stream is None:
            if SYMBOL.match(batch.symbol) is None:
                return "bad_symbol", f"{batch.symbol[:40]!r} is not the name of an instrument"
            if len(self.streams) >= MAX_STREAMS:
                return "too_many_streams", f"a terminal has {MAX_STREAMS} symbols at most"
            stream = self.streams[batch.symbol] = self._stream(batch.symbol, 0, now_ms)
        expected = stream.expected
        offer = stream.offer(batch)
        if offer is Offer.TAKEN:
            self.counts.ticks += stream.expected - expected
            self.counts.duplicates += expected - batch.first_seq
            if not stream.queued:
                stream.queued = True
                self.dirty.append(stream)
        elif offer is Offer.DUPLICATE:
            self.counts.duplicates += count
        elif offer is Offer.WAITING:
            self.counts.waiting += count
        else:
            self.counts.holes += 1
            self.counts.waiting += count
            self._rewind(stream, f"numbers {expected}..{batch.first_seq - 1} are missing", now_ms)
        return None

    def _rewind(self, stream: TickStream, reason: str, now_ms: int) -> None:
        self.counts.rewinds += 1
        stream.asked_again(now_ms)
        self.effects.append(Send(Control(Rewind(stream.symbol, stream.epoch, stream.expected, reason))))

    def _other_epoch(self, epoch: int, now_ms: int) -> Fault | None:
        if epoch < self.epoch:
            return "old_epoch", f"epoch {epoch} is over, the terminal's spool is now of {self.epoch}"
        if not plausible_epoch(epoch, now_ms):
            return "bad_epoch", f"epoch {epoch} is not a time in milliseconds up to now"
        # the spool was made anew under a living connection: all numbers begin at 1, unless the store knows better
        self.epoch = epoch
        self.streams = {}  # what they hold is still published: `dirty` keeps those that have something
        while self.executions.pending:
            self.leaving.append(self.executions.pop(now_ms))
        self.executions = self._executions(epoch, 0, now_ms)
        self.effects.append(AskStored(epoch))
        return None

    def execution(self, execution: Execution, now_ms: int) -> Fault | None:
        """Take an execution."""
        if execution.tenant != self.who.tenant or execution.account != self.who.account:
            return "wrong_account", "the execution names another tenant or account than the token"
        if fault := execution_fault(execution):
            return "bad_price", fault
        if execution.number < 1:
            return "bad_number", "executions are numbered from 1"
        if execution.epoch != self.epoch and (refusal := self._other_epoch(execution.epoch, now_ms)):
            return refusal
        offer = self.executions.offer(execution)
        if offer is Offer.TAKEN:
            self.counts.executions += 1
        elif offer is Offer.DUPLICATE:
            self.counts.duplicates += 1
        elif offer is Offer.WAITING:
            self.counts.waiting += 1
        else:
            self.counts.holes += 1
            reason = f"executions {self.executions.expected}..{execution.number - 1} are missing"
            self.effects.append(Kept("execution_gap", reason))
            self._execution_gap(reason, now_ms)
        return None

    def _execution_gap(self, reason: str, now_ms: int) -> None:
        self.executions.told_of_gap(now_ms)
        self.effects += [
            Send(Control(Ack((), self.executions.stored))),
            Send(Control(Refused("execution_gap", f"{reason}; send again from {self.executions.stored + 1}"))),
        ]

    @property
    def waiting(self) -> bool:
        """Something is ready for the bus."""
        return bool(self.leaving or self.executions.pending or self.dirty)

    def pop(self, now_ms: int) -> Outgoing | None:
        """The next message for the bus; executions go before ticks."""
        if self.leaving:
            return self.leaving.popleft()
        if self.executions.pending:
            return self.executions.pop(now_ms)
        while self.dirty:
            stream = self.dirty.popleft()
            message = stream.pop(now_ms) if stream.pending else None  # empty: the store was faster, or the bus away
            stream.queued = bool(stream.pending)
            if stream.queued:
                self.dirty.append(stream)  # at the end: a busy symbol does not starve the others
            if message is not None:
                return message
        return None

    def halt(self, message: Outgoing) -> bool:
        """Stop the stream of a message that failed; False when that stream has begun again since."""
        stream: TickStream | ExecutionStream | None
        if isinstance(message, TicksOut):
            stream, epoch = self.streams.get(message.batch.symbol), message.batch.epoch
        else:
            stream, epoch = self.executions, message.execution.epoch
        if stream is None or stream.epoch != epoch or stream.generation != message.generation:
            return False
        stream.halt()
        return True

    def heard(self, stored: Stored, now_ms: int) -> None:
        """The store has committed something: tell the terminal what is new."""
        news: list[StreamPosition] = []
        for position in stored.streams:
            stream = self.streams.get(position.symbol)
            if position.epoch != self.epoch:
                continue
            if stream is None:
                self.streams[position.symbol] = self._stream(position.symbol, position.seq, now_ms)
                news.append(position)
                continue
            known = stream.stored
            ask = stream.heard(position.seq, now_ms)
            if stream.stored > known:
                news.append(position)
            if ask:
                self._rewind(stream, "the store has all up to here", now_ms)
        mine = stored.execution_epoch == self.epoch
        if (mine and self.executions.heard(stored.execution_stored, now_ms)) or news:
            self.effects.append(Send(Control(Ack(tuple(news), self.executions.stored))))

    def look(self, now_ms: int) -> bool:
        """Look at the clock; True when the store must be asked what it has."""
        ask = False
        for stream in self.streams.values():
            if stream.halted or not (stream.outstanding or stream.rewinding) or not stream.patience.over(now_ms):
                continue
            if stream.outstanding:
                ask = True
            elif stream.unfit:
                self._rewind(stream, f"still waiting for number {stream.expected}", now_ms)
        executions = self.executions
        if executions.outstanding and not executions.halted and executions.patience.over(now_ms):
            ask = True
        if ask and not self.asking:
            self.asking = True
            return True
        return False

    def unanswered(self, now_ms: int) -> None:
        """The store did not answer: nothing is known, so nothing is sent again; ask later."""
        self.asking = False
        every: list[TickStream | ExecutionStream] = [*self.streams.values(), self.executions]
        for stream in every:
            if stream.outstanding and stream.patience.over(now_ms):
                stream.patience.prolong(now_ms)

    def answered(self, stored: Stored, now_ms: int) -> None:
        """The store's answer is the truth: streams without progress go back to it."""
        self.asking = False
        self.heard(stored, now_ms)
        positions = {p.symbol: p.seq for p in stored.streams if p.epoch == self.epoch}
        for stream in self.streams.values():
            if stream.outstanding and not stream.halted and stream.patience.over(now_ms):
                self._go_back(stream, positions.get(stream.symbol, 0), "the store misses what was sent", now_ms)
        executions = self.executions
        if executions.outstanding and not executions.halted and executions.patience.over(now_ms):
            known = stored.execution_stored if stored.execution_epoch == self.epoch else 0
            if not executions.publish_again(known, now_ms):
                self._execution_gap("the store has lost executions", now_ms)

    def _go_back(self, stream: TickStream, stored: int, reason: str, now_ms: int) -> None:
        self.counts.rewinds += 1
        from_seq = stream.go_back(stored, now_ms)
        self.effects.append(Send(Control(Rewind(stream.symbol, stream.epoch, from_seq, reason))))

    def resume(self, stored: Stored | None, now_ms: int) -> None:
        """The bus is back: every stopped stream begins again after what the store has."""
        if stored is not None:
            self.heard(stored, now_ms)
        for stream in self.streams.values():
            if stream.halted:
                self._go_back(stream, stream.stored, "the bus was away", now_ms)
        if self.executions.halted:
            self.executions.publish_again(self.executions.stored, now_ms)
