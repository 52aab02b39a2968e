"""Signals that wait, refusals that are summed up, executions that are kept."""

import bridge_rig as rig

from contracts.executions import ExecutionState
from contracts.signals import SignedSignal
from data_bridge.domain.execution_stream import MOST_KEPT, ExecutionStream
from data_bridge.domain.patience import LONGEST_WAIT_MS, Patience
from data_bridge.domain.refusals import MOST_KINDS, Refusals
from data_bridge.domain.signal_desk import KEEP_AFTER_EXPIRY_MS, REMEMBERED, SignalDesk
from data_bridge.domain.tick_stream import Offer


def signal(name: str, expires_ms: int = 1_000) -> SignedSignal:
    return SignedSignal(rig.TENANT, rig.ACCOUNT, name, expires_ms, "k", b"", b"")


def desk() -> SignalDesk[str]:
    return SignalDesk(rig.TENANT, rig.ACCOUNT)


def test_a_signal_waits_for_a_final_execution() -> None:
    d = desk()
    assert d.take(signal("a"), "first", 0)
    assert d.take(signal("a"), "second", 0)
    assert d.executed(rig.execution_of(1, "a", ExecutionState.UNKNOWN)) is None
    assert d.executed(rig.execution_of(2, "a", ExecutionState.REJECTED)) == "second"
    assert not d.take(signal("a"), "third", 0)
    assert d.executed(rig.execution_of(3, "never seen")) is None


def test_a_signal_is_over_a_minute_after_it_expired() -> None:
    d = desk()
    d.take(signal("a"), "a", 0)
    assert d.expire(1_000 + KEEP_AFTER_EXPIRY_MS) == []
    assert d.expire(1_001 + KEEP_AFTER_EXPIRY_MS) == ["a"]


def test_a_signal_that_found_its_terminal_late_is_handed_over_once_so_that_its_order_gets_an_answer() -> None:
    d = desk()
    late = 3_600_000
    assert d.take(signal("a"), "first", late)
    assert d.take(signal("a"), "again", late + 20_000)
    assert d.expire(late + KEEP_AFTER_EXPIRY_MS) == []
    assert d.expire(late + KEEP_AFTER_EXPIRY_MS + 1) == ["again"]


def test_what_is_remembered_of_settled_signals_is_bounded() -> None:
    d = desk()
    for i in range(REMEMBERED + 10):
        d.executed(rig.execution_of(1, f"s{i}"))
    assert len(d.settled) == REMEMBERED
    assert "s0" not in d.settled


def test_a_desk_that_closes_gives_back_what_waits() -> None:
    d = desk()
    d.take(signal("a"), "a", 0)
    assert d.leave() == ["a"]
    assert d.leave() == []


def test_refusals_of_one_kind_become_one_sum_per_period() -> None:
    r = Refusals(10_000)
    for i in range(5):
        r.add("t", "x", "expired", f"reason {i}", 10_000 + i)
    assert r.due(9_999) == []
    (total,) = r.due(20_000)
    assert (total.count, total.reason, total.since_ms, total.until_ms) == (5, "reason 4", 10_000, 10_004)
    assert r.due(20_001) == []
    assert r.due(20_001, all_of_it=True) == []


def test_subjects_are_no_longer_told_apart_when_there_are_too_many() -> None:
    r = Refusals(0)
    for i in range(MOST_KINDS * 3):
        r.add("t", f"x{i}", "expired", "", 1)
    sums = r.due(2)
    assert len(sums) == MOST_KINDS + 1
    assert sum(s.count for s in sums) == MOST_KINDS * 3


def test_patience_doubles_up_to_its_limit_and_is_restored_by_progress() -> None:
    p = Patience(0)
    waits = []
    for _ in range(6):
        waits.append(p.wait_ms)
        p.prolong(0)
    assert waits == [3_000, 6_000, 12_000, 24_000, LONGEST_WAIT_MS, LONGEST_WAIT_MS]
    p.renew(5)
    assert not p.over(3_004)
    assert p.over(3_005)


def test_executions_kept_for_the_store_are_bounded() -> None:
    stream = ExecutionStream(rig.EPOCH, "s", "p", 0, Patience(0))
    for number in range(1, MOST_KEPT + 1):
        assert stream.offer(rig.execution_of(number)) is Offer.TAKEN
    assert stream.offer(rig.execution_of(MOST_KEPT + 1)) is Offer.HOLE
    stream.told_of_gap(0)
    assert stream.offer(rig.execution_of(MOST_KEPT + 1)) is Offer.WAITING
    stream.heard(MOST_KEPT, 0)
    assert stream.offer(rig.execution_of(MOST_KEPT + 1)) is Offer.TAKEN
