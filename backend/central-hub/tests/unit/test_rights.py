"""What each service may say and hear."""

import pytest

from central_hub.domain.rights import all_permissions, overlaps
from contracts.subjects import RIGHTS
from kit.testing.bus import matches


def may_publish(service: str, subject: str) -> bool:
    allowed = all_permissions()[service]
    return any(matches(p, subject) for p in allowed.publish) and not any(
        matches(p, subject) for p in allowed.publish_deny
    )


def may_hear(service: str, subject: str) -> bool:
    return any(matches(p, subject) for p in all_permissions()[service].subscribe)


def test_every_user_of_the_table_gets_permissions() -> None:
    assert set(all_permissions()) == set(RIGHTS)


@pytest.mark.parametrize("service", sorted(RIGHTS))
def test_everyone_may_beat_report_and_hear_its_own_inbox(service: str) -> None:
    assert may_publish(service, f"health.{service}.1")
    assert may_publish(service, f"errors.{service}")
    assert may_hear(service, f"_INBOX.{service}.abc")
    assert may_hear(service, f"deliver.{service}.name")


@pytest.mark.parametrize("service", sorted(RIGHTS))
def test_nobody_speaks_or_hears_for_another(service: str) -> None:
    for other in set(RIGHTS) - {service}:
        assert not may_publish(service, f"health.{other}.1")
        assert not may_publish(service, f"errors.{other}")
        assert not may_hear(service, f"_INBOX.{other}.abc")
        assert not may_hear(service, f"deliver.{other}.name")


def test_only_the_engine_writes_signals() -> None:
    assert [s for s in RIGHTS if may_publish(s, "signals.default.1000001")] == ["trading-engine"]


def test_only_the_bridge_writes_ticks_and_executions() -> None:
    assert [s for s in RIGHTS if may_publish(s, "ticks.default.1.EURUSD")] == ["data-bridge"]
    assert [s for s in RIGHTS if may_publish(s, "executions.default.1")] == ["data-bridge"]


def test_a_stream_that_a_service_does_not_read_is_closed_to_it_by_the_back_door_too() -> None:
    for subject in (
        "$JS.API.CONSUMER.CREATE.SIGNALS",
        "$JS.API.CONSUMER.CREATE.SIGNALS.mine",
        "$JS.API.CONSUMER.CREATE.SIGNALS.mine.signals.default.1",
        "$JS.API.CONSUMER.DURABLE.CREATE.SIGNALS.mine",
        "$JS.API.CONSUMER.MSG.NEXT.SIGNALS.mine",
        "$JS.API.STREAM.MSG.GET.SIGNALS",
        "$JS.API.DIRECT.GET.SIGNALS",
    ):
        assert not may_publish("api-gateway", subject), subject
    assert may_publish("data-bridge", "$JS.API.CONSUMER.CREATE.SIGNALS.mine.signals.default.1")


@pytest.mark.parametrize("service", sorted(RIGHTS))
def test_nobody_deletes_or_empties_a_stream(service: str) -> None:
    for verb in ("DELETE", "PURGE", "MSG.DELETE"):
        assert not may_publish(service, f"$JS.API.STREAM.{verb}.TICKS")
    assert may_publish(service, "$JS.API.STREAM.CREATE.TICKS")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("ticks.>", "ticks.a.b", True),
        ("ticks.>", "ticks.>", True),
        (">", "a", True),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.b", "a", False),
        ("a.b", "a.c", False),
        ("a.>", "a", False),
    ],
)
def test_two_patterns_overlap_when_some_subject_fits_both(one: str, other: str, expected: bool) -> None:
    assert overlaps(one, other) is expected
    assert overlaps(other, one) is expected
