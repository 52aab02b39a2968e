"""`aitrading status`: which services live, asked of the hub, or of everyone when there is no hub."""

import argparse
import json
import time
from typing import Any

import msgspec

from central_hub.adapters import processes
from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import get
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import PROGRAMS
from contracts.rpc import Services


class _Overview(msgspec.Struct):
    services: Services
    errors_total: int = 0


def run(options: argparse.Namespace) -> int:
    """Print one line per service. Exit code 0 when everything runs and is ready, 1 otherwise."""
    data = DataDir(options.data)
    hub = data.holder()
    state = data.read_state()
    found = _from_hub(data) if hub and HUB in state.ports else None
    rows, errors = found if found is not None else (_by_asking_all(data), None)
    ready = bool(rows) and all(row["ready"] for row in rows)
    if options.json:
        known: dict[str, Any] = {"hub": hub, "hub_answers": found is not None, "ready": ready, "services": rows}
        print(json.dumps(known | {"errors": errors, "ports": state.ports}))
    else:
        _print(rows, hub, found is not None, errors, str(data.root))
    return 0 if ready else 1


def _from_hub(data: DataDir) -> tuple[list[dict[str, Any]], int] | None:
    try:
        status, body = get(data, HUB, "/services")
        overview = msgspec.json.decode(body, type=_Overview) if status == 200 else None
    except (OSError, msgspec.DecodeError):
        return None
    if overview is None:
        return None
    rows = []
    for row in overview.services.services:
        beat = row.heartbeat
        # an engine sends no heartbeats: the hub's own probe tells
        probe_ok = row.probe is None or row.probe.health == "ok"
        ready = row.state == "running" and (probe_ok if beat is None else beat.ready)
        age = None if beat is None else max(0, overview.services.hub_ms - beat.at_ms)
        asked = beat.dependencies if beat else (row.probe,) if row.probe else ()
        missing = "; ".join(f"{d.name}: {d.detail}" for d in asked if d.health != "ok")
        rows.append(_row(row.service, row.state, ready, row.pid, row.restarts, age, missing))
    return rows, overview.errors_total


def _by_asking_all(data: DataDir) -> list[dict[str, Any]]:
    """No hub answers: what is recorded, and what each health page says."""
    state = data.read_state()
    rows = []
    for program in PROGRAMS:
        record = state.programs.get(program.name)
        if record is None:
            continue
        alive = processes.is_same(record)
        ready, detail = alive, ""
        if alive and not program.is_engine:
            try:
                code, _ = get(data, program.name, "/health/ready")
                ready = code == 200
            except (OSError, KeyError) as error:
                ready, detail = False, f"its health page does not answer: {error}"
        rows.append(
            _row(program.name, "running" if alive else "stopped", ready, record.pid, record.restarts, None, detail)
        )
    return rows


def _row(
    service: str, state: str, ready: bool, pid: int, restarts: int, age_ms: int | None, detail: str
) -> dict[str, Any]:
    return {
        "service": service,
        "state": state,
        "ready": ready,
        "pid": pid,
        "restarts": restarts,
        "heartbeat_age_ms": age_ms,
        "detail": detail,
    }


def _print(rows: list[dict[str, Any]], hub: int, answers: bool, errors: int | None, root: str) -> None:
    if not rows:
        print(f"Nothing runs in {root}. Start it with `aitrading up`.")
        return
    if not hub:
        print("No hub watches these services; start one with `aitrading up`, it takes them over.")
    elif not answers:
        print(f"The hub (process {hub}) does not answer; this is what the services say themselves.")
    print(f"{'service':<18} {'state':<12} {'ready':<6} {'pid':>8} {'restarts':>9}  heartbeat")
    for row in rows:
        age = row["heartbeat_age_ms"]
        beat = "-" if age is None else f"{age / 1000:.1f} s ago"
        print(
            f"{row['service']:<18} {row['state']:<12} {'yes' if row['ready'] else 'no':<6} {row['pid']:>8} "
            f"{row['restarts']:>9}  {beat}  {row['detail']}".rstrip()
        )
    if errors:
        print(f"{errors} unexpected errors were reported in the last 7 days.")
    print(time.strftime("as of %Y-%m-%d %H:%M:%S UTC", time.gmtime()))
