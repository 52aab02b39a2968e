"""Ports nobody uses, for tests and for a platform told to leave the usual ones alone."""

import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below the range that systems give to outgoing connections (Linux from 32,768, Windows and macOS from 49,152): a port
from that range can be taken by any connection between choosing it and listening on it, or while a service restarts."""
TRIES = 1_000


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that were free a moment ago, all different; OSError when there are too few."""
    ports: list[int] = []
    for port in random.sample(range(FIRST, LAST), TRIES):
        with socket.socket() as probe:
            # as servers do it, so that connections still closing do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f"no {count} free ports between {FIRST} and {LAST}: end programs that listen there")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
