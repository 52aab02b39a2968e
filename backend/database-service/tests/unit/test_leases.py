"""Who may trade an account: the client that was started last, and nobody who was replaced while it was away."""

import msgspec

from contracts.rpc import LeaseWish
from database_service.domain.leases import Lease, decide

WISH = LeaseWish("default", "1000001", "here", "", "s1", "pc-1", True, 1_000)
HELD = Lease(1_000, "here", "s1", "pc-1", 1_000)


def wish(**change: object) -> LeaseWish:
    return msgspec.structs.replace(WISH, session="s2", now_ms=5_000, **change)


def test_the_first_client_of_an_account_gets_it_at_once() -> None:
    lease, answer = decide(None, WISH)
    assert lease == HELD
    assert (answer.fence, answer.wait) == (1_000, False)


def test_the_holder_goes_on_under_its_number_after_a_reconnect_and_after_a_restart() -> None:
    for claim in (False, True):
        lease, answer = decide(HELD, wish(last_session="s1", claim=claim))
        assert lease == msgspec.structs.replace(HELD, session="s2")
        assert (answer.fence, answer.wait) == (1_000, claim)


def test_another_client_that_was_just_started_takes_the_account_under_a_new_number() -> None:
    lease, answer = decide(HELD, wish(journal="there", terminal="pc-2"))
    assert lease == Lease(5_000, "there", "s2", "pc-2", 5_000)
    assert (answer.fence, answer.wait, answer.holder) == (5_000, True, "pc-2")


def test_another_client_that_only_reconnects_was_replaced_and_is_refused() -> None:
    lease, answer = decide(HELD, wish(journal="there", claim=False))
    assert lease is None
    assert (answer.fence, answer.holder, answer.since_ms) == (0, "pc-1", 1_000)


def test_a_copy_of_a_journal_or_one_from_a_backup_gets_a_new_number() -> None:
    for claim in (False, True):
        lease, answer = decide(HELD, wish(last_session="s0", claim=claim))
        assert lease is not None
        assert (answer.fence, answer.wait) == (5_000, True)


def test_the_number_rises_even_when_the_clock_goes_back() -> None:
    _, answer = decide(HELD, msgspec.structs.replace(wish(journal="there"), now_ms=3))
    assert answer.fence == 1_001
