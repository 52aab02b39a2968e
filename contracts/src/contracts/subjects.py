"""The bus: every subject, what keeps it, and who may write and read it."""

import re
from dataclasses import dataclass

from contracts.errors import ContractError

_SAFE = re.compile(r"[A-Za-z0-9_-]")
TENANT = re.compile(r"^[a-z0-9][a-z0-9-]{0,31}\Z")
ACCOUNT = re.compile(r"^[0-9A-Za-z_-]{1,32}\Z")
SYMBOL = re.compile(r"^[A-Za-z0-9._#&+!-]{1,32}\Z")


def token(text: str) -> str:
    """A name as one subject token: letters, digits, `_` and `-` stay, every other byte becomes `=XX`."""
    return "".join(c if _SAFE.match(c) else "".join(f"={b:02X}" for b in c.encode()) for c in text)


def name_of(subject_token: str) -> str:
    """The name behind a token; the reverse of `token`."""
    try:
        return re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), subject_token.encode()).decode()
    except UnicodeDecodeError as error:
        raise ContractError(f"{subject_token!r} is not a subject token: {error}") from None


def ticks(tenant: str, account: str, symbol: str) -> str:
    """Where a symbol's tick batches travel."""
    return f"ticks.{token(tenant)}.{token(account)}.{token(symbol)}"


def account(tenant: str, login: str) -> str:
    """Where an account's state travels."""
    return f"account.{token(tenant)}.{token(login)}"


def signals(tenant: str, login: str) -> str:
    """Where signed signals travel to the bridge."""
    return f"signals.{token(tenant)}.{token(login)}"


def executions(tenant: str, login: str) -> str:
    """Where executions travel from the bridge."""
    return f"executions.{token(tenant)}.{token(login)}"


def stored(tenant: str, login: str) -> str:
    """Where the store tells what it has committed of an account (`rpc.Stored`)."""
    return f"stored.{token(tenant)}.{token(login)}"


def commands(tenant: str) -> str:
    """Where a tenant's commands travel."""
    return f"commands.{token(tenant)}"


def orders(tenant: str) -> str:
    """Where every new state of an order is told (`orders.Order`); the truth is in PostgreSQL."""
    return f"orders.{token(tenant)}"


def audit(tenant: str) -> str:
    """Where audit records travel."""
    return f"audit.{token(tenant)}"


def revocations(tenant: str) -> str:
    """Where revocations travel (`revocations.Revocation`); "*" stands for the whole platform."""
    return f"revocations.{token(tenant)}"


def errors(service: str) -> str:
    """Where a service reports its unexpected errors."""
    return f"errors.{token(service)}"


def health(service: str, instance: str) -> str:
    """Where a service instance's heartbeats travel."""
    return f"health.{token(service)}.{token(instance)}"


def rpc(service: str, method: str) -> str:
    """Where a service answers a method; `method` may have dots."""
    return f"rpc.{token(service)}.{method}"


@dataclass(frozen=True, slots=True)
class Stream:
    """A JetStream stream. `max_age_s` 0 keeps for ever; `last_only` keeps one message per subject."""

    name: str
    subjects: tuple[str, ...]
    max_age_s: int
    max_bytes: int
    last_only: bool = False
    memory: bool = False


_GB = 1024**3

STREAMS: tuple[Stream, ...] = (
    Stream("TICKS", ("ticks.>",), max_age_s=86_400, max_bytes=8 * _GB),
    Stream("ACCOUNTS", ("account.>",), max_age_s=0, max_bytes=_GB // 4, last_only=True),
    Stream("SIGNALS", ("signals.>",), max_age_s=3_600, max_bytes=_GB // 4),
    Stream("EXECUTIONS", ("executions.>",), max_age_s=30 * 86_400, max_bytes=_GB),
    Stream("COMMANDS", ("commands.>",), max_age_s=7 * 86_400, max_bytes=_GB // 4),
    Stream("AUDIT", ("audit.>",), max_age_s=30 * 86_400, max_bytes=_GB),
    # longer than the longest token lives: whoever starts reads all of them
    Stream("REVOCATIONS", ("revocations.>",), max_age_s=40 * 86_400, max_bytes=_GB // 16),
    Stream("ERRORS", ("errors.>",), max_age_s=7 * 86_400, max_bytes=_GB // 4),
    Stream("HEALTH", ("health.>",), max_age_s=60, max_bytes=_GB // 64, last_only=True, memory=True),
)
"""Streams drop their oldest message when full: the ends keep the truth, the bus only carries it."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What one service may write and read, besides its own inbox, its heartbeat and its errors."""

    writes: tuple[str, ...]
    reads: tuple[str, ...]


RIGHTS: dict[str, Rights] = {
    "data-bridge": Rights(
        writes=("ticks.>", "account.>", "executions.>", "audit.>", "rpc.database-service.>", "rpc.central-hub.>"),
        reads=("signals.>", "stored.>", "revocations.>"),
    ),
    "database-service": Rights(
        writes=("stored.>", "audit.>"),
        reads=(
            *("ticks.>", "account.>", "executions.>", "commands.>", "audit.>", "revocations.>"),
            "rpc.database-service.>",
        ),
    ),
    "trading-engine": Rights(
        writes=("signals.>", "orders.>", "audit.>", "rpc.database-service.>"),
        reads=("ticks.>", "account.>", "executions.>", "commands.>", "revocations.>", "rpc.trading-engine.>"),
    ),
    "api-gateway": Rights(
        writes=("commands.>", "audit.>", "revocations.>", "rpc.database-service.>", "rpc.central-hub.>"),
        reads=("ticks.>", "account.>", "executions.>", "orders.>", "health.>", "revocations.>"),
    ),
    "central-hub": Rights(
        writes=("rpc.database-service.>", "audit.>", "revocations.>"),
        reads=("health.>", "errors.>", "commands.>", "revocations.>", "rpc.central-hub.>"),
    ),
    "operator": Rights(writes=("rpc.>", "audit.>", "revocations.>"), reads=("health.>",)),
}
""" service -> its rights on the bus; `operator` is the command line """
