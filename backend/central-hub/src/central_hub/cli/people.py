"""`aitrading user list|disable|enable|set-role|reset-second-factor|end-sessions`, each written into the audit trail."""

import argparse
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import on_bus
from central_hub.ports import HubError
from contracts import people, rpc
from contracts.audit import AuditRecord
from contracts.people_views import UserView
from contracts.revocations import Revocation, RevocationKind

if TYPE_CHECKING:
    from kit.bus import Bus

OPERATOR = "operator"


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def written_down(user: rpc.User, kind: str, **detail: str) -> tuple[AuditRecord, ...]:
    """The record that goes with a change by the operator."""
    detail |= {"by": OPERATOR}
    return (AuditRecord(uuid.uuid4().hex, user.tenant, now_ms(), OPERATOR, kind, user.name, detail),)


def run(options: argparse.Namespace) -> int:
    """Do the verb; the change holds within a second."""
    data = DataDir(options.data)
    if options.user_verb == "list":
        return _show(options, on_bus(data, lambda bus: bus.ask(people.USERS, people.UsersQuestion(options.tenant))))
    print(on_bus(data, lambda bus: _change(bus, options)))
    return 0


def _show(options: argparse.Namespace, found: people.Users) -> int:
    views = [
        UserView(u.id, u.name, u.role, u.disabled, u.created_ms, bool(u.totp_secret), found.passkeys.get(u.id, 0))
        for u in found.users
    ]
    if options.json:
        print(msgspec.json.encode(views).decode())
        return 0
    for view in views:
        factors = [word for word, there in (("app", view.totp), ("passkey", view.passkeys)) if there]
        state = "disabled" if view.disabled else ", ".join(factors) or "password only"
        print(f"{view.name:<32} {view.role:<13} {state}")
    return 0


async def _change(bus: "Bus", options: argparse.Namespace) -> str:
    user = (await bus.ask(people.USERS, people.UsersQuestion(options.tenant))).users
    found = next((each for each in user if each.name == options.name), None)
    if found is None:
        raise HubError(f"Nobody in {options.tenant} is called {options.name!r}: see `aitrading user list`.")
    change, said, takes = _wanted(found, options)
    if change is not None:
        await bus.ask(people.USER_CHANGE, change)
    if takes:
        await _end(bus, found, takes, closes_orders=options.user_verb in ("disable", "set-role"))
    return said


def _wanted(user: rpc.User, options: argparse.Namespace) -> tuple[people.UserChange | None, str, str]:
    """The change, what to tell, and why sessions end ("" when they don't)."""
    name, tenant, since = user.name, user.tenant, now_ms()

    def change(kind: str, **fields: object) -> people.UserChange:
        detail = {"from": user.role, "to": options.role} if "role" in fields else {}
        return people.UserChange(tenant, user.id, audit=written_down(user, kind, **detail), **fields)  # type: ignore[arg-type]

    match options.user_verb:
        case "disable":
            made = change("user_disabled", disabled=True, not_before_ms=since)
            return made, f"{name} is disabled; everything of theirs has ended.", "disabled"
        case "enable":
            return change("user_enabled", disabled=False), f"{name} may sign in again.", ""
        case "set-role":
            made = change("privilege_permissions_changed", role=options.role, not_before_ms=since)
            return made, f"{name} is {options.role} now and has to sign in again.", "role changed"
        case "reset-second-factor":
            made = change("authn_factor_removed", no_second_factor=True, not_before_ms=since)
            return made, f"{name} signs in with the password alone until they add a second factor.", "reset"
        case _:
            return None, f"{name} has to sign in again, everywhere.", "ended by the operator"


async def _end(bus: "Bus", user: rpc.User, because: str, *, closes_orders: bool) -> None:
    from kit.revocations import revoke

    audit = written_down(user, "sessions_ended", because=because)
    await bus.ask(people.SESSIONS_END, people.SessionsEnd(user.tenant, user.id, now_ms(), because, audit=audit))
    # after the sessions have ended: what was issued while they did is refused as well
    kind, before_ms = RevocationKind.USER, now_ms() + 1
    await revoke(bus, Revocation(user.tenant, kind, user.id, before_ms, because, OPERATOR, user.name, closes_orders))
