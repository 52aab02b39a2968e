"""Decide: one event in, a list of effects out. The same events always give the same effects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from contracts.accounts import AccountState
from contracts.commands import Command, LimitsChanged, PauseTrading, PlaceOrder
from contracts.orders import OrderState
from contracts.signals import MAX_LIFETIME_MS
from trading_engine.domain import events, identity, orders
from trading_engine.domain.bindings import MANUAL, Binding
from trading_engine.domain.book import OrderBook
from trading_engine.domain.counts import Counts
from trading_engine.domain.desk import Desk, Terms, order_audit
from trading_engine.domain.effects import Effect, RecordAudit, RecordOrder, SavePauses
from trading_engine.domain.recovery import Reconciler, restore
from trading_engine.domain.risk import LimitBook, Limits, is_old
from trading_engine.domain.strategy import Proposal
from trading_engine.domain.streams import Columns, Runner, Stream

SILENT_AFTER_MS = MAX_LIFETIME_MS + 60_000
"""An order of which nothing was heard this long after it was made is UNKNOWN."""
OVERTAKEN_MS = 300_000
"""A picture of an account older than the last one by more than this was not overtaken: its clock was set back."""


@dataclass(slots=True)
class Engine:
    """Feed it `Restored` first, then every event in the order it happened; carry out what it returns in that order."""

    bindings: tuple[Binding, ...]
    limits: Limits = field(default_factory=Limits)
    terms: Terms = field(default_factory=Terms)
    counts: Counts = field(default_factory=Counts)
    accounts: dict[tuple[str, str], AccountState] = field(default_factory=dict)
    """ tenant, account -> its newest picture """
    paused: dict[str, str] = field(default_factory=dict)
    """ tenant -> why it takes no new risk """
    book: OrderBook = field(default_factory=OrderBook)
    streams: dict[tuple[str, str, str], Stream] = field(default_factory=dict)
    """ tenant, account, symbol -> its ticks """
    _desk: Desk = field(init=False)
    _reconciler: Reconciler = field(init=False)
    _handlers: dict[type, Callable[[Any], list[Effect]]] = field(init=False)

    def __post_init__(self) -> None:
        self._desk = Desk(LimitBook(self.limits), self.terms, self.book, self.counts)
        self._reconciler = Reconciler(self.book, self.counts)
        self._handlers = {
            events.TicksArrived: self._ticks,
            events.AccountReported: self._account,
            events.ExecutionReported: self._execution,
            events.CommandGiven: self._command,
            events.TimePassed: self._time,
            events.Restored: self._restored,
            events.SignalDropped: self._dropped,
            events.StoreChanged: self._store,
            events.LimitsRead: self._limits,
            events.TenantsSuspended: self._suspended,
        }

    def process(self, event: events.Event) -> list[Effect]:
        """What follows from the event. Never raises for anything the wire can carry."""
        self.counts.events += 1
        return self._handlers[type(event)](event)

    def _ticks(self, event: events.TicksArrived) -> list[Effect]:
        batch = event.batch
        key = (batch.tenant, batch.account, batch.symbol)
        stream = self.streams.get(key) or self._open(key)
        start = stream.skip(batch)
        if start == batch.count:
            self.counts.ticks_known += batch.count
            return []
        self.counts.ticks_missed += stream.hole(batch)
        if batch.epoch > stream.epoch > 0:
            stream.runners = self._runners(key)  # a new life of the spool: what was averaged before is of another
        columns = Columns(batch)
        effects: list[Effect] = []
        for runner in stream.runners:
            for i, asked in columns.proposals(runner, start):
                for n, proposal in enumerate(asked):
                    order_id = identity.order_of_tick(
                        *key[:2], runner.name, key[2], batch.epoch, batch.first_seq + i, n
                    )
                    effects += self._propose(order_id, key, runner.name, proposal, event.now_ms, columns, i)
                # before the next tick: what was just asked for is in flight now
                runner.look(self.accounts.get(key[:2]), self.book)
            if runner.failed:
                effects.append(self._stopped(runner, event.now_ms))
        stream.runners = [runner for runner in stream.runners if not runner.failed]
        stream.epoch, stream.seq = batch.epoch, batch.last_seq
        stream.quote = columns.quote(batch.count - 1)
        self.counts.ticks += batch.count - start
        self.counts.ticks_known += start
        self.counts.newest_received_ms = stream.quote.received_ms
        return effects

    def _propose(
        self,
        order_id: str,
        key: tuple[str, str, str],
        strategy: str,
        proposal: Proposal,
        now_ms: int,
        columns: Columns,
        i: int,
    ) -> list[Effect]:
        tenant, account, symbol = key
        quote = columns.quote(i)
        if is_old(quote, now_ms, self.limits):
            self.counts.proposals_on_old_ticks += 1
            return []
        return self._desk.take(
            order_id,
            (tenant, account, strategy, symbol),
            proposal,
            quote,
            self.accounts.get((tenant, account)),
            self.paused.get(tenant),
            now_ms,
        )

    def _stopped(self, runner: Runner, now_ms: int) -> Effect:
        tenant, account, strategy, symbol = runner.line
        self.counts.strategies_failed += 1
        detail = {"account": account, "symbol": symbol, "error": runner.failed}
        return RecordAudit(
            identity.audit(tenant, now_ms, "strategy_failed", strategy, detail, "", account, symbol, now_ms)
        )

    def _open(self, key: tuple[str, str, str]) -> Stream:
        stream = self.streams[key] = Stream(key[2], self._runners(key))
        return stream

    def _runners(self, key: tuple[str, str, str]) -> list[Runner]:
        tenant, account, symbol = key
        runners = [Runner(b.name, (tenant, account, b.name, symbol), b.make()) for b in self.bindings if b.covers(*key)]
        for runner in runners:
            runner.look(self.accounts.get((tenant, account)), self.book)
        return runners

    def _account(self, event: events.AccountReported) -> list[Effect]:
        state = event.state
        key = (state.tenant, state.account)
        known = self.accounts.get(key)
        if known is not None and 0 < known.taken_ms - state.taken_ms <= OVERTAKEN_MS:
            return []  # brought again after a newer one
        self.accounts[key] = state
        effects = self._reconciler.compare(state, event.now_ms)
        self._look(key)
        return effects

    def _look(self, account: tuple[str, str]) -> None:
        for key, stream in self.streams.items():
            if key[:2] == account:
                for runner in stream.runners:
                    runner.look(self.accounts.get(account), self.book)

    def _execution(self, event: events.ExecutionReported) -> list[Effect]:
        execution = event.execution
        self._desk.executed(execution)
        effects = self._reconciler.answer(execution, event.now_ms)
        self._look((execution.tenant, execution.account))
        return effects

    def _command(self, event: events.CommandGiven) -> list[Effect]:
        command, body, now_ms = event.command, event.command.body, event.now_ms
        tenant = command.tenant
        if isinstance(body, PlaceOrder):
            return self._place(command, body, now_ms)
        if isinstance(body, LimitsChanged):
            return []  # whoever brought it has the limits read
        if isinstance(body, PauseTrading):
            kind = "trading_paused"
            self.paused[tenant] = body.reason or "no reason given"
        else:
            kind = "trading_resumed"
            self.paused.pop(tenant, None)
        detail = {"given_by": command.given_by, "reason": body.reason}
        record = identity.audit(tenant, now_ms, kind, tenant, detail, command.correlation_id, command.id)
        # the pause is kept before it is told
        return [SavePauses(dict(self.paused)), RecordAudit(record)]

    def pauses(self) -> dict[str, bool]:
        """tenant -> whether it is paused, of every tenant the engine has heard of."""
        known = {binding.tenant for binding in self.bindings} | {tenant for tenant, _ in self.accounts}
        return dict.fromkeys(known, False) | dict.fromkeys(self.paused, True)

    def _place(self, command: Command, wish: PlaceOrder, now_ms: int) -> list[Effect]:
        tenant = command.tenant
        stream = self.streams.get((tenant, wish.account, wish.symbol))
        return self._desk.take(
            identity.order_of_command(tenant, command.id),
            (tenant, wish.account, MANUAL, wish.symbol),
            Proposal(wish.side, wish.volume, wish.position, f"asked for by {command.given_by}"),
            stream.quote if stream else None,
            self.accounts.get((tenant, wish.account)),
            self.paused.get(tenant),
            now_ms,
            asked_ms=command.given_ms,
            correlation_id=command.correlation_id,
        )

    def _time(self, event: events.TimePassed) -> list[Effect]:
        now_ms = event.now_ms
        effects: list[Effect] = []
        for order in self.book.unanswered_since(now_ms - SILENT_AFTER_MS):
            reason = f"the terminal has not answered for {(now_ms - order.created_ms) // 1000} s; look there first"
            unknown = orders.move(order, OrderState.UNKNOWN, now_ms, reason)
            self.book.put(unknown)
            self.counts.order(unknown)
            effects.append(RecordOrder(unknown, order_audit(unknown, "order_unknown", now_ms)))
        return effects + self._desk.tell_untold(now_ms)

    def _restored(self, event: events.Restored) -> list[Effect]:
        self.paused = dict(event.paused)
        for state in event.accounts:
            self.accounts[(state.tenant, state.account)] = state
        restore(self.book, self._desk, event)
        return []

    def _dropped(self, event: events.SignalDropped) -> list[Effect]:
        order = self.book.orders.get(event.order_id)
        if order is None or order.state is not OrderState.SUBMITTED:
            return []  # an answer was faster: the commit had arrived after all
        expired = orders.move(order, OrderState.EXPIRED, event.now_ms, f"never sent: {event.because}")
        self.book.put(expired)
        self.counts.order(expired)
        self._look((order.tenant, order.account))
        return [RecordOrder(expired, order_audit(expired, "order_dropped", event.now_ms))]

    def _store(self, event: events.StoreChanged) -> list[Effect]:
        self._desk.store_available = event.available
        return []

    def _limits(self, event: events.LimitsRead) -> list[Effect]:
        self._desk.limits.set_by_people = {(each.tenant, each.account): each for each in event.limits}
        return []

    def _suspended(self, event: events.TenantsSuspended) -> list[Effect]:
        self._desk.suspended = frozenset(event.tenants)
        return []
