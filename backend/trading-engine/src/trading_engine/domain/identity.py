"""Names that follow from what they name: the same tick or command always gives the same order id."""

import hashlib

from contracts.audit import AuditRecord

SERVICE = "trading-engine"


def _digest(*parts: object) -> str:
    # lengths in front: ("a", "bc") and ("ab", "c") must not meet
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def order_of_tick(tenant: str, account: str, strategy: str, symbol: str, epoch: int, seq: int, index: int = 0) -> str:
    """The id of the `index`-th order a strategy asks for at one tick: 32 hex digits. Its signal carries the same id,
    so an order can't have two."""
    return _digest("tick", tenant, account, strategy, symbol, epoch, seq, index)


def order_of_command(tenant: str, command_id: str) -> str:
    """The id of the order a person's command asks for."""
    return _digest("command", tenant, command_id)


def audit(
    tenant: str, at_ms: int, kind: str, subject: str, detail: dict[str, str], correlation_id: str, *key: object
) -> AuditRecord:
    """An audit record whose id follows from its kind, its subject and `key`: stored twice, it is there once."""
    identity = _digest("audit", tenant, kind, subject, *key)
    return AuditRecord(identity, tenant, at_ms, SERVICE, kind, subject, detail, correlation_id)
