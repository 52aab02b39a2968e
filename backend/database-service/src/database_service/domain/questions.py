"""Say in words what is wrong with a question or a message's names; None when nothing is."""

import msgspec

from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.commands import Command
from contracts.executions import Execution
from contracts.orders import Order
from contracts.proof import SealedCheckpoint, TrailQuestion
from contracts.rpc import (
    MAX_ROWS,
    BarsQuestion,
    Commit,
    ExecutionsQuestion,
    LeaseWish,
    OrdersQuestion,
    StatsQuestion,
    StoredQuestion,
    TicksQuestion,
    User,
)
from contracts.subjects import ACCOUNT, SYMBOL, TENANT
from contracts.ticks import TickBatch, column_fault

EVERYONE = "*"
_MAX_INT = 2**62
"""Numbers and stamps stay far below what a signed 64-bit column holds."""
_MAX_TEXT = 10_000
LEAST_REASON = 8
"""Characters of a reason to read what is not one's own."""


def tenant_fault(tenant: str, *, everyone: bool = False) -> str | None:
    """A tenant's name, or "*" where every tenant may be meant."""
    if (everyone and tenant == EVERYONE) or TENANT.fullmatch(tenant):
        return None
    return f"tenant {tenant[:40]!r} must be 1-32 lower-case letters, digits or dashes"


def account_fault(account: str, *, optional: bool = False) -> str | None:
    """An account's login; empty where all may be meant."""
    if (optional and not account) or ACCOUNT.fullmatch(account):
        return None
    return f"account {account[:40]!r} must be 1-32 letters, digits, _ or -"


def symbol_fault(symbol: str) -> str | None:
    """A symbol's name."""
    return None if SYMBOL.fullmatch(symbol) else f"symbol {symbol[:40]!r} must be 1-32 letters, digits or . _ # & + ! -"


def limit_fault(limit: int) -> str | None:
    """How many rows may be asked for."""
    return None if 1 <= limit <= MAX_ROWS else f"limit {limit} is outside 1..{MAX_ROWS}"


def number_fault(name: str, value: int) -> str | None:
    """A number or stamp that a 64-bit column holds."""
    return None if 0 <= value <= _MAX_INT else f"{name} {value} is outside 0..{_MAX_INT}"


def batch_fault(batch: TickBatch) -> str | None:
    """Why a batch can't be stored."""
    return (
        tenant_fault(batch.tenant)
        or account_fault(batch.account)
        or symbol_fault(batch.symbol)
        or column_fault(batch)
        or number_fault("epoch", batch.epoch)
        or number_fault("first_seq", batch.first_seq)
        or number_fault("bridge_ms", batch.bridge_ms)
    )


def ticks_fault(question: TicksQuestion) -> str | None:
    """Why ticks can't be read."""
    return (
        tenant_fault(question.tenant)
        or account_fault(question.account)
        or symbol_fault(question.symbol)
        or limit_fault(question.limit)
        or number_fault("from_ms", question.from_ms)
        or number_fault("to_ms", question.to_ms)
        or (
            f"from_ms {question.from_ms} is after to_ms {question.to_ms}" if question.from_ms > question.to_ms else None
        )
    )


def bars_fault(question: BarsQuestion) -> str | None:
    """Why bars can't be built."""
    return (
        tenant_fault(question.tenant)
        or account_fault(question.account)
        or symbol_fault(question.symbol)
        or limit_fault(question.limit)
        or number_fault("to_ms", question.to_ms)
    )


def stored_fault(question: StoredQuestion, *, all_accounts: bool = False) -> str | None:
    """Why it can't be said what is stored."""
    return (
        tenant_fault(question.tenant)
        or account_fault(question.account, optional=all_accounts)
        or number_fault("epoch", question.epoch)
    )


def lease_fault(wish: LeaseWish) -> str | None:
    """Why an account can't be lent."""
    return (
        tenant_fault(wish.tenant)
        or account_fault(wish.account)
        or text_fault("journal", wish.journal)
        or text_fault("session", wish.session)
        or text_fault("last_session", wish.last_session, empty=True)
        or text_fault("terminal", wish.terminal, empty=True)
        or number_fault("now_ms", wish.now_ms)
    )


def stats_fault(question: StatsQuestion) -> str | None:
    """Why ticks can't be counted."""
    return tenant_fault(question.tenant) or account_fault(question.account, optional=True)


def list_fault(question: OrdersQuestion | ExecutionsQuestion, *, everyone: bool) -> str | None:
    """Why orders or executions can't be listed."""
    return (
        tenant_fault(question.tenant, everyone=everyone)
        or account_fault(question.account, optional=True)
        or limit_fault(question.limit)
    )


def text_fault(name: str, text: str, *, empty: bool = False) -> str | None:
    """Text that a database can hold and a person can read."""
    if not empty and not text:
        return f"{name} is empty"
    if len(text) > _MAX_TEXT:
        return f"{name} has {len(text)} characters; {_MAX_TEXT} are allowed"
    return f"{name} holds a NUL character" if "\0" in text else None


def user_fault(user: User) -> str | None:
    """Why a person can't be added."""
    return (
        tenant_fault(user.tenant)
        or text_fault("id", user.id)
        or text_fault("name", user.name)
        or text_fault("role", user.role)
        or text_fault("password_hash", user.password_hash)
        or number_fault("created_ms", user.created_ms)
    )


def order_fault(order: Order) -> str | None:
    """Why an order can't be stored."""
    return (
        tenant_fault(order.tenant)
        or account_fault(order.account)
        or symbol_fault(order.symbol)
        or text_fault("order id", order.id)
        or text_fault("reason", order.reason, empty=True)
        or (None if order.volume.is_finite() and order.filled_volume.is_finite() else "volume is not a number")
    )


def commit_fault(commit: Commit) -> str | None:
    """Why orders, signals and audit records can't be stored together."""
    for order in commit.orders:
        if fault := order_fault(order):
            return fault
    for signal in commit.signals:
        fault = (
            tenant_fault(signal.tenant) or account_fault(signal.account) or text_fault("signal id", signal.signal_id)
        )
        if fault:
            return fault
    for record in commit.audit:
        if fault := audit_fault(record):
            return fault
    return None


def audit_fault(record: AuditRecord) -> str | None:
    """Why an audit record can't be stored."""
    return tenant_fault(record.tenant) or text_fault("audit id", record.id) or number_fault("at_ms", record.at_ms)


def trail_fault(question: TrailQuestion) -> str | None:
    """Why a trail can't be read."""
    if len(question.because.strip()) < LEAST_REASON:
        return f"say why you read this tenant's trail, in {LEAST_REASON} characters or more; the tenant will see it"
    return (
        tenant_fault(question.tenant)
        or text_fault("actor", question.actor)
        or text_fault("because", question.because)
        or limit_fault(question.limit)
        or number_fault("after", question.after)
    )


def checkpoint_fault(sealed: SealedCheckpoint) -> str | None:
    """Why a checkpoint can't be stored."""
    return (
        tenant_fault(sealed.tenant)
        or number_fault("size", sealed.size)
        or number_fault("at_ms", sealed.at_ms)
        or text_fault("note", sealed.note)
    )


def account_state_fault(state: AccountState) -> str | None:
    """Why an account's state can't be stored."""
    money = (state.balance, state.equity, state.margin, state.margin_free, state.profit)
    return (
        tenant_fault(state.tenant)
        or account_fault(state.account)
        or number_fault("taken_ms", state.taken_ms)
        or (None if all(amount.is_finite() for amount in money) else "an amount of money is not a number")
    )


def command_fault(command: Command) -> str | None:
    """Why a command can't be stored."""
    return (
        tenant_fault(command.tenant)
        or text_fault("command id", command.id)
        or number_fault("given_ms", command.given_ms)
    )


def execution_fault(execution: Execution) -> str | None:
    """Why an execution can't be stored."""
    if execution.epoch < 1 or execution.number < 1:
        return "epoch and number start at 1"
    return (
        tenant_fault(execution.tenant)
        or account_fault(execution.account)
        or number_fault("epoch", execution.epoch)
        or number_fault("number", execution.number)
        or text_fault("signal id", execution.signal_id, empty=True)
        or (None if execution.volume.is_finite() and execution.filled_volume.is_finite() else "volume is not a number")
    )


def struct_fault(question: msgspec.Struct, *, everyone: bool = False) -> str | None:
    """Why a question about people can't be answered: every text, number and tenant in it is looked at."""
    for field in msgspec.structs.fields(question):
        value = getattr(question, field.name)
        if fault := _value_fault(field.name, value, everyone):
            return fault
    return None


def _value_fault(name: str, value: object, everyone: bool = False) -> str | None:
    if isinstance(value, str):
        return tenant_fault(value, everyone=everyone) if name == "tenant" else text_fault(name, value, empty=True)
    if isinstance(value, int):
        return number_fault(name, value)
    if isinstance(value, bytes):
        return f"{name} has {len(value)} bytes; {_MAX_TEXT} are allowed" if len(value) > _MAX_TEXT else None
    if isinstance(value, msgspec.Struct):
        return struct_fault(value)
    if isinstance(value, tuple):
        return next((fault for each in value if (fault := _value_fault(name, each))), None)
    return None
