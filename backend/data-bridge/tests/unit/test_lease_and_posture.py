"""Who may be given signals: lent the account, with a right clock and a client that is new enough."""

from contracts.rpc import LeaseTaken
from contracts.uplink import LEASE_WAIT_MS
from data_bridge.domain.lease import LeaseHold
from data_bridge.domain.posture import MAX_WAY_MS, MOST_ASKED, Posture, version_of

NOW = 1_700_000_000_000
HOUR_MS = 3_600_000


def posture() -> Posture:
    return Posture("1.2.0", "1.2.0", "journal")


def answered(made: Posture, ahead_ms: int, way_ms: int = 0) -> str:
    made.heard(made.ask(NOW), NOW + way_ms // 2 + ahead_ms, NOW + way_ms)
    return made.trouble()


def test_a_lease_that_needs_no_waiting_is_granted_at_once_and_another_after_its_time() -> None:
    hold = LeaseHold()
    assert (hold.granted(NOW), "does not answer" in hold.trouble(NOW)) == (0, True)
    hold.taken(LeaseTaken(7, False, "pc-1", 1), NOW)
    assert (hold.granted(NOW), hold.trouble(NOW)) == (7, "")
    hold.taken(LeaseTaken(8, True, "pc-2", 1), NOW)
    assert (hold.granted(NOW + LEASE_WAIT_MS - 1), "just started" in hold.trouble(NOW)) == (0, True)
    assert hold.granted(NOW + LEASE_WAIT_MS) == 8


def test_a_clock_is_judged_with_half_the_way_forgiven() -> None:
    assert posture().trouble() == "the clock of the PC was not measured yet"
    assert [answered(posture(), ms) for ms in (1_001, -1_001)] == ["", ""]
    assert "1.0 s ahead of" in answered(posture(), 1_002)
    assert "30.0 s behind" in answered(posture(), -30_000)
    assert answered(posture(), 1_500, way_ms=1_000) == ""


def test_answers_nobody_asked_for_or_that_took_too_long_teach_nothing() -> None:
    made = posture()
    made.heard(NOW, NOW + 30_000, NOW)
    assert made.unsure_ms == -1
    made.heard(made.ask(NOW), NOW, NOW + MAX_WAY_MS + 1)
    made.heard(made.ask(NOW), 0, NOW)
    assert made.unsure_ms == -1
    for i in range(MOST_ASKED + 1):
        made.ask(NOW + i)
    made.heard(NOW, NOW, NOW)
    assert made.unsure_ms == -1


def test_versions_are_compared_as_numbers_and_nonsense_is_old() -> None:
    assert version_of("1.10.0") > version_of("1.9.9") > version_of("one.two")
    for old in (Posture("1.2.0", "1.1.9", "j"), Posture("1.2.0", "x", "j"), Posture("1.2.0", "9.0.0", "")):
        assert "too old for orders" in old.trouble()


def test_the_clock_is_asked_for_every_five_seconds() -> None:
    made = posture()
    assert made.due(NOW)
    made.ask(NOW)
    assert (made.due(NOW + 4_999), made.due(NOW + 5_000)) == (False, True)


def test_a_server_clock_that_is_set_back_takes_no_lease_back_and_delays_none_for_hours() -> None:
    held, waiting = LeaseHold(), LeaseHold()
    held.taken(LeaseTaken(7, False, "pc", 1), HOUR_MS)
    waiting.taken(LeaseTaken(8, True, "pc", 1), HOUR_MS)
    assert (held.granted(HOUR_MS), waiting.granted(HOUR_MS)) == (7, 0)
    assert (held.granted(0), waiting.granted(0)) == (7, 0)
    assert waiting.granted(LEASE_WAIT_MS) == 8
