"""Who lives."""

from central_hub.domain.registry import MAX_STRANGERS, TTL_MS, Managed, Registry
from contracts.audit import DependencyHealth, Health, Heartbeat

NOW = 1_700_000_000_000


def beat(service: str = "data-bridge", at_ms: int = NOW, ready: bool = True, started_ms: int = 1) -> Heartbeat:
    return Heartbeat(service, "1", at_ms, started_ms, "0.1.0", ready, 8001, ())


def running(service: str = "data-bridge", since_ms: int = 0) -> Managed:
    return Managed(service, "running", 42, 3, True, since_ms)


def test_a_service_with_a_fresh_heartbeat_runs() -> None:
    registry = Registry()
    registry.heard(beat(), NOW)
    (row,) = registry.rows([running()], NOW + TTL_MS)
    assert (row.state, row.pid, row.restarts) == ("running", 42, 3)
    assert row.heartbeat == beat()


def test_a_service_that_is_silent_beyond_its_time_to_live_is_lost() -> None:
    registry = Registry()
    registry.heard(beat(), NOW)
    (row,) = registry.rows([running()], NOW + TTL_MS + 1)
    assert row.state == "lost"


def test_asking_does_not_refresh_last_seen() -> None:
    registry = Registry()
    registry.heard(beat(), NOW)
    for ms in range(0, 20_000, 1_000):
        registry.rows([running()], NOW + ms)
    assert registry.last_seen_ms("data-bridge") == NOW
    assert registry.last_seen_ms("nobody") == 0


def test_a_heartbeat_brings_a_lost_service_back() -> None:
    registry = Registry()
    registry.heard(beat(), NOW)
    registry.heard(beat(at_ms=NOW + 60_000), NOW + 60_000)
    assert registry.rows([running()], NOW + 60_001)[0].state == "running"


def test_an_older_heartbeat_of_the_same_process_is_ignored() -> None:
    registry = Registry()
    registry.heard(beat(at_ms=NOW), NOW)
    registry.heard(beat(at_ms=NOW - 5_000), NOW + 5_000)
    assert registry.last_seen_ms("data-bridge") == NOW


def test_a_new_process_counts_even_when_its_clock_is_behind() -> None:
    registry = Registry()
    registry.heard(beat(at_ms=NOW), NOW)
    registry.heard(beat(at_ms=NOW - 5_000, started_ms=2), NOW + 5_000)
    assert registry.last_seen_ms("data-bridge") == NOW + 5_000


def test_a_freshly_started_process_has_its_time_to_live_for_the_first_heartbeat() -> None:
    registry = Registry()
    registry.heard(beat(), NOW - 60_000)
    assert registry.rows([running(since_ms=NOW)], NOW + 1_000)[0].state == "running"
    assert registry.rows([running(since_ms=NOW)], NOW + TTL_MS + 1)[0].state == "lost"


def test_engines_send_no_heartbeats_and_are_never_lost() -> None:
    (row,) = Registry().rows([Managed("nats", "running", 7, 0, False, 1)], NOW)
    assert (row.state, row.heartbeat) == ("running", None)


def test_a_service_that_is_started_again_says_so() -> None:
    (row,) = Registry().rows([Managed("data-bridge", "backing_off", 0, 2, True)], NOW)
    assert (row.state, row.pid) == ("backing_off", 0)


def test_services_of_other_machines_are_listed_after_our_own() -> None:
    registry = Registry()
    registry.heard(beat("zeta"), NOW)
    registry.heard(beat("alpha", ready=False), NOW)
    registry.heard(beat("omega"), NOW - TTL_MS - 1)
    rows = registry.rows([running("data-bridge", NOW)], NOW)
    assert [(r.service, r.state) for r in rows] == [
        ("data-bridge", "running"),
        ("alpha", "starting"),
        ("omega", "lost"),
        ("zeta", "running"),
    ]


def test_the_longest_silent_strangers_are_forgotten() -> None:
    registry = Registry()
    for i in range(MAX_STRANGERS + 10):
        registry.heard(beat(f"s{i:04d}", at_ms=NOW + i), NOW + i)
    rows = registry.rows([], NOW)
    assert len(rows) == MAX_STRANGERS
    assert rows[0].service == "s0010"


def test_of_an_engine_the_hubs_own_probe_and_port_are_told() -> None:
    probe = DependencyHealth("nats", Health.OK, "JetStream is on", NOW)
    (row,) = Registry().rows([Managed("nats", "running", 7, 0, False, 1, probe, 4222)], NOW)
    assert (row.heartbeat, row.probe, row.port) == (None, probe, 4222)
