"""`aitrading ca …`: the platform's certificate authority: what it has issued, renewals, and a change of its root."""

import argparse
import json
import os
import re
import time

from central_hub.adapters.ca_files import RELOADED_S, CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.platform import authority_of
from central_hub.adapters.renewals import reload_bus
from central_hub.domain.authority import Issued
from central_hub.ports import HubError
from contracts.subjects import TENANT

DAY_S = 86_400
MOST_DAYS = 90
PROGRAM = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")


def run(options: argparse.Namespace) -> int:
    """Do what `options.ca_verb` says; the running platform follows by itself, no connection is cut."""
    data = DataDir(options.data)
    if not (data.secrets / "ca").exists():
        raise HubError(f"There is no authority in {data.root} yet: it is made by the first `aitrading up`.")
    ca = authority_of(data, os.environ)
    verb = options.ca_verb
    if verb == "status":
        return _status(ca, as_json=options.json)
    if verb == "program":
        return _program(options, ca)
    if verb == "rotate-root" and options.forget_old:
        renewed = ca.forget_old_root()
        print("The old root is not trusted any more.")
    elif verb == "rotate-root":
        renewed = _rotate(data, ca)
    elif verb == "renew-intermediate":
        renewed = ca.renew_intermediate()
    else:
        renewed = ca.renew(everything=True)
    reload_bus(data)
    print(f"New certificates for {', '.join(renewed)}.")
    return 0


def _program(options: argparse.Namespace, ca: CaFiles) -> int:
    if not (TENANT.match(options.tenant) and PROGRAM.match(options.name)):
        raise HubError("A tenant and a program have names of letters, digits and -, at most 32.")
    if not 1 <= options.days <= MOST_DAYS:
        raise HubError(f"--days {options.days} is not possible: a program's certificate lives 1 to {MOST_DAYS} days.")
    ca.issue_program(options.out, options.tenant, options.name, options.days * DAY_S)
    print(options.out)
    return 0


def _rotate(data: DataDir, ca: CaFiles) -> tuple[str, ...]:
    ca.announce_next_root()
    reload_bus(data)
    time.sleep(RELOADED_S)
    renewed = ca.rotate_root()
    print(
        f"The spare root is the root now, and there is a new spare. Move {ca.offline} away again. When every terminal "
        f"has connected once, run `aitrading ca rotate-root --forget-old`."
    )
    return renewed


def _status(ca: CaFiles, *, as_json: bool) -> int:
    register = ca.register()
    now_ms = time.time_ns() // 1_000_000
    rows = {"root": register.root, "intermediate": register.intermediate, **register.leafs}
    over = [name for name, one in rows.items() if one.until_ms <= now_ms]
    if as_json:
        known = {name: {"from_ms": one.from_ms, "until_ms": one.until_ms} for name, one in rows.items()}
        print(json.dumps({"certificates": known, "names": register.names, "offline_here": ca.root_key.exists()}))
    else:
        for name, one in rows.items():
            print(f"{name:<18} until {_utc(one)}{'  EXPIRED' if name in over else ''}")
        if register.names:
            print(f"names besides our own: {', '.join(register.names)}")
        if ca.root_key.exists():
            print(f"The root's key lies on this machine: move {ca.offline} to a safe place.")
    return 1 if over else 0


def _utc(one: Issued) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(one.until_ms / 1000))
