"""`aitrading user add`: a person who may sign in."""

import argparse
import getpass
import sys
import time
import uuid

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import on_bus
from central_hub.domain.credentials import fault
from central_hub.ports import HubError
from contracts import rpc


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
    if wrong := fault(options.name, options.tenant, password):
        raise HubError(wrong)
    from argon2 import PasswordHasher

    user = rpc.User(
        uuid.uuid4().hex,
        options.tenant,
        options.name,
        options.role,
        PasswordHasher().hash(password),
        False,
        time.time_ns() // 1_000_000,
    )
    on_bus(DataDir(options.data), lambda bus: bus.ask(rpc.USER_ADD, user))
    print(f"{options.name} may now sign in as {options.role} of {options.tenant}.")
    return 0
