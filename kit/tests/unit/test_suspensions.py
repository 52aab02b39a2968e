"""A suspended tenant: refused whatever it shows, by everybody, until it is resumed."""

import pytest

from contracts import subjects
from contracts.commands import Command, PauseTrading
from contracts.limits import LIMIT_APPROVE, LimitOutcome, LimitVerdict
from contracts.revocations import Revocation, RevocationKind
from kit import policy, tokens
from kit.keys import key_id
from kit.policy import Denied, Quota, State, over
from kit.revocations import RevocationBook
from kit.seals import CommandJudge
from kit.service_tokens import PERSON_AUDIENCE, PERSON_KIND, QuestionDenied, on_behalf_of
from kit.testing.guards import guard_of, sealed_by_gateway, service_key

NOW_MS = 1_700_000_000_000


def held(before_ms: int = 1_000, **changes: bool) -> Revocation:
    return Revocation("acme", RevocationKind.TENANT, "acme", before_ms, "unpaid", "operator", **changes)


def suspended() -> RevocationBook:
    book = RevocationBook()
    book.hear(held(holds=True))
    return book


def test_what_is_issued_while_a_tenant_is_suspended_is_refused_as_well():
    book = suspended()
    assert book.refuses(issued_ms=10**13, tenant="acme", user="u1")
    assert book.refuses(issued_ms=10**13, tenant="acme", terminal="t1")
    assert book.refuses(issued_ms=0, tenant="other") is None
    assert (book.suspended("acme"), book.suspended("other")) == (True, False)
    assert book.all_suspended() == ("acme",)
    assert book.states("acme") == {State.TENANT_SUSPENDED}


def test_who_is_resumed_goes_on_people_by_signing_in_again_and_terminals_by_themselves():
    book = suspended()
    assert book.hear(held(2_000, lifts=True))
    assert not book.suspended("acme")
    assert book.refuses(issued_ms=1_999, tenant="acme", user="u1")
    assert book.refuses(issued_ms=2_000, tenant="acme", user="u1") is None
    assert book.refuses(issued_ms=1, tenant="acme", terminal="t1") is None
    assert book.all_suspended() == ()


def test_a_command_that_waited_while_its_tenant_was_suspended_is_not_carried_out():
    command = sealed_by_gateway(Command("c1", "acme", "ann", NOW_MS, PauseTrading("lunch")))
    guard = guard_of("trading-engine", lambda: NOW_MS)
    assert CommandJudge(guard).fault(command, subjects.commands("acme")) is None
    guard.states = suspended().states
    assert "tenant_suspended" in (CommandJudge(guard).fault(command, subjects.commands("acme")) or "")


def asked(person: str, tenant: str = "acme") -> None:
    """Approve limits as `ann`, saying it is `person`."""
    key = service_key("people")
    token = tokens.mint(
        key, PERSON_KIND, PERSON_AUDIENCE, "ann", NOW_MS // 1000, 900, tenant="acme", role="admin", auth_ms=NOW_MS
    )
    people = {key_id(key): key.public_key()}
    asker = guard_of("api-gateway", lambda: NOW_MS)
    proved = on_behalf_of.set(token)
    try:
        headers = asker.headers(LIMIT_APPROVE)
    finally:
        on_behalf_of.reset(proved)
    judge = guard_of("database-service", lambda: NOW_MS, people)
    judge.check(LIMIT_APPROVE, LimitVerdict("p1", tenant, person, "Ann", NOW_MS), headers)


def test_a_verdict_is_given_in_ones_own_name_only():
    assert LIMIT_APPROVE.answer is LimitOutcome
    asked("ann")
    with pytest.raises(QuestionDenied) as denied:
        asked("bob")
    assert (denied.value.code, denied.value.event) == ("person", "malicious_direct_reference")
    with pytest.raises(QuestionDenied):
        asked("ann", tenant="other")


def test_nobody_approves_without_a_person_behind_the_question():
    judge = guard_of("database-service", lambda: NOW_MS)
    headers = guard_of("api-gateway", lambda: NOW_MS).headers(LIMIT_APPROVE)
    with pytest.raises(QuestionDenied):
        judge.check(LIMIT_APPROVE, LimitVerdict("p1", "acme", "ann", "Ann", NOW_MS), headers)


def test_a_plan_allows_its_number_and_not_one_more():
    assert over("starter", Quota.USERS, 2) is None
    denied = over("starter", Quota.USERS, 3)
    assert isinstance(denied, Denied)
    assert denied.code == policy.QUOTA_EXCEEDED
    assert "3 people" in denied.reason
    for plan in ("unlimited", "a plan of an older version"):
        assert over(plan, Quota.USERS, 10**9) is None


def test_every_quota_of_every_plan_says_what_to_do():
    for name, plan in policy.PLANS.items():
        for quota, number in plan.items():
            denied = over(name, quota, number)
            assert denied is not None
            assert str(number) in denied.reason
            assert denied.reason.endswith(".")
