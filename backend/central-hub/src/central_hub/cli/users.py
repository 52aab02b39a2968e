"""`aitrading user add`: a person who may sign in."""

import argparse
import getpass
import sys
import time
import uuid
from typing import TYPE_CHECKING

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import on_bus
from central_hub.cli.people import written_down
from central_hub.ports import HubError
from contracts import people, rpc
from contracts.subjects import TENANT

if TYPE_CHECKING:
    from kit.bus import Bus


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise HubError("Nobody is there to type a password: use --password-stdin.")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise HubError("The two passwords differ: try again.")
    return first


def run(options: argparse.Namespace) -> int:
    """Hash the password (argon2id) and store the person."""
    password = _password(options.password_stdin)
    from argon2 import PasswordHasher

    from kit.credentials import name_fault, password_fault

    if wrong := name_fault(options.name) or password_fault(password, options.name):
        raise HubError(wrong)
    if not TENANT.match(options.tenant):
        raise HubError(f"{options.tenant!r} is not a tenant: use lower-case letters, digits and -, at most 32.")
    user = rpc.User(
        uuid.uuid4().hex,
        options.tenant,
        options.name,
        options.role,
        PasswordHasher().hash(password),
        False,
        time.time_ns() // 1_000_000,
    )

    async def add(bus: "Bus") -> None:
        await bus.ask(rpc.USER_ADD, user)
        audit = written_down(user, "user_created", user_id=user.id, role=user.role)
        await bus.ask(people.USER_CHANGE, people.UserChange(user.tenant, user.id, audit=audit))

    on_bus(DataDir(options.data), add)
    print(f"{options.name} may now sign in as {options.role} of {options.tenant}.")
    return 0
