"""Limits by class of route, and whose address they count."""

import pytest

from api_gateway.domain.access import SOCKET, Caller
from api_gateway.domain.pace import (
    LIMITS,
    MAX_IN_FLIGHT,
    MAX_IN_FLIGHT_PER_PEER,
    InFlight,
    Kind,
    Pace,
    kind_of,
)
from api_gateway.domain.peers import UNKNOWN, networks, peer_of
from kit.limits import MAX_KEYS

ANN = Caller("ann", "default", "viewer", "c", 10**15, "id", False)
BOB = Caller("bob", "default", "viewer", "c", 10**15, "id", False)
PROXIES = networks(["10.0.0.0/8", "fd00::/8"])


def through(pace: Pace, method: str, caller: Caller | None, peer: str, times: int) -> int:
    return sum(pace.wait_ms(method, caller, peer, 0)[0] == 0 for _ in range(times))


def test_each_request_has_its_class() -> None:
    assert kind_of("GET", ANN) is Kind.READ
    assert kind_of("POST", ANN) is Kind.CHANGE
    assert kind_of(SOCKET, ANN) is Kind.STREAM
    assert kind_of("POST", None) is Kind.OPEN


def test_W25_a_burst_over_the_limit_waits_and_another_user_goes_on() -> None:
    pace = Pace(100)
    assert through(pace, "GET", ANN, "192.0.2.1", 150) == 100
    assert pace.wait_ms("GET", ANN, "192.0.2.1", 0) == (60_000, Kind.READ)
    assert through(pace, "GET", BOB, "192.0.2.2", 50) == 50
    assert through(pace, "POST", ANN, "192.0.2.1", 10) == 10
    assert pace.wait_ms("GET", ANN, "192.0.2.1", 60_000)[0] == 0


def test_W25_a_user_from_a_thousand_addresses_has_one_limit() -> None:
    pace = Pace(100)
    assert sum(through(pace, "GET", ANN, f"192.0.{n // 250}.{n % 250}", 1) for n in range(1_000)) == 100


def test_W25_a_tenant_has_a_limit_however_many_users_it_makes() -> None:
    pace = Pace(100)
    callers = [Caller(f"user{n}", "default", "viewer", "c", 10**15, "id", False) for n in range(700)]
    assert sum(through(pace, "GET", c, f"192.0.2.{n % 200}", 1) for n, c in enumerate(callers)) == 500


def test_W25_a_peer_without_a_session_has_a_limit_and_others_are_not_held_up() -> None:
    pace = Pace()
    most = LIMITS[Kind.OPEN].peer
    assert through(pace, "POST", None, "192.0.2.1", most + 50) == most
    assert through(pace, "POST", None, "192.0.2.2", 5) == 5


def test_W25_thousands_of_addresses_do_not_fill_the_memory() -> None:
    pace = Pace()
    for n in range(MAX_KEYS + 5_000):
        pace.wait_ms("GET", None, f"198.18.{n // 250}.{n % 250}", n)
    assert all(len(limiter.seen) <= MAX_KEYS for limiter in pace.limiters.values())


@pytest.mark.parametrize(
    ("direct", "forwarded", "peer"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("192.0.2.1", "10.0.0.1, 203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", "2001:db8:1:2::/64"),
        ("fd00::1", "2001:db8::1", "2001:db8::/64"),
        ("", "1.2.3.4", UNKNOWN),
        ("/run/gateway.sock", "", UNKNOWN),
    ],
)
def test_W25_the_peer_is_the_connections_unless_a_trusted_proxy_says_otherwise(
    direct: str, forwarded: str, peer: str
) -> None:
    assert peer_of(direct, forwarded, PROXIES) == peer


def test_without_trusted_proxies_no_header_counts() -> None:
    assert peer_of("127.0.0.1", "203.0.113.9", ()) == "127.0.0.1"


def test_networks_that_are_none_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="write it as"):
        networks(["10.0.0.0/33"])


def test_requests_in_flight_are_bounded_and_one_peer_leaves_room_for_others() -> None:
    flight = InFlight()
    assert sum(flight.enter("a") for _ in range(1_000)) == MAX_IN_FLIGHT_PER_PEER
    assert flight.enter("b")
    flight.leave("b")
    flight.leave("a")
    assert flight.enter("a")
    assert sum(flight.enter(f"p{n}") for n in range(1_000)) == MAX_IN_FLIGHT - MAX_IN_FLIGHT_PER_PEER
    for peer, count in list(flight.by_peer.items()):
        for _ in range(count):
            flight.leave(peer)
    assert (flight.total, flight.by_peer) == (0, {})
