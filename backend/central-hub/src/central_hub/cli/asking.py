"""Ask the running platform: over the bus as user `operator`, or the hub's page over HTTP."""

import asyncio
import getpass
import http.client
import os
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.secret_files import read_bus_password
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import NATS
from central_hub.ports import HubError
from contracts import subjects
from contracts.audit import AuditRecord
from contracts.codec import encode
from contracts.ports import NATS_PORT, PORTS

if TYPE_CHECKING:
    from kit.bus import Bus

T = TypeVar("T")
USER = "operator"
HOME = "default"
"""The tenant of whoever runs the platform."""
LEAST_REASON = 8


def actor() -> str:
    """Who sits at this command line, as far as the system knows."""
    try:
        return f"{USER}:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"{USER}:uid {os.getuid()}"


async def explain(bus: "Bus", tenant: str, because: str, what: str) -> None:
    """Write into a tenant's audit trail that an operator looks at its data, and why; before looking. The operator's own
    tenant needs no reason. HubError without one."""
    if tenant == HOME:
        return
    if len(because.strip()) < LEAST_REASON:
        raise HubError(
            f"{tenant} is not your own tenant: say why you look at its data with --because TEXT, in {LEAST_REASON} "
            "characters or more; the tenant will see it."
        )
    from kit import log

    record = AuditRecord(
        log.new_correlation_id(), tenant, time.time_ns() // 1_000_000, HUB, "operator_read", actor(),
        {"because": because, "what": what},
    )  # fmt: skip
    await bus.store(subjects.audit(tenant), encode(record), record.id)


def get(port: int, path: str, timeout_s: float = 2.0) -> tuple[int, bytes]:
    """(status, body) of a page on this machine; OSError when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"what answers on port {port} is not a service: {error!r}") from None
    finally:
        connection.close()


def port_of(data: DataDir, program: str) -> int:
    """Where a program of this data directory listens."""
    return data.read_state().ports.get(program) or PORTS.get(program, NATS_PORT)


def on_bus(data: DataDir, work: "Callable[[Bus], Awaitable[T]]") -> T:
    """Connect, do `work`, hang up. HubError when the platform does not run or refuses."""
    from kit import log
    from kit.clock import SystemClock
    from kit.errors import AnswerFault, BusUnavailable, SettingsError
    from kit.nats_bus import NatsBus
    from kit.service_tokens import open_guard

    log.configure(USER, "cli", "error")
    url = os.environ.get("AITRADING_NATS_URL") or f"nats://127.0.0.1:{port_of(data, NATS)}"
    password = os.environ.get("AITRADING_OPERATOR_NATS_PASSWORD") or read_bus_password(data.secrets, USER)

    async def talk() -> T:
        guard = open_guard(USER, data.secrets, SystemClock().now_ms)
        bus = await NatsBus.connect(url, USER, password, guard=guard, give_up_after_s=2.0)
        try:
            return await work(bus)
        finally:
            await bus.close()

    try:
        return asyncio.run(talk())
    except (BusUnavailable, SettingsError) as error:
        raise HubError(
            f"The platform does not answer on the bus ({error}). Start it with `aitrading up --data {data.root}`, "
            f"or see `aitrading status`."
        ) from None
    except AnswerFault as fault:
        raise HubError(f"The platform refused: {fault.reason}") from None
