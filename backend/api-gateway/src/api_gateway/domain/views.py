"""Turn what services say into what a browser is shown. Fields are listed one by one: nothing leaks by growing."""

from contracts.accounts import AccountState
from contracts.audit import DependencyHealth, Health
from contracts.bars import Bar
from contracts.executions import Execution
from contracts.orders import Order
from contracts.ports import PORTS
from contracts.rpc import ServiceRow
from contracts.ticks import TickBatch, rows
from contracts.views import AccountView, BarView, ExecutionView, OrderView, ServiceView, TickView


def account_view(state: AccountState) -> AccountView:
    """An account without its instruments."""
    return AccountView(
        account=state.account,
        server=state.server,
        company=state.company,
        currency=state.currency,
        margin_mode=state.margin_mode,
        leverage=state.leverage,
        balance=state.balance,
        equity=state.equity,
        margin=state.margin,
        margin_free=state.margin_free,
        profit=state.profit,
        source=state.source,
        connected=state.connected,
        trade_allowed=state.trade_allowed,
        trade_blocked_because=state.trade_blocked_because,
        taken_ms=state.taken_ms,
        positions=state.positions,
        ticks_refused=state.ticks_refused,
        tick_gaps=state.tick_gaps,
    )


def order_view(order: Order) -> OrderView:
    """An order."""
    return OrderView(
        id=order.id,
        account=order.account,
        strategy=order.strategy,
        symbol=order.symbol,
        side=order.side,
        volume=order.volume,
        filled_volume=order.filled_volume,
        price=order.price,
        state=order.state.value,
        reason=order.reason,
        ticket=order.ticket,
        deal=order.deal,
        position=order.position,
        created_ms=order.created_ms,
        updated_ms=order.updated_ms,
    )


def execution_view(execution: Execution) -> ExecutionView:
    """A terminal's answer."""
    return ExecutionView(
        number=execution.number,
        account=execution.account,
        order_id=execution.order_id,
        signal_id=execution.signal_id,
        state=execution.state.value,
        code=execution.code,
        reason=execution.reason,
        symbol=execution.symbol,
        side=execution.side,
        filled_volume=execution.filled_volume,
        price=execution.price,
        ticket=execution.ticket,
        deal=execution.deal,
        received_ms=execution.received_ms,
        sent_ms=execution.sent_ms,
        answered_ms=execution.answered_ms,
    )


def tick_views(batch: TickBatch) -> tuple[TickView, ...]:
    """Stored ticks in the store's order."""
    return tuple(TickView(t.seq, t.time_msc, t.bid, t.ask, t.marks) for t in rows(batch))


def bar_views(bars: tuple[Bar, ...]) -> tuple[BarView, ...]:
    """Candles, oldest first."""
    return tuple(BarView(b.time_ms, b.open, b.high, b.low, b.close, b.tick_volume) for b in bars)


def service_view(row: ServiceRow, now_ms: int) -> ServiceView:
    """A service as the hub or the heartbeats know it."""
    beat, probe = row.heartbeat, row.probe
    if beat is None and probe is not None:
        return _engine_view(row, probe)
    return ServiceView(
        service=row.service,
        state=row.state,
        ready=beat.ready if beat else False,
        pid=row.pid,
        port=beat.port if beat else row.port or PORTS.get(row.service, 0),
        version=beat.version if beat else "",
        restarts=row.restarts,
        started_ms=beat.started_ms if beat else 0,
        heartbeat_age_ms=max(0, now_ms - beat.at_ms) if beat else -1,
        dependencies=beat.dependencies if beat else (),
    )


def _engine_view(row: ServiceRow, probe: DependencyHealth) -> ServiceView:
    """An engine: it sends no heartbeats, so what the hub's probe found is all that is known."""
    return ServiceView(
        service=row.service,
        state=row.state,
        ready=row.state == "running" and probe.health is Health.OK,
        pid=row.pid,
        port=row.port,
        version="",
        restarts=row.restarts,
        started_ms=0,
        heartbeat_age_ms=-1,
        dependencies=(probe,),
        kind="engine",
    )
