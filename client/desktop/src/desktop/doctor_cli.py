"""`aitrading-client doctor`: look at everything that can be wrong on this PC; nothing is changed and nothing traded."""

import argparse
import asyncio
import importlib.metadata
import platform
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import picows

from client_security.adapters.papers import Papers
from client_security.adapters.wire import Address, TurnedAway, context_for, dial
from client_security.domain.enrolment import Enrolment
from contracts.terminals import JOIN_PATH
from desktop import doctor
from desktop.config_cli import CONFIG_DIR
from desktop.doctor import FAIL, OK, WARN, Finding
from desktop.health import ask, page
from desktop.plan import CONNECTOR, State, ports
from desktop.setup_cli import STATE_FILE, look_at, program_said
from desktop.vault_cli import papers_of
from kit.errors import KitError
from kit.hardening import mitigations

REACH_S = 15.0
_AHEAD = re.compile(rb"^clock_ahead_ms (\S+)$", re.MULTILINE)
_BYTES = re.compile(rb"^spool_bytes (\S+)$", re.MULTILINE)


class _Kept(msgspec.Struct, frozen=True):
    """What of the newest settings the doctor looks at."""

    terminal: str = ""
    terminal_path: str = ""
    spool_max_mb: int = 2_048


def run_doctor(options: argparse.Namespace, world: Mapping[str, str]) -> int:
    """0 nothing failed, 1 something did. With --json the findings as a list."""
    data: Path = options.data.expanduser().absolute()
    findings = []
    for finding in examined(data, papers_of(options), world):
        findings.append(finding)
        if not options.json:
            print(finding.line(), flush=True)
    if options.json:
        print(msgspec.json.encode(findings).decode())
    return 1 if any(finding.state == FAIL for finding in findings) else 0


def examined(data: Path, papers: Papers, world: Mapping[str, str]) -> Iterator[Finding]:
    """Every check, the quick ones first."""
    yield doctor.versions(_versions())
    for found in mitigations():
        yield Finding("process", OK if found.on else WARN, str(found))
    config = _config(data, world)
    state = _state(data)
    yield doctor.terminal_path(config.terminal, config.terminal_path, Path(config.terminal_path).is_file())
    enrolment, vault = _vault(papers)
    yield vault
    if state is not None and ask(data, CONNECTOR, state.ports[CONNECTOR]).dependencies:
        yield from _of_running(data, state, config.spool_max_mb)
    else:
        yield from _of_stopped(data, world, config, enrolment)
    if enrolment is not None:
        yield from _of_server(papers, enrolment, data)
    yield doctor.disk(_free_mb(data), str(data))


def _of_running(data: Path, state: State, most_mb: int) -> Iterator[Finding]:
    for app, port in state.ports.items():
        answer = ask(data, app, port)
        if answer.trouble:
            yield Finding(app, FAIL, answer.trouble, f"aitrading-client logs --app {app}")
        for each in answer.dependencies:
            if each.name != "process":
                yield doctor.running_part(each.name, each.health.value, each.detail)
    try:
        said = page(data, CONNECTOR, state.ports[CONNECTOR], "/metrics")
    except OSError:
        said = b""
    ahead, waiting = _AHEAD.search(said), _BYTES.search(said)
    yield doctor.clock(None if ahead is None or ahead[1] == b"NaN" else float(ahead[1]))
    if waiting is not None:
        yield doctor.spool(float(waiting[1]) / 1e6, most_mb)


def _of_stopped(data: Path, world: Mapping[str, str], config: _Kept, enrolment: Enrolment | None) -> Iterator[Finding]:
    yield Finding("client", WARN, "not running", "aitrading-client run")
    if config.terminal_path and Path(config.terminal_path).is_file():
        look = look_at(data, world, config.terminal, config.terminal_path)
        yield from doctor.terminal(look)
        yield doctor.account(look, enrolment.account if enrolment else "")
    yield doctor.clock(None)
    file = data / "spool.db"
    yield doctor.spool(file.stat().st_size / 1e6 if file.exists() else 0.0, config.spool_max_mb)
    yield doctor.ports_taken({app: port for app, port in ports(None, False).items() if _taken(port)})


def _of_server(papers: Papers, enrolment: Enrolment, data: Path) -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    pins, joined = papers.pins(), papers.membership()
    objection = pins.objection(now_ms)
    expires = None if joined is None else joined.expires_ms
    yield from doctor.certificate(expires, pins.warning(now_ms), objection.reason if objection else "", now_ms)
    if objection is None:
        yield from doctor.server(asyncio.run(reach(enrolment.server, pins.trusted(), data)), enrolment.server)


async def reach(server: str, roots: str, data: Path) -> str:
    """Why the server was not reached, in words; empty when it was, and is the enrolled one. Nothing is said to it."""
    url = urlsplit(server)._replace(path=JOIN_PATH).geturl()
    try:
        async with asyncio.timeout(REACH_S):
            address = Address(data / "server.address")
            transport, _ = await dial(url, picows.WSListener, context_for(roots), address)
            transport.disconnect()
    except TurnedAway:  # its own certificate was right: it is the server that refuses
        return ""
    except (OSError, TimeoutError) as error:
        return str(error) or "no answer in time"
    return ""


def _vault(papers: Papers) -> tuple[Enrolment | None, Finding]:
    if not papers.vault.exists():
        return None, Finding("vault", WARN, "there is none yet", "aitrading-client setup")
    try:
        status = papers.vault.status()
        enrolment = papers.enrolment()
    except KitError as error:
        return None, Finding("vault", FAIL, str(error), "see docs/trader.md, the vault")
    weak = status.keeper == "file"
    cure = "aitrading-client vault rotate --keeper passphrase" if weak else ""
    says = f"key kept by {status.keeper}: {status.protects}; {len(status.entries)} secret(s)"
    return enrolment, Finding("vault", WARN if weak else OK, says, cure)


def _config(data: Path, world: Mapping[str, str]) -> _Kept:
    if not (data / CONFIG_DIR).is_dir():
        return _Kept()
    try:
        said = program_said(world, 30.0, "config_manager", "set", str(data / CONFIG_DIR), given=b"{}")
        return msgspec.json.decode(said, type=_Kept)
    except (KitError, msgspec.DecodeError):
        return _Kept()


def _state(data: Path) -> State | None:
    try:
        return msgspec.json.decode((data / STATE_FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return None


def _taken(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_mb(data: Path) -> float:
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    return shutil.disk_usage(there).free / 1e6


def _versions() -> dict[str, str]:
    found = {"client": importlib.metadata.version("desktop"), "Python": platform.python_version()}
    found[platform.system()] = platform.release()
    for name in ("MetaTrader5", "mt5sim"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
