"""The desk takes proposals: risk answers, and out goes an order with its signal, or a refusal."""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from contracts.accounts import AccountState, Side
from contracts.audit import AuditRecord
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.signals import MAX_LIFETIME_MS, Signal, SignalLimits, magic_of, short_id
from trading_engine.domain import identity
from trading_engine.domain.bindings import MANUAL
from trading_engine.domain.book import Line, OrderBook
from trading_engine.domain.counts import Counts
from trading_engine.domain.effects import Effect, RecordAudit, RecordOrder, SendOrder
from trading_engine.domain.refusals import Refusals
from trading_engine.domain.risk import LimitBook, Question, Quote, Refused, assess
from trading_engine.domain.strategy import Proposal


class Terms(msgspec.Struct, frozen=True):
    """What every signal carries."""

    lifetime_ms: int = MAX_LIFETIME_MS
    deviation_points: int = 20
    collar_points: int = 100
    max_quote_age_ms: int = 10_000
    max_volume: Decimal = Decimal(1)


def order_audit(order: Order, kind: str, now_ms: int, **more: str) -> AuditRecord:
    """An audit record about the order's present state."""
    detail = {
        "account": order.account,
        "strategy": order.strategy,
        "symbol": order.symbol,
        "side": str(order.side),
        "volume": str(order.volume),
        "state": str(order.state),
        "reason": order.reason,
        "tick_seq": str(order.tick_seq),
        **more,
    }
    # by state and moment: the same move recorded twice is one record
    return identity.audit(
        order.tenant, now_ms, kind, order.id, detail, order.correlation_id, order.state, order.updated_ms
    )


@dataclass(slots=True)
class Desk:
    """Everyone's orders go through here, a person's as well as a strategy's."""

    limits: LimitBook
    terms: Terms
    book: OrderBook
    counts: Counts
    store_available: bool = True
    suspended: frozenset[str] = frozenset()
    """ tenants for which nothing is sent """
    last_seq: dict[tuple[str, str], int] = field(default_factory=dict)
    """ tenant, account -> number of the newest signal """
    filled_ms: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """ tenant, account, symbol -> the terminal's stamp on its newest fill """
    refusals: Refusals = field(default_factory=Refusals)

    def take(
        self,
        order_id: str,
        line: Line,
        proposal: Proposal,
        quote: Quote | None,
        account: AccountState | None,
        paused: str | None,
        now_ms: int,
        *,
        asked_ms: int | None = None,
        correlation_id: str = "",
    ) -> list[Effect]:
        """Answer one proposal. A proposal whose order exists already was answered before: nothing follows."""
        if order_id in self.book.orders or order_id in self.book.denied:
            return []
        self.counts.proposals += 1
        tenant, login, strategy, symbol = line
        question = Question(
            now_ms,
            symbol,
            proposal.side,
            proposal.volume,
            proposal.position,
            quote,
            account,
            paused,
            self.book.in_flight(line),
            self.filled_ms.get((tenant, login, symbol), 0),
            self.book.last_minute(tenant, login, strategy, now_ms),
            now_ms if asked_ms is None else asked_ms,
            self.store_available,
            tenant in self.suspended,
        )
        order = Order(
            order_id,
            tenant,
            login,
            strategy,
            symbol,
            proposal.side,
            proposal.volume,
            OrderState.SUBMITTED,
            "",
            now_ms,
            now_ms,
            proposal.position,
            tick_seq=quote.seq if quote else 0,
            correlation_id=correlation_id or order_id,
            tick_received_ms=quote.received_ms if quote and asked_ms is None else 0,
        )
        limits = self.limits.of(tenant, login)
        answer = assess(question, limits)
        if isinstance(answer, Refused):
            return self._deny(order, answer, proposal.why, now_ms)
        assert quote is not None, "risk refuses an order without a price"
        self.book.add(order)
        self.counts.order(order)
        record = order_audit(order, "order_submitted", now_ms, why=proposal.why, bid=str(quote.bid), ask=str(quote.ask))
        fence = account.fence if account else 0
        return [SendOrder(order, self._signal(order, proposal, quote, fence, now_ms, limits.max_volume), record)]

    def _signal(
        self, order: Order, proposal: Proposal, quote: Quote, fence: int, now_ms: int, max_volume: Decimal
    ) -> Signal:
        key = (order.tenant, order.account)
        # from the clock, so that it rises across restarts too; never twice, should the clock stand or step back
        seq = self.last_seq[key] = max(self.last_seq.get(key, 0) + 1, now_ms)
        return Signal(
            order.id,
            order.id,
            order.tenant,
            order.account,
            order.strategy,
            seq,
            now_ms,
            now_ms + min(self.terms.lifetime_ms, MAX_LIFETIME_MS),
            order.symbol,
            order.side,
            order.volume,
            order.position,
            quote.ask if order.side is Side.BUY else quote.bid,
            self.terms.deviation_points,
            magic_of(order.id),
            short_id(order.id),
            proposal.sl,
            proposal.tp,
            order.correlation_id,
            fence,
            SignalLimits(self.terms.collar_points, self.terms.max_quote_age_ms, min(self.terms.max_volume, max_volume)),
        )

    def _deny(self, order: Order, refused: Refused, why: str, now_ms: int) -> list[Effect]:
        self.counts.refused[refused.code] = self.counts.refused.get(refused.code, 0) + 1
        count = 1
        if order.strategy == MANUAL:
            self.book.deny(order.id)  # a person gets one answer to each command
        else:
            key = (order.tenant, order.account, order.strategy, order.symbol, refused.code)
            count = self.refusals.count(key, now_ms, may_tell=self.store_available)
            if not count:
                return []
        also = f" (and {count - 1} more like it)" if count > 1 else ""
        denied = msgspec.structs.replace(
            order, state=OrderState.DENIED, reason=f"{refused.code}: {refused.reason}{also}"
        )
        self.counts.order(denied)
        record = order_audit(denied, "order_denied", now_ms, why=why, code=refused.code, count=str(count))
        return [RecordOrder(denied, record)]

    def executed(self, execution: Execution) -> None:
        """Remember the newest fill: an older picture of the account does not show it."""
        if execution.state in (ExecutionState.FILLED, ExecutionState.PARTIALLY_FILLED):
            self.filled(execution.tenant, execution.account, execution.symbol, execution.answered_ms)

    def filled(self, tenant: str, account: str, symbol: str, at_ms: int) -> None:
        """A fill of this symbol at this moment."""
        key = (tenant, account, symbol)
        self.filled_ms[key] = max(self.filled_ms.get(key, 0), at_ms)

    def tell_untold(self, now_ms: int) -> list[Effect]:
        """Counts of refusals that nothing else has brought out."""
        if not self.store_available:
            return []
        effects: list[Effect] = []
        for (tenant, account, strategy, symbol, code), count in self.refusals.untold(now_ms):
            detail = {"account": account, "strategy": strategy, "symbol": symbol, "code": code, "count": str(count)}
            record = identity.audit(
                tenant, now_ms, "orders_refused", strategy, detail, "", account, symbol, code, now_ms
            )
            effects.append(RecordAudit(record))
        return effects
