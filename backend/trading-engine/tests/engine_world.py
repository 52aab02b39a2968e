"""A small world for the engine's tests: one account, one symbol, ticks on demand."""

from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from contracts.accounts import AccountState, Instrument, MarginMode, Position, PriceSource, Side
from contracts.codec import encode
from contracts.commands import Command, PlaceOrder
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.signals import Signal, magic_of, short_id
from contracts.ticks import Tick, TickBatch, pack
from trading_engine.domain.bindings import Binding
from trading_engine.domain.effects import Effect, SendOrder
from trading_engine.domain.engine import Engine
from trading_engine.domain.events import AccountReported, Event, TicksArrived
from trading_engine.domain.risk import Limits
from trading_engine.domain.strategy import Market, Params, Proposal, Strategy

T0 = 1_760_000_000_000
TENANT, ACCOUNT, SYMBOL = "default", "1000001", "EURUSD"


def instrument(symbol: str = SYMBOL, **changes: Any) -> Instrument:
    base = Instrument(
        symbol, symbol, 5, 0.00001, Decimal(100_000), Decimal("0.01"), Decimal(50), Decimal("0.01"), "EUR", "USD"
    )
    return msgspec.structs.replace(base, **changes)


def account(taken_ms: int = T0, **changes: Any) -> AccountState:
    base = AccountState(
        TENANT,
        ACCOUNT,
        taken_ms,
        "Demo",
        "Broker",
        "USD",
        MarginMode.HEDGING,
        100,
        Decimal(10_000),
        Decimal(10_000),
        Decimal(0),
        Decimal(10_000),
        Decimal(0),
        PriceSource.SIMULATED,
        True,
        True,
        "",
        (),
        (instrument(),),
    )
    return msgspec.structs.replace(base, **changes)


def position(ticket: int = 7, side: Side = Side.BUY, order_id: str = "", **changes: Any) -> Position:
    magic, comment = (magic_of(order_id), short_id(order_id)) if order_id else (0, "")
    base = Position(
        ticket, SYMBOL, side, Decimal("0.1"), 1.1, 1.1, Decimal(0), Decimal(0), T0, magic=magic, comment=comment
    )
    return msgspec.structs.replace(base, **changes)


def batch(
    first_seq: int,
    bids: list[float],
    *,
    at_ms: int = T0,
    step_ms: int = 1_000,
    received_ms: int | None = None,
    spread: float = 0.0001,
    epoch: int = 5,
    symbol: str = SYMBOL,
    marks: int = 0,
) -> TickBatch:
    """Ticks `step_ms` apart from `at_ms`; received when stamped unless `received_ms` says so."""
    n = len(bids)
    times = [at_ms + i * step_ms for i in range(n)]
    return TickBatch(
        TENANT,
        ACCOUNT,
        symbol,
        epoch,
        first_seq,
        n,
        pack("q", times),
        pack("q", times if received_ms is None else [received_ms] * n),
        pack("d", bids),
        pack("d", [b + spread for b in bids]),
        pack("I", [6] * n),
        bytes([marks] * n),
    )


def place(command_id: str = "c1", given_ms: int = T0, **changes: Any) -> Command:
    body = msgspec.structs.replace(PlaceOrder(ACCOUNT, SYMBOL, Side.BUY, Decimal("0.1")), **changes)
    return Command(command_id, TENANT, "ann", given_ms, body, "corr")


def execution(
    order: Order, state: ExecutionState = ExecutionState.FILLED, number: int = 1, **changes: Any
) -> Execution:
    filled = state in (ExecutionState.FILLED, ExecutionState.PARTIALLY_FILLED)
    base = Execution(
        order.tenant,
        order.account,
        5,
        number,
        order.id,
        order.id,
        state,
        "done" if filled else "some_code",
        "" if filled else "some reason",
        order.symbol,
        order.side,
        order.volume,
        order.volume if filled else Decimal(0),
        1.1002 if filled else 0.0,
        10009,
        11 if filled else 0,
        12 if filled else 0,
        13,
        order.created_ms + 1,
        order.created_ms + 1,
        order.created_ms + 1,
        order.created_ms + 2,
        order.created_ms + 3,
    )
    return msgspec.structs.replace(base, **changes)


def order(state: OrderState = OrderState.SUBMITTED, order_id: str = "ab" * 16, **changes: Any) -> Order:
    base = Order(
        order_id, TENANT, ACCOUNT, "asks", SYMBOL, Side.BUY, Decimal("0.1"), state, "", T0, T0, correlation_id=order_id
    )
    return msgspec.structs.replace(base, **changes)


class AsksParams(Params, frozen=True, forbid_unknown_fields=True):
    at: tuple[int, ...] = (1,)
    volume: Decimal = Decimal("0.1")
    each: int = 1


class Asks(Strategy):
    """Asks to buy at the ticks it was told, whatever the market."""

    name: ClassVar[str] = "asks"
    params_type: ClassVar[type[Params]] = AsksParams

    def __init__(self, params: AsksParams) -> None:
        self.p = params
        self.seen: list[tuple[int, bool]] = []

    def on_tick(self, tick: Tick, market: Market) -> list[Proposal]:
        self.seen.append((tick.seq, market.in_flight))
        return [Proposal(Side.BUY, self.p.volume, why="told to")] * (self.p.each if tick.seq in self.p.at else 0)


class Breaks(Asks):
    """Fails at its second tick."""

    def on_tick(self, tick: Tick, market: Market) -> list[Proposal]:
        if tick.seq == 2:
            raise ZeroDivisionError("by nothing")
        return []


def binding(kind: type[Strategy] = Asks, name: str = "asks", **params: Any) -> Binding:
    return Binding(name, TENANT, "*", "*", kind, kind.params_type(**params))


def engine(*bindings: Binding, limits: Limits | None = None, state: AccountState | None = None) -> Engine:
    """An engine that knows its account."""
    made = Engine(bindings, limits or Limits())
    made.process(AccountReported(T0, state or account()))
    return made


def ticks(made: Engine, first_seq: int, bids: list[float], now_ms: int | None = None, **more: Any) -> list[Effect]:
    """What the engine answers to ticks that have just arrived."""
    arrived = batch(first_seq, bids, **more)
    last_ms = more.get("at_ms", T0) + (len(bids) - 1) * more.get("step_ms", 1_000)
    return made.process(TicksArrived(last_ms if now_ms is None else now_ms, arrived))


def sent(effects: list[Effect]) -> list[tuple[Order, Signal]]:
    return [(e.order, e.signal) for e in effects if isinstance(e, SendOrder)]


def one_order(made: Engine, seq: int = 1, at_ms: int = T0) -> Order:
    """The one order that a single tick brings about."""
    ((made_order, _),) = sent(ticks(made, seq, [1.1], at_ms=at_ms))
    return made_order


def replay(made: Engine, events: list[Event]) -> bytes:
    """The effects of all events as one string of bytes."""
    return b"".join(encode(made.process(event)) for event in events)
