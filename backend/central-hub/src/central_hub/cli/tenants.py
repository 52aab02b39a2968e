"""`aitrading tenant add|list|suspend|resume|set-plan`: the organisations on this platform, each act written down."""

import argparse
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import actor, on_bus
from central_hub.ports import HubError
from central_hub.tenant_watch import revocation_of
from contracts.audit import AuditRecord
from contracts.subjects import TENANT
from contracts.tenants import (
    TENANT_ADD,
    TENANT_CHANGE,
    TENANTS,
    Tenant,
    TenantAdd,
    TenantChange,
    TenantsQuestion,
    TenantState,
)
from kit.policy import Quota, over

if TYPE_CHECKING:
    from kit.bus import Bus

OPERATOR = "operator"


def run(options: argparse.Namespace) -> int:
    """Do the verb; a suspension holds within a second."""
    data = DataDir(options.data)
    if options.tenant_verb == "list":
        return _list(options, on_bus(data, lambda bus: _all(bus)))
    print(on_bus(data, lambda bus: _add(bus, options) if options.tenant_verb == "add" else _change(bus, options)))
    return 0


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


async def _all(bus: "Bus") -> tuple[Tenant, ...]:
    return (await bus.ask(TENANTS, TenantsQuestion())).tenants


def _list(options: argparse.Namespace, found: tuple[Tenant, ...]) -> int:
    if options.json:
        print(msgspec.json.encode(found).decode())
        return 0
    for one in found:
        state = f"suspended: {one.suspended_because}" if one.state is TenantState.SUSPENDED else one.state.value
        print(f"{one.tenant:<32} {one.plan:<12} {state:<12} {one.display_name}")
    return 0


def _written(tenant: str, kind: str, **detail: str) -> tuple[AuditRecord, ...]:
    return (AuditRecord(uuid.uuid4().hex, tenant, now_ms(), OPERATOR, kind, tenant, detail | {"by": actor()}),)


async def _add(bus: "Bus", options: argparse.Namespace) -> str:
    name, plan = options.name, options.plan
    if not TENANT.match(name):
        raise HubError(f"{name!r} is not a tenant: use lower-case letters, digits and -, at most 32.")
    if any(one.tenant == name for one in await _all(bus)):
        raise HubError(f"There is a tenant {name} already: see `aitrading tenant list`.")
    wanted = Tenant(name, options.display_name or name, TenantState.ACTIVE, plan, now_ms())
    await bus.ask(TENANT_ADD, TenantAdd(wanted, _written(name, "tenant_added", plan=plan)))
    return (
        f"{name} is a tenant now, with the plan {plan}. Add its first person: aitrading user add NAME --tenant {name}"
    )


async def _change(bus: "Bus", options: argparse.Namespace) -> str:
    from kit.revocations import revoke

    name, verb, at_ms = options.name, options.tenant_verb, now_ms()
    if verb == "set-plan":
        audit = _written(name, "tenant_plan_changed", plan=options.plan)
        change = TenantChange(name, at_ms, plan=options.plan, audit=audit)
    elif verb == "suspend":
        audit = _written(name, "tenant_suspended", because=options.because)
        change = TenantChange(name, at_ms, TenantState.SUSPENDED, options.because, audit=audit)
    else:
        audit = _written(name, "tenant_resumed")
        change = TenantChange(name, at_ms, TenantState.ACTIVE, audit=audit)
    tenant = (await bus.ask(TENANT_CHANGE, change)).tenant
    if tenant is None:
        raise HubError(f"There is no tenant {name}: see `aitrading tenant list`.")
    if verb == "set-plan":
        return f"{name} has the plan {options.plan} now."
    await revoke(bus, revocation_of(tenant, at_ms + 1, actor()))
    if verb == "suspend":
        return f"{name} is suspended: its people, programs, terminals and signals have stopped. Its data stays."
    return f"{name} goes on: its terminals connect again by themselves, its people sign in again."


async def check_room(bus: "Bus", name: str, terminals: int) -> None:
    """HubError unless the tenant exists, is active, and its plan has room for one more terminal."""
    found = (await bus.ask(TENANTS, TenantsQuestion(name))).tenants
    if not found:
        raise HubError(f"There is no tenant {name}: add it first with `aitrading tenant add {name}`.")
    if found[0].state is not TenantState.ACTIVE:
        raise HubError(f"{name} is suspended ({found[0].suspended_because}): resume it first.")
    if denied := over(found[0].plan, Quota.TERMINALS, terminals):
        raise HubError(denied.reason)
