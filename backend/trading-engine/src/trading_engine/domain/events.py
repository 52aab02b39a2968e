"""All that can happen to the engine: one input union, each event with the moment it is worked on."""

import msgspec

from contracts.accounts import AccountState
from contracts.commands import Command
from contracts.executions import Execution
from contracts.limits import RiskLimits
from contracts.orders import Order
from contracts.signals import SignedSignal
from contracts.ticks import TickBatch


class TicksArrived(msgspec.Struct, frozen=True, tag="ticks_arrived"):
    """A batch of one symbol's ticks. Call `contracts.ticks.column_fault` before making one."""

    now_ms: int
    batch: TickBatch


class AccountReported(msgspec.Struct, frozen=True, tag="account_reported"):
    """A full picture of an account; it replaces the last one."""

    now_ms: int
    state: AccountState


class ExecutionReported(msgspec.Struct, frozen=True, tag="execution_reported"):
    """A terminal answered a signal."""

    now_ms: int
    execution: Execution


class CommandGiven(msgspec.Struct, frozen=True, tag="command_given"):
    """A person asked for something."""

    now_ms: int
    command: Command


class TimePassed(msgspec.Struct, frozen=True, tag="time_passed"):
    """About once a second: orders without an answer and refusals not yet told are looked at."""

    now_ms: int


class Restored(msgspec.Struct, frozen=True, tag="restored"):
    """What the stores remember; the first event after a start.

    `orders`: all open ones and the newest of the others. `signals`: the outbox, and the newest of every account.
    `paused`: tenant -> reason.
    """

    now_ms: int
    orders: tuple[Order, ...] = ()
    signals: tuple[SignedSignal, ...] = ()
    accounts: tuple[AccountState, ...] = ()
    paused: dict[str, str] = {}


class SignalDropped(msgspec.Struct, frozen=True, tag="signal_dropped"):
    """An order could not be committed before its signal expired (or at all): it was never sent."""

    now_ms: int
    order_id: str
    because: str


class StoreChanged(msgspec.Struct, frozen=True, tag="store_changed"):
    """The store stopped or began to take orders."""

    now_ms: int
    available: bool


class LimitsRead(msgspec.Struct, frozen=True, tag="limits_read"):
    """What people have set in the store; it replaces what was read before."""

    now_ms: int
    limits: tuple[RiskLimits, ...]


class TenantsSuspended(msgspec.Struct, frozen=True, tag="tenants_suspended"):
    """All tenants for which nothing may be sent now."""

    now_ms: int
    tenants: tuple[str, ...]


Event = (
    TicksArrived
    | AccountReported
    | ExecutionReported
    | CommandGiven
    | TimePassed
    | Restored
    | SignalDropped
    | StoreChanged
    | LimitsRead
    | TenantsSuspended
)
