"""Free ports are free, different, and not from the range that outgoing connections take."""

import socket

from kit.free_ports import FIRST, LAST, free_ports


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(10)
    assert len(set(ports)) == 10
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_no_outgoing_connection_can_take_one_before_it_is_used() -> None:
    assert all(FIRST <= port < LAST < 32_768 for port in free_ports(100))
