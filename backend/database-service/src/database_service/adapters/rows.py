"""Messages to table rows and back: a column per field, in the order of the fields."""

from typing import Any, TypeVar

import msgspec

from contracts.audit import AuditRecord
from contracts.executions import Execution
from contracts.orders import Order
from contracts.rpc import User
from contracts.signals import SignedSignal

T = TypeVar("T", bound=msgspec.Struct)


def columns_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The column names of a message: its field names."""
    return tuple(field.name for field in msgspec.structs.fields(kind))


def row_of(message: msgspec.Struct) -> tuple[Any, ...]:
    """The values of a message; enumerations become their text."""
    # asyncpg takes a StrEnum as the str that it is
    return msgspec.structs.astuple(message)


def audit_row(record: AuditRecord) -> tuple[Any, ...]:
    """The values of an audit record; its detail becomes JSON."""
    return row_of(msgspec.structs.replace(record, detail=msgspec.json.encode(record.detail).decode()))


def message_of(row: Any, kind: type[T]) -> T:
    """The message of a row that was selected with `columns_of(kind)`."""
    return msgspec.convert(dict(row), kind)


def insert(table: str, columns: tuple[str, ...]) -> str:
    """A statement that inserts one row."""
    places = ", ".join(f"${i + 1}" for i in range(len(columns)))
    return f"insert into {table} ({', '.join(columns)}) values ({places})"  # noqa: S608 names of our own


ORDER = columns_of(Order)
EXECUTION = columns_of(Execution)
USER = columns_of(User)
AUDIT = columns_of(AuditRecord)
SIGNAL = columns_of(SignedSignal)

_KEPT = {"id", "tenant", "account", "created_ms"}
UPSERT_ORDER = (
    insert("orders", ORDER)
    + " on conflict (id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in ORDER if name not in _KEPT)
    + " where orders.updated_ms <= excluded.updated_ms"
    + " and orders.tenant = excluded.tenant and orders.account = excluded.account"
)
INSERT_EXECUTION = insert("executions", EXECUTION) + " on conflict do nothing"
INSERT_USER = insert("users", USER) + " on conflict (id) do nothing"
