"""The lease of an account and the server's clock, as a client reckons them."""

from contracts.uplink import LEASE_MS
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.server_clock import ServerClock

MS = 1_000_000


def test_a_lease_counts_from_the_question_and_not_from_the_answer() -> None:
    lease = Lease()
    assert lease.over(0) is not None
    lease.renewed(5, 1_000 * MS)
    assert lease.over((1_000 + LEASE_MS) * MS - 1) is None
    assert lease.over((1_000 + LEASE_MS) * MS) is not None


def test_an_answer_to_an_older_question_shortens_nothing_and_an_older_lease_is_ignored() -> None:
    lease = Lease()
    lease.renewed(5, 2_000 * MS)
    lease.renewed(5, 1_000 * MS)
    lease.renewed(4, 9_000 * MS)
    lease.renewed(0, 9_000 * MS)
    assert (lease.fence, lease.until_ns) == (5, (2_000 + LEASE_MS) * MS)


def test_a_new_lease_does_not_inherit_the_time_of_the_old_one() -> None:
    lease = Lease()
    lease.renewed(5, 9_000 * MS)
    lease.renewed(6, 1_000 * MS)
    assert (lease.fence, lease.until_ns) == (6, (1_000 + LEASE_MS) * MS)


def test_the_quickest_answer_says_most_about_the_clock() -> None:
    clock = ServerClock()
    assert clock.skew_ms(0, 0) is None
    clock.heard(0, 800 * MS, 50_000)
    clock.heard(1_000 * MS, 1_010 * MS, 51_005)
    assert clock.skew_ms(51_105, 1_105 * MS) == (0, 6)


def test_half_the_way_of_the_answer_is_forgiven() -> None:
    clock = ServerClock()
    clock.heard(0, 2_000 * MS, 100_000)
    assert clock.trouble(100_000 + 1_000 + 2_001, 2_000 * MS) == ""
    assert clock.trouble(100_000 + 1_000 + 2_002, 2_000 * MS) != ""


def test_answers_that_teach_nothing_are_left_aside() -> None:
    clock = ServerClock()
    clock.heard(0, 4_001 * MS, 100_000)
    clock.heard(0, 1 * MS, 0)
    clock.heard(5 * MS, 4 * MS, 100_000)
    assert clock.trouble(100_000, 0) == "the server's clock was not heard yet"


def test_the_size_of_an_error_is_said_in_a_unit_one_can_picture() -> None:
    clock = ServerClock()
    clock.heard(0, 0, 10**12)
    texts = [clock.trouble(10**12 + ms, 0) for ms in (31_000, 300_000, -86_400_000)]
    assert [t.split("server's")[0] for t in texts] == [
        "this PC's clock is 31.0 s ahead of the ",
        "this PC's clock is 5 min ahead of the ",
        "this PC's clock is 24 h behind the ",
    ]
