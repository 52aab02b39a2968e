"""Four eyes: no way for one person to raise a limit alone, and exact answers about everything else."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.limits import (
    MAX_OPEN,
    PROPOSAL_LIFE_MS,
    LimitProposal,
    LimitVerdict,
    LimitWish,
    ProposalState,
    RiskLimits,
)
from database_service.domain.limits import Refused, applied, approve, propose, raises, reject, told

NOW = 1_000
NONE = RiskLimits("default", "1")
LIMITED = RiskLimits("default", "1", Decimal(1), 10, ("EURUSD", "XAUUSD"), version=3)


def wish(volume: object = Decimal(1), orders: int | None = 10, symbols: tuple[str, ...] = ("EURUSD", "XAUUSD")):
    lots = volume if isinstance(volume, Decimal | None) else Decimal(str(volume))
    return LimitWish("p1", "default", "1", lots, orders, symbols, 3, "why", "ann", "Ann", NOW)


def verdict(person: str = "bob", now_ms: int = NOW + 1) -> LimitVerdict:
    return LimitVerdict("p1", "default", person, person.title(), now_ms)


@pytest.mark.parametrize(
    ("changed", "higher"),
    [
        (wish("1.01"), True),
        (wish("0.99"), False),
        (wish(None), True),
        (wish(orders=11), True),
        (wish(orders=9), False),
        (wish(orders=None), True),
        (wish(symbols=("EURUSD",)), False),
        (wish(symbols=("EURUSD", "GBPUSD")), True),
        (wish(symbols=()), True),
        (wish("0.5", orders=11), True),
    ],
)
def test_whatever_allows_one_thing_more_raises(changed, higher):
    assert raises(LIMITED, changed) is higher
    assert not raises(NONE, changed)
    made = propose(changed, LIMITED, 0)
    assert made.state is (ProposalState.WAITING if higher else ProposalState.APPLIED)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wish(), "nothing_changes"),
        (wish("-1"), "invalid"),
        (wish("NaN"), "invalid"),
        (wish(orders=-1), "invalid"),
        (wish(symbols=tuple(f"S{n}" for n in range(201))), "invalid"),
        (msgspec.structs.replace(wish("2"), because="x" * 501), "invalid"),
        (msgspec.structs.replace(wish("2"), based_on=2), "limits_changed"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_words(asked, code):
    refused = propose(asked, LIMITED, 0)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_so_many_proposals_wait_and_no_more_while_lowering_always_goes():
    assert propose(wish("2"), LIMITED, MAX_OPEN - 1).state is ProposalState.WAITING
    assert propose(wish("2"), LIMITED, MAX_OPEN).code == "too_many_proposals"
    assert propose(wish("0.5"), LIMITED, MAX_OPEN).state is ProposalState.APPLIED


def test_a_raise_is_approved_by_another_person_within_a_day_and_over_the_limits_that_were_seen():
    waiting = propose(wish("2"), LIMITED, 0)
    assert approve(waiting, LIMITED, verdict("ann")).code == "own_proposal"
    assert approve(waiting, LIMITED, verdict("")).code == "own_proposal"
    assert approve(waiting, LIMITED, verdict(now_ms=NOW + PROPOSAL_LIFE_MS)).code == "proposal_expired"
    moved = msgspec.structs.replace(LIMITED, version=4)
    assert approve(waiting, moved, verdict()).code == "limits_changed"
    done = approve(waiting, LIMITED, verdict(now_ms=NOW + PROPOSAL_LIFE_MS - 1))
    assert done.state is ProposalState.APPLIED
    assert approve(done, LIMITED, verdict()).code == "already_decided"
    assert applied(done, LIMITED).changed_by == "Ann and Bob"
    assert told(done, LIMITED)["max_volume"] == "1 to 2"


def test_anyone_may_say_no_once():
    waiting = propose(wish("2"), LIMITED, 0)
    assert reject(waiting, verdict("ann")).state is ProposalState.REJECTED
    assert reject(reject(waiting, verdict()), verdict()).code == "already_decided"


VOLUMES = st.one_of(st.none(), st.integers(0, 5).map(Decimal))
ORDERS = st.one_of(st.none(), st.integers(0, 5))
SYMBOLS = st.frozensets(st.sampled_from("ABC")).map(lambda s: tuple(sorted(s)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("propose"), VOLUMES, ORDERS, SYMBOLS),
        st.tuples(st.just("approve"), st.integers(0, 30)),
        st.tuples(st.just("reject"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(0, PROPOSAL_LIFE_MS)),
    ),
    max_size=30,
)


@given(VOLUMES, ORDERS, SYMBOLS, STEPS)
def test_no_sequence_of_proposals_and_approvals_by_one_person_raises_a_limit(volume, orders, symbols, steps):
    current = RiskLimits("default", "1", volume, orders, symbols)
    proposals: list[LimitProposal] = []
    now_ms = NOW
    for step in steps:
        before = current
        if step[0] == "wait":
            now_ms += step[1]
        elif step[0] == "propose":
            asked = LimitWish(
                f"p{len(proposals)}", "default", "1", *step[1:], current.version, "", "ann", "Ann", now_ms
            )
            waiting = sum(p.state is ProposalState.WAITING for p in proposals)
            made = propose(asked, current, waiting)
            if isinstance(made, LimitProposal):
                proposals.append(made)
                if made.state is ProposalState.APPLIED:
                    current = applied(made, current)
        elif step[1] < len(proposals):
            found, said = proposals[step[1]], LimitVerdict("", "default", "ann", "Ann", now_ms)
            made = approve(found, current, said) if step[0] == "approve" else reject(found, said)
            if isinstance(made, LimitProposal):
                proposals[step[1]] = made
                if made.state is ProposalState.APPLIED:
                    current = applied(made, current)
        assert not raises(before, current)
