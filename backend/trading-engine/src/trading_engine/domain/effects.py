"""All that the engine may ask of the world, to be carried out in the order given."""

import msgspec

from contracts.audit import AuditRecord
from contracts.orders import Order
from contracts.signals import Signal


class SendOrder(msgspec.Struct, frozen=True, tag="send_order"):
    """Commit order, signed signal and audit together; then, and only then, publish the signal and tell the order."""

    order: Order
    signal: Signal
    audit: AuditRecord


class RecordOrder(msgspec.Struct, frozen=True, tag="record_order"):
    """Commit the order's new state with its audit record, then tell it."""

    order: Order
    audit: AuditRecord


class RecordAudit(msgspec.Struct, frozen=True, tag="record_audit"):
    """Commit an audit record."""

    audit: AuditRecord


class SavePauses(msgspec.Struct, frozen=True, tag="save_pauses"):
    """Keep which tenants take no new risk: tenant -> reason. It replaces what was kept."""

    paused: dict[str, str]


Effect = SendOrder | RecordOrder | RecordAudit | SavePauses
