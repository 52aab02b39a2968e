"""The orders the engine remembers: who waits for an answer, and whose position is whose."""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from contracts.orders import Order, OrderState
from contracts.signals import magic_of
from trading_engine.domain.orders import IN_FLIGHT

REMEMBERED = 20_000
MINUTE_MS = 60_000

Line = tuple[str, str, str, str]
""" tenant, account, strategy, symbol: one order in flight at a time on each """


def line_of(order: Order) -> Line:
    """Where the order stands in the queue of its like."""
    return order.tenant, order.account, order.strategy, order.symbol


@dataclass(slots=True)
class OrderBook:
    """Denied orders are not among `orders`: nothing more can happen to them."""

    orders: dict[str, Order] = field(default_factory=dict)
    """ order id -> its newest state, oldest order first """
    waiting: dict[str, Order] = field(default_factory=dict)
    """ order id -> order without an answer; it blocks its line """
    owners: dict[int, str] = field(default_factory=dict)
    """ magic number at the terminal -> order id """
    denied: dict[str, None] = field(default_factory=dict)
    """ ids of people's orders that were denied, oldest first: the same command is not asked twice """
    _recent: dict[tuple[str, str, str], deque[int]] = field(default_factory=dict)
    """ tenant, account, strategy -> when its orders of the last minute were made """

    def add(self, order: Order) -> None:
        """A new order, or one remembered by the store."""
        self.owners[magic_of(order.id)] = order.id
        self._recent.setdefault((order.tenant, order.account, order.strategy), deque()).append(order.created_ms)
        self.put(order)
        if len(self.orders) > REMEMBERED:
            self._forget_oldest()

    def deny(self, order_id: str) -> None:
        """A person's order was denied; its command has its answer."""
        self.denied[order_id] = None
        if len(self.denied) > REMEMBERED:
            del self.denied[next(iter(self.denied))]

    def put(self, order: Order) -> None:
        """The order's newest state."""
        self.orders[order.id] = order
        if order.state in IN_FLIGHT:
            self.waiting[order.id] = order
        else:
            self.waiting.pop(order.id, None)

    def release(self, order_id: str) -> None:
        """Let its line go on although its end is unknown: the terminal has shown what it holds."""
        del self.waiting[order_id]

    def in_flight(self, line: Line) -> str:
        """The order that blocks the line; empty when none does."""
        for order in self.waiting.values():
            if line_of(order) == line:
                return order.id
        return ""

    def last_minute(self, tenant: str, account: str, strategy: str, now_ms: int) -> int:
        """How many orders were made in the minute before `now_ms`."""
        made = self._recent.get((tenant, account, strategy))
        if made is None:
            return 0
        while made and now_ms - made[0] >= MINUTE_MS:
            made.popleft()
        return len(made)

    def owner(self, magic: int) -> Order | None:
        """The order that carried this magic number."""
        return self.orders.get(self.owners.get(magic, ""))

    def unanswered_since(self, before_ms: int) -> list[Order]:
        """Orders sent before `before_ms` of which nothing was heard."""
        return [o for o in self.waiting.values() if o.state is OrderState.SUBMITTED and o.created_ms < before_ms]

    def open_before(self, before_ms: int, most: int) -> list[str]:
        """Ids of orders made before `before_ms` whose end is not known, oldest first; also those that block nothing."""
        found = (o.id for o in self.orders.values() if o.state in IN_FLIGHT and o.created_ms < before_ms)
        return list(islice(found, most))

    def unknown_of(self, tenant: str, account: str) -> list[Order]:
        """Orders of an account that may or may not be at the broker."""
        return [
            o
            for o in self.waiting.values()
            if o.state is OrderState.UNKNOWN and (o.tenant, o.account) == (tenant, account)
        ]

    def _forget_oldest(self) -> None:
        for order_id in list(self.orders)[: len(self.orders) - REMEMBERED]:
            if order_id not in self.waiting:
                del self.orders[order_id]
                del self.owners[magic_of(order_id)]
