"""Where an order is: what the database, the outbox, the client's journal and the broker's books each say of it."""

import json
import sqlite3
import time

from contracts import rpc
from contracts.codec import decode
from contracts.errors import ContractError
from contracts.executions import FINAL_EXECUTIONS, Execution
from contracts.orders import FINAL_STATES, Order
from contracts.signals import Signal, SignedSignal, magic_of
from kit.nats_bus import NatsBus
from stage import ACCOUNT, TENANT, Stage

SHOWN = 20
"""Orders told of one by one; the rest is a number."""


async def settled(bus: NatsBus) -> bool:
    """Every order has its end, and every signal its answer."""
    orders = (await bus.ask(rpc.ORDERS, rpc.OrdersQuestion(TENANT, limit=rpc.MAX_ROWS))).orders
    summary = await bus.ask(rpc.SUMMARY, rpc.StoredQuestion(TENANT, ""))
    return all(order.state in FINAL_STATES for order in orders) and not summary.signals_unanswered


async def told(stage: Stage) -> str:
    """One paragraph per order without an end: its state on each side."""
    async with stage.bus("trading-engine") as bus:  # nobody else may read the outbox
        asked = await bus.ask(rpc.ORDERS, rpc.OrdersQuestion("*", limit=rpc.MAX_ROWS))
        orders = {order.id: order for order in asked.orders}
        unanswered = {s.signal_id: s for s in (await bus.ask(rpc.OUTBOX, rpc.OutboxQuestion(0))).signals}
        without_end = [order.id for order in orders.values() if order.state not in FINAL_STATES]
        named = list(dict.fromkeys([*without_end, *unanswered]))[:SHOWN]
        question = rpc.ExecutionsQuestion("*", ACCOUNT, rpc.MAX_ROWS, tuple(named) or ("none",))
        executions = (await bus.ask(rpc.EXECUTIONS, question)).executions
    lines = [f"{len(without_end)} orders without an end, {len(unanswered)} signals without an answer"]
    for order_id in named:
        lines += [
            f"order {order_id}",
            f"  database:  {_order(orders.get(order_id))}",
            f"  outbox:    {_signal(unanswered.get(order_id))}",
            *(f"  execution: {_execution(e)}" for e in executions if e.signal_id == order_id),
            f"  journal:   {_journal(stage, order_id)}",
            f"  broker:    {_broker(stage, order_id)}",
        ]
    return "\n".join(lines)


def _order(order: Order | None) -> str:
    if order is None:
        return "does not know it"
    age_s = (time.time() * 1000 - order.updated_ms) / 1000
    return f"{order.state} since {age_s:.1f} s ({order.strategy}, made {order.created_ms}) {order.reason!r}"


def _signal(signed: SignedSignal | None) -> str:
    if signed is None:
        return "answered"
    try:
        signal = decode(signed.payload, Signal)
    except ContractError as error:
        return f"unanswered, unreadable: {error}"
    left_s = signal.expires_ms / 1000 - time.time()
    return f"unanswered, number {signal.seq}, lease {signal.fence}, expires in {left_s:.1f} s, key {signed.key_id}"


def _execution(execution: Execution) -> str:
    final = "final" if execution.state in FINAL_EXECUTIONS else "open"
    said = f"{execution.code} {execution.reason!r} deal {execution.deal} received {execution.received_ms}"
    return f"{execution.epoch}/{execution.number} {execution.state} ({final}) {said}"


def _journal(stage: Stage, order_id: str) -> str:
    said = []
    for file in stage.client_data.rglob("journal.db"):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            row = db.execute("SELECT open, journaled_ms FROM orders WHERE signal_id = ?", (order_id,)).fetchone()
            said.append("does not know it" if row is None else f"open={row[0]} journaled {row[1]}")
            question = "SELECT epoch, number, stored, body FROM executions WHERE signal_id = ? ORDER BY epoch, number"
            for epoch, number, stored, body in db.execute(question, (order_id,)):
                execution = decode(body, Execution)
                said.append(f"{epoch}/{number} stored={stored} {execution.state} {execution.code}")
    return "; ".join(said) or "there is none"


def _broker(stage: Stage, order_id: str) -> str:
    magic = magic_of(order_id)
    said = []
    for file in stage.client_data.glob("broker-*.sqlite"):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            for table in ("orders", "deals", "positions"):
                rows = db.execute(f"SELECT ticket, body FROM {table}").fetchall()
                said += [f"{table} {ticket}" for ticket, body in rows if magic in json.loads(body)]
    return ", ".join(said) or "nothing of it"
