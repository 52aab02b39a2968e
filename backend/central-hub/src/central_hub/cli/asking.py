"""Ask the running platform as the operator: over the bus, or a page of one service."""

import asyncio
import contextlib
import getpass
import http.client
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.probes import speaks_tls
from central_hub.adapters.secret_files import seed_file
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import NATS
from central_hub.ports import HubError
from contracts import rpc, subjects
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


def write_down(data: DataDir, kind: str, subject: str, detail: dict[str, str]) -> bool:
    """Write an act of the operator into the audit trail before it is done. HubError when the platform runs and can't
    take it: then the act must not be done. False: nothing runs, so there is nothing to write it into."""
    if not data.holder():
        return False
    from kit import log

    record = AuditRecord(
        log.new_correlation_id(), HOME, time.time_ns() // 1_000_000, HUB, kind, subject, {"by": actor()} | detail
    )

    async def append(bus: "Bus") -> None:
        await bus.ask(rpc.AUDIT_APPEND, record)

    try:
        on_bus(data, append)
    except HubError as error:
        raise HubError(f"It was not done, because it was not written down: {error}") from None
    return True


def get(data: DataDir, program: str, path: str, timeout_s: float = 2.0) -> tuple[int, bytes]:
    """(status, body) of a page of `program` on this machine, asked as the operator; OSError when nobody answers."""
    if not speaks_tls(program, os.environ):
        # the platform may have been started with other settings than this command line, and then the gateway with https
        with contextlib.suppress(OSError):
            return _get(data, program, path, timeout_s, secure=False)
    return _get(data, program, path, timeout_s, secure=True)


def _get(data: DataDir, program: str, path: str, timeout_s: float, *, secure: bool) -> tuple[int, bytes]:
    port = port_of(data, program)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.connect()
        if secure:
            _secure(connection, data, program)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"what answers on port {port} is not a service: {error!r}") from None
    finally:
        connection.close()


def _secure(connection: http.client.HTTPConnection, data: DataDir, program: str) -> None:
    from kit.errors import CertificateRefused
    from kit.tls import TlsFiles, client_context, host_of

    try:
        context = client_context(TlsFiles(data.secrets / "tls" / USER))
    except CertificateRefused as error:
        raise OSError(str(error)) from None
    connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of(program))


def port_of(data: DataDir, program: str) -> int:
    """Where a program of this data directory listens."""
    return data.read_state().ports.get(program) or PORTS.get(program, NATS_PORT)


def on_bus(data: DataDir, work: "Callable[[Bus], Awaitable[T]]") -> T:
    """Connect, do `work`, hang up. HubError when the platform does not run or refuses."""
    from kit import log
    from kit.clock import SystemClock
    from kit.errors import AnswerFault, BusUnavailable, CertificateRefused, SettingsError
    from kit.nats_bus import NatsBus
    from kit.service_tokens import open_guard
    from kit.tls import TlsFiles

    log.configure(USER, "cli", "error")
    url = os.environ.get("AITRADING_NATS_URL") or f"tls://127.0.0.1:{port_of(data, NATS)}"
    seed = Path(os.environ.get("AITRADING_OPERATOR_NATS_SEED") or seed_file(data.secrets, USER))

    async def talk() -> T:
        guard = open_guard(USER, data.secrets, SystemClock().now_ms)
        tls = TlsFiles(data.secrets / "tls" / USER)
        bus = await NatsBus.connect(url, USER, seed, tls, guard=guard, give_up_after_s=2.0)
        try:
            return await work(bus)
        finally:
            await bus.close()

    try:
        return asyncio.run(talk())
    except (BusUnavailable, CertificateRefused, SettingsError) as error:
        raise HubError(
            f"The platform does not answer on the bus ({error}). Start it with `aitrading up --data {data.root}`, "
            f"or see `aitrading status`."
        ) from None
    except AnswerFault as fault:
        raise HubError(f"The platform refused: {fault.reason}") from None
