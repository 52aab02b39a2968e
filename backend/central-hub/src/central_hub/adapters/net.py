"""Ports of this machine: which are taken, which are free, and where a URL points."""

import contextlib
import socket
from collections.abc import Mapping

from central_hub.domain.programs import NATS, POSTGRES

LOOPBACK = "127.0.0.1"


def is_taken(port: int) -> bool:
    """Somebody listens there, or nobody may."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # as servers do it, so that connections still closing do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def owner_of(port: int) -> str:
    """Who listens there, as far as this user may know: `nginx (process 12)`; empty when unknown."""
    import psutil  # only when there is something to complain about

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def engines_elsewhere(environ: Mapping[str, str]) -> dict[str, str]:
    """Engines that the operator named by URL: they are used, not started."""
    named = {NATS: environ.get("AITRADING_NATS_URL", ""), POSTGRES: environ.get("AITRADING_POSTGRES_URL", "")}
    return {program: url for program, url in named.items() if url}
