"""`aitrading doctor`: check this machine and this installation, one plain line each."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from central_hub.adapters import net, processes
from central_hub.adapters.ca_files import CaFiles
from central_hub.adapters.datadir import LEAST_FREE_BYTES, DataDir
from central_hub.adapters.nats_server import find_binary
from central_hub.adapters.postgres_server import drop_root, find_folder
from central_hub.adapters.python_service import is_installed
from central_hub.domain import portplan
from central_hub.domain.programs import NATS, POSTGRES, PROGRAMS
from central_hub.ports import HubError

OK, WARNING, FAILED = "ok", "warning", "FAILED"
EARLIEST_S = 1_767_225_600
"""1 January 2026: a clock before it was never set."""
SOON_DAYS = 30
PUBLIC = {"token.pub", "signal.pub"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do when it is not well."""

    what: str
    state: str
    text: str


def run(options: argparse.Namespace) -> int:
    """Print all findings; exit code 1 when one of them failed."""
    data = DataDir(options.data)
    checks: tuple[Callable[[DataDir], Iterator[Finding]], ...] = (
        _python,
        _disk,
        _clock,
        _engines,
        _secrets,
        _certificates,
        _ports,
        _services,
    )
    findings = [finding for check in checks for finding in check(data)]
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.what:<10} {finding.text}")
    return 1 if any(finding.state == FAILED for finding in findings) else 0


def _python(_data: DataDir) -> Iterator[Finding]:
    number = ".".join(map(str, sys.version_info[:3]))
    state = OK if sys.version_info >= (3, 11) else FAILED
    yield Finding("python", state, f"{number}; 3.11 or newer is needed")


def _disk(data: DataDir) -> Iterator[Finding]:
    place = data.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free // 10**6:,} MB free for {data.root}; at least {LEAST_FREE_BYTES // 10**6} MB are needed"
    yield Finding("disk", OK if free >= LEAST_FREE_BYTES else FAILED, text)
    if not os.access(place, os.W_OK):
        yield Finding("disk", FAILED, f"{place} can't be written: give it to this user, or use --data")


def _clock(_data: DataDir) -> Iterator[Finding]:
    now = time.time()
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < EARLIEST_S:
        yield Finding("clock", FAILED, f"{text} can't be right: set the machine's clock")
        return
    timedatectl = shutil.which("timedatectl")
    if timedatectl is None:
        yield Finding("clock", WARNING, f"{text}; whether it is kept by NTP can't be told here")
        return
    done = subprocess.run(  # noqa: S603 a fixed program with fixed arguments
        (timedatectl, "show", "--property=NTPSynchronized", "--value"), capture_output=True, text=True, check=False
    )
    said = done.stdout.strip()
    if said == "yes":
        yield Finding("clock", OK, f"{text}, kept by NTP")
    else:
        why = "it is not kept by NTP" if said == "no" else "whether it is kept by NTP can't be told here"
        yield Finding("clock", WARNING, f"{text}; {why}: signals live 5 s, so clocks must agree to a second")


def _engines(_data: DataDir) -> Iterator[Finding]:
    elsewhere = net.engines_elsewhere(os.environ)
    finders: tuple[tuple[str, Callable[[], Path]], ...] = ((NATS, find_binary), (POSTGRES, find_folder))
    for name, find in finders:
        if name in elsewhere:
            yield Finding(name, OK, "an external one is used, as its URL setting says")
            continue
        try:
            place = find()
            if name == POSTGRES:
                drop_root()
            yield Finding(name, OK, str(place))
        except HubError as error:
            yield Finding(name, FAILED, str(error))


def _secrets(data: DataDir) -> Iterator[Finding]:
    if not data.secrets.exists():
        yield Finding("secrets", OK, "none yet; they are made at the first start")
        return
    try:
        found = [data.secrets, *data.secrets.rglob("*")]
        loose = [one for one in found if one.name not in PUBLIC and one.stat().st_mode & 0o077]
    except OSError as error:
        yield Finding("secrets", FAILED, f"{data.secrets} can't be read ({error.strerror}): use the user who made it")
        return
    for one in loose:
        yield Finding("secrets", FAILED, f"others may read {one}: run `chmod go= {one}`")
    if not loose:
        yield Finding("secrets", OK, f"{sum(one.is_file() for one in found)} files, readable by their owner only")


def _certificates(data: DataDir) -> Iterator[Finding]:
    ca = CaFiles(data.secrets)
    if not ca.folder.exists():
        yield Finding("ca", OK, "no certificates yet; they are made at the first start")
        return
    try:
        register = ca.register()
    except HubError as error:
        yield Finding("ca", FAILED, str(error))
        return
    now_ms = time.time_ns() // 1_000_000
    late = sorted(name for name, leaf in register.leafs.items() if leaf.until_ms <= now_ms)
    days = (register.intermediate.until_ms - now_ms) // 86_400_000
    if late:
        told = f"expired: {', '.join(late)}; `aitrading up` renews them"
        yield Finding("ca", FAILED if data.holder() else WARNING, told)
    if days < SOON_DAYS:
        told = f"the intermediate ends in {days} days: run `aitrading ca renew-intermediate` with {ca.offline} in place"
        yield Finding("ca", FAILED if days < 0 else WARNING, told)
    if ca.root_key.exists():
        told = f"the root's key lies on this machine: move {ca.offline} to a safe place, the platform runs without it"
        yield Finding("ca", WARNING, told)
    if not late and days >= SOON_DAYS:
        yield Finding("ca", OK, f"{len(register.leafs)} certificates, the intermediate for {days} more days")


def _ports(data: DataDir) -> Iterator[Finding]:
    state = data.read_state()
    living = {name for name, record in state.programs.items() if processes.is_same(record)}
    if data.holder():
        living.add(portplan.HUB)
    try:
        plan = state.ports if living and state.ports else portplan.usual(os.environ)
    except portplan.PortFault as fault:
        yield Finding("ports", FAILED, str(fault))
        return
    elsewhere = net.engines_elsewhere(os.environ)
    taken = {
        program: port
        for program, port in plan.items()
        if program not in living and program not in elsewhere and net.is_taken(port)
    }
    for program, port in taken.items():
        yield Finding("ports", FAILED, portplan.taken_sentence(program, port, net.owner_of(port)))
    if not taken:
        yield Finding("ports", OK, ", ".join(f"{program} {port}" for program, port in plan.items()))


def _services(data: DataDir) -> Iterator[Finding]:
    for program in PROGRAMS:
        if program.module and not is_installed(program.module):
            yield Finding("services", FAILED, f"{program.name} is not installed: run `make setup`")
    hub, state = data.holder(), data.read_state()
    dead = [name for name, record in state.programs.items() if not processes.is_same(record)]
    if not hub and not state.programs:
        yield Finding("services", OK, "nothing runs; start it with `aitrading up`")
        return
    if not hub:
        yield Finding("services", WARNING, "no hub watches them: `aitrading up` takes them over")
    for name in dead:
        yield Finding("services", FAILED, f"{name} does not run; its log is {data.log_of(name)}")
    if not dead:
        yield Finding("services", OK, f"{len(state.programs)} programs run; `aitrading status` shows them")
