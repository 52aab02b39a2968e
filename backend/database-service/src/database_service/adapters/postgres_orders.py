"""Orders, the outbox and executions in PostgreSQL."""

from typing import Any

from contracts.accounts import Side
from contracts.executions import FINAL_EXECUTIONS, Execution, ExecutionState
from contracts.orders import FINAL_STATES, Order, OrderState
from contracts.rpc import MAX_ROWS, Commit, ExecutionsQuestion, Orders, OrdersQuestion, StoredQuestion, Summary
from contracts.signals import SignedSignal
from database_service.adapters import rows
from database_service.adapters.postgres_audit import append
from database_service.ports import ExecutionMark

_FINAL = sorted(str(state) for state in FINAL_EXECUTIONS)
_CLOSED = ", ".join(f"'{state}'" for state in sorted(FINAL_STATES))

# an execution can't be here before its signal, unless the outbox was restored from a backup: then it is answered
_INSERT_SIGNAL = f"""
insert into outbox ({", ".join(rows.SIGNAL)}, answered_state)
select $1, $2, $3, $4, $5, $6, $7,
    (select state from executions
     where signal_id = $3 and tenant = $1 and account = $2 and state = any($8::text[]) limit 1)
on conflict (signal_id) do nothing
"""  # noqa: S608 column names of our own
_ANSWER = """
update outbox set answered_state = $4
where signal_id = $3 and tenant = $1 and account = $2 and answered_state is null
"""
_EXTEND = """
select max(number) from (
    select number, row_number() over (order by number) as place
    from executions where tenant = $1 and account = $2 and epoch = $3 and number > $4
) as above where number = $4 + place
"""


async def commit(connection: Any, wanted: Commit) -> None:
    """Write all of it."""
    # one order of locking for all writers, so that two of them can't wait for each other: audit, orders, signals
    await append(connection, wanted.audit)
    orders = sorted(wanted.orders, key=lambda order: (order.id, order.updated_ms))
    if orders:
        await connection.executemany(rows.UPSERT_ORDER, [rows.row_of(order) for order in orders])
    if wanted.signals:
        signals = sorted(wanted.signals, key=lambda signal: signal.signal_id)
        await connection.executemany(_INSERT_SIGNAL, [(*rows.row_of(signal), _FINAL) for signal in signals])


async def outbox(connection: Any, now_ms: int) -> tuple[SignedSignal, ...]:
    """Unanswered and not expired, oldest first."""
    found = await connection.fetch(
        f"select {', '.join(rows.SIGNAL)} from outbox"  # noqa: S608 column names of our own
        " where answered_state is null and expires_ms > $1 order by position limit $2",
        now_ms,
        MAX_ROWS,
    )
    return tuple(SignedSignal(*row) for row in found)


async def newest_signals(connection: Any) -> tuple[SignedSignal, ...]:
    """The newest of each account."""
    found = await connection.fetch(
        f"select distinct on (tenant, account) {', '.join(rows.SIGNAL)} from outbox"  # noqa: S608 names of our own, no values
        " order by tenant, account, position desc limit $1",
        MAX_ROWS,
    )
    return tuple(SignedSignal(*row) for row in found)


async def orders(connection: Any, question: OrdersQuestion) -> Orders:
    """Newest first."""
    still_open = f"and state not in ({_CLOSED})" if question.open_only else ""
    found = await connection.fetch(
        f"select {', '.join(rows.ORDER)} from orders"  # noqa: S608 column names of our own
        f" where ($1 = '*' or tenant = $1) and ($2 = '' or account = $2) {still_open}"
        " order by created_ms desc, id desc limit $3",
        question.tenant,
        question.account,
        question.limit,
    )
    return Orders(tuple(rows.message_of(row, Order) for row in found))


async def executions(connection: Any, question: ExecutionsQuestion) -> tuple[Execution, ...]:
    """Newest first."""
    # named signals are found by their index; without names nothing but the tenant narrows the search
    named = "and signal_id = any($4::text[])" if question.signal_ids else "and cardinality($4::text[]) = 0"
    found = await connection.fetch(
        f"select {', '.join(rows.EXECUTION)} from executions"  # noqa: S608 column names of our own
        f" where ($1 = '*' or tenant = $1) and ($2 = '' or account = $2) {named}"
        " order by received_ms desc, epoch desc, number desc limit $3",
        question.tenant,
        question.account,
        question.limit,
        list(question.signal_ids),
    )
    return tuple(Execution(**_execution(row)) for row in found)


def _execution(row: Any) -> dict[str, Any]:
    fields = dict(row)
    return fields | {"state": ExecutionState(fields["state"]), "side": Side(fields["side"])}


async def summary(connection: Any, question: StoredQuestion) -> Summary:
    """Counts of an account, or of the whole tenant; with an epoch, executions of that epoch."""
    names = (question.tenant, question.account)
    where = "where tenant = $1 and ($2 = '' or account = $2)"
    signals, unanswered = await connection.fetchrow(
        f"select count(*), count(*) filter (where answered_state is null) from outbox {where}",  # noqa: S608 names of our own, no values
        *names,
    )
    count = await connection.fetchval(
        f"select count(*) from executions {where} and ($3::bigint = 0 or epoch = $3)",  # noqa: S608 names of our own, no values
        *names,
        question.epoch,
    )
    states = await connection.fetch(f"select state, count(*) from orders {where} group by state", *names)  # noqa: S608 names of our own, no values
    return Summary(signals, count, {OrderState(state): number for state, number in states}, unanswered)


async def add_executions(connection: Any, wanted: list[Execution]) -> list[ExecutionMark]:
    """Store each once, answer its signal, and see how far each epoch is complete."""
    wanted = sorted(wanted, key=lambda e: (e.tenant, e.account, e.epoch, e.number))
    epochs = list(dict.fromkeys((e.tenant, e.account, e.epoch) for e in wanted))
    await connection.executemany("insert into execution_marks values ($1, $2, $3, 0) on conflict do nothing", epochs)
    before = {
        epoch: await connection.fetchval(
            "select contiguous from execution_marks where tenant = $1 and account = $2 and epoch = $3 for update",
            *epoch,
        )
        for epoch in epochs
    }
    await connection.executemany(rows.INSERT_EXECUTION, [rows.row_of(e) for e in wanted])
    answers = [(e.tenant, e.account, e.signal_id, str(e.state)) for e in wanted if e.state in FINAL_EXECUTIONS]
    if answers:
        await connection.executemany(_ANSWER, answers)
    marks = []
    for epoch, contiguous in before.items():
        reached = await connection.fetchval(_EXTEND, *epoch, contiguous) or contiguous
        if reached > contiguous:
            await connection.execute(
                "update execution_marks set contiguous = $4 where tenant = $1 and account = $2 and epoch = $3",
                *epoch,
                reached,
            )
        marks.append(ExecutionMark(*epoch, reached))
    return marks


async def execution_mark(connection: Any, tenant: str, account: str, epoch: int) -> ExecutionMark:
    """Of that epoch, or of the newest."""
    row = await connection.fetchrow(
        "select epoch, contiguous from execution_marks"
        " where tenant = $1 and account = $2 and ($3::bigint = 0 or epoch = $3) order by epoch desc limit 1",
        tenant,
        account,
        epoch,
    )
    return ExecutionMark(tenant, account, *(row or (epoch, 0)))
