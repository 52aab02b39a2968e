"""After a start and after every report: bring the book in line with what the store and the terminal say."""

from dataclasses import dataclass

from contracts.accounts import AccountState
from contracts.codec import decode
from contracts.errors import ContractError
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.signals import Signal, magic_of
from trading_engine.domain import identity, orders
from trading_engine.domain.book import OrderBook
from trading_engine.domain.counts import Counts
from trading_engine.domain.desk import Desk, order_audit
from trading_engine.domain.effects import Effect, RecordAudit, RecordOrder
from trading_engine.domain.events import Restored

RECONCILED_AFTER_MS = 60_000
"""An UNKNOWN order stops blocking once a picture of the account this much younger shows nothing of it."""


def restore(book: OrderBook, desk: Desk, event: Restored) -> None:
    """Remember orders and the numbers of signals. Nothing is sent: the outbox holds what has to be sent again."""
    for order in sorted(event.orders, key=lambda o: (o.created_ms, o.id)):
        if order.state is OrderState.DENIED:
            book.deny(order.id)
            continue
        book.add(order)
        _rise(desk, order.tenant, order.account, order.created_ms)
        if order.filled_volume:
            desk.filled(order.tenant, order.account, order.symbol, order.updated_ms)
    for signed in event.signals:
        try:
            _rise(desk, signed.tenant, signed.account, decode(signed.payload, Signal).seq)
        except ContractError:
            continue  # not one of ours to count; its terminal will refuse it


def _rise(desk: Desk, tenant: str, account: str, seq: int) -> None:
    key = (tenant, account)
    desk.last_seq[key] = max(desk.last_seq.get(key, 0), seq)


def telling(executions: tuple[Execution, ...]) -> list[Execution]:
    """Of everything the store has, what decides each order: a fill if there is one, else the last that was said."""
    best: dict[tuple[str, str, str], Execution] = {}
    for execution in executions:
        key = (execution.tenant, execution.account, execution.signal_id)
        if key not in best or _weight(execution) > _weight(best[key]):
            best[key] = execution
    return list(best.values())


def _weight(execution: Execution) -> tuple[bool, int, int]:
    filled = execution.state in (ExecutionState.FILLED, ExecutionState.PARTIALLY_FILLED)
    return filled, execution.epoch, execution.number


@dataclass(slots=True)
class Reconciler:
    """The broker is the truth: reports move orders, never the other way round."""

    book: OrderBook
    counts: Counts

    def answer(self, execution: Execution, now_ms: int) -> list[Effect]:
        """An execution moves its order; one that fits no order, or can't be, goes on record."""
        # of a signal it did not believe the connector knows the id only, which is its order's (`identity`)
        order = self.book.orders.get(execution.order_id or execution.signal_id)
        if order is None or (order.tenant, order.account) != (execution.tenant, execution.account):
            return self._contradiction(execution, now_ms, "no order with this id is remembered for the account")
        try:
            moved = orders.apply(order, execution, now_ms)
        except orders.IllegalMove as error:
            return self._contradiction(execution, now_ms, str(error))
        if moved is None:
            return []
        kind = f"order_{moved.state.lower()}"
        return [self._record(moved, kind, now_ms, execution=f"{execution.epoch}/{execution.number}")]

    def compare(self, state: AccountState, now_ms: int) -> list[Effect]:
        """Look for UNKNOWN orders among the account's positions."""
        effects: list[Effect] = []
        for order in self.book.unknown_of(state.tenant, state.account):
            magic = magic_of(order.id)
            position = next((p for p in state.positions if p.magic == magic and p.symbol == order.symbol), None)
            if position is not None and not order.position:
                full = position.volume >= order.volume
                found = orders.move(
                    order,
                    OrderState.FILLED if full else OrderState.PARTIALLY_FILLED,
                    now_ms,
                    "" if full else "found by its position, smaller than asked",
                    filled_volume=position.volume,
                    price=position.price_open,
                    ticket=position.ticket,
                )
                effects.append(self._record(found, "order_found", now_ms, position=str(position.ticket)))
            elif (
                state.connected
                and order.id not in state.order_ids_open
                and state.taken_ms > order.updated_ms + RECONCILED_AFTER_MS
            ):
                self.book.release(order.id)
        return effects

    def _record(self, order: Order, kind: str, now_ms: int, **more: str) -> Effect:
        self.book.put(order)
        self.counts.order(order)
        return RecordOrder(order, order_audit(order, kind, now_ms, **more))

    def _contradiction(self, execution: Execution, now_ms: int, why: str) -> list[Effect]:
        self.counts.contradictions += 1
        detail = {
            "account": execution.account,
            "state": str(execution.state),
            "code": execution.code,
            "reason": execution.reason,
            "why": why,
        }
        record = identity.audit(
            execution.tenant,
            now_ms,
            "execution_not_applied",
            execution.order_id,
            detail,
            execution.correlation_id,
            execution.account,
            execution.epoch,
            execution.number,
        )
        return [RecordAudit(record)]
