"""The decision: what no rule allows is denied, and every reason to deny is one."""

import itertools

import pytest

from contracts.accounts import Side
from contracts.commands import PauseTrading, PlaceOrder, ResumeTrading
from kit.policy import (
    ANYONE,
    EVERY_TENANT,
    NOBODY,
    OPERATOR,
    PEOPLE,
    RULES,
    TERMINAL,
    Allowed,
    Denied,
    Facts,
    Rule,
    State,
    Subject,
    Tenants,
    command_action,
    decide,
    service,
)

ROLES = sorted(({role for rule in RULES.values() for role in rule.roles} | PEOPLE | {"root", ""}) - {ANYONE})
NOW_MS = 10_000_000
HERE = Facts(NOW_MS, True)


def code(subject: Subject, action: str, tenant: str = "default", facts: Facts = HERE) -> str:
    answer = decide(subject, action, tenant, facts)
    return answer.code if isinstance(answer, Denied) else "allowed"


def person(role: str, tenant: str = "default", auth_ms: int = NOW_MS, scopes: frozenset[str] | None = None) -> Subject:
    return Subject("ann", tenant, role, auth_ms, scopes)


@pytest.mark.parametrize(("action", "role"), list(itertools.product(RULES, ROLES)))
def test_a_role_may_exactly_what_its_rules_say(action: str, role: str) -> None:
    rule = RULES[action]
    expected = "allowed" if role in rule.roles or ANYONE in rule.roles else "role"
    assert code(person(role), action) == expected


@pytest.mark.parametrize("action", RULES)
def test_nobody_known_may_only_what_needs_no_session(action: str) -> None:
    assert code(NOBODY, action) == ("allowed" if ANYONE in RULES[action].roles else "not_signed_in")


def test_an_action_without_a_rule_is_denied_to_everybody() -> None:
    for role in ROLES:
        assert code(Subject("x", EVERY_TENANT, role, NOW_MS), "everything.do") == "unlisted"
    assert isinstance(decide(person("admin"), "market.read", "default", rules={}), Denied)


@pytest.mark.parametrize("action", [a for a, rule in RULES.items() if rule.roles & PEOPLE])
def test_a_disabled_user_and_a_suspended_tenant_may_nothing(action: str) -> None:
    role = sorted(RULES[action].roles & PEOPLE)[0]
    for state in (State.USER_DISABLED, State.TENANT_SUSPENDED):
        assert code(person(role), action, facts=Facts(NOW_MS, True, frozenset({state}))) == state.value


@pytest.mark.parametrize("action", [a for a, rule in RULES.items() if rule.roles & PEOPLE])
def test_W01_another_tenants_data_is_denied_and_all_tenants_too(action: str) -> None:
    if RULES[action].tenants is not Tenants.OWN:
        return
    role = sorted(RULES[action].roles & PEOPLE)[0]
    assert code(person(role), action, "other") == "tenant"
    assert code(person(role), action, EVERY_TENANT) == "tenant"


def test_the_platforms_own_services_ask_about_all_tenants_where_a_rule_names_them() -> None:
    engine = Subject("trading-engine", EVERY_TENANT, service("trading-engine"))
    assert code(engine, "orders.read", EVERY_TENANT) == "allowed"
    assert code(engine, "market.read", "default") == "role"
    assert code(Subject("1", "default", TERMINAL), "orders.read") == "role"


def test_a_key_may_what_both_its_owner_and_its_scopes_allow() -> None:
    narrow = frozenset({"market.read", "orders.place"})
    assert code(person("viewer", scopes=narrow), "market.read") == "allowed"
    assert code(person("viewer", scopes=narrow), "orders.place") == "role"
    assert code(person("trader", scopes=narrow), "orders.read") == "scope"
    assert code(person("trader", scopes=frozenset()), "market.read") == "scope"


def test_a_fresh_proof_is_asked_of_people_only_and_ages() -> None:
    release = RULES["killswitch.release"]
    assert release.step_up_s
    just = NOW_MS - release.step_up_s * 1000
    assert code(person("admin", auth_ms=just), "killswitch.release") == "allowed"
    assert code(person("admin", auth_ms=just - 1), "killswitch.release") == "step_up_needed"
    assert code(person("admin", auth_ms=0), "killswitch.release") == "step_up_needed"
    rules = {"x": Rule("x", frozenset({OPERATOR}), step_up_s=1)}
    assert isinstance(decide(Subject("op", EVERY_TENANT, OPERATOR), "x", "", Facts(NOW_MS), rules), Allowed)


def test_orders_with_real_money_ask_for_a_proof_and_simulated_ones_do_not() -> None:
    old = person("trader", auth_ms=0)
    live = Facts(NOW_MS, True, frozenset({State.ACCOUNT_LIVE}))
    assert code(old, "orders.place") == "allowed"
    assert code(old, "orders.place", facts=live) == "step_up_needed"
    assert code(person("trader"), "orders.place", facts=live) == "allowed"


def test_while_trading_is_paused_positions_may_be_closed_and_none_opened() -> None:
    paused = Facts(NOW_MS, True, frozenset({State.TRADING_PAUSED}))
    assert code(person("trader"), "orders.place", facts=paused) == "trading_paused"
    assert code(person("trader"), "orders.close", facts=paused) == "allowed"
    assert code(person("risk_manager"), "orders.close", facts=paused) == "allowed"


def test_pages_for_this_machine_are_not_for_others() -> None:
    assert code(NOBODY, "health.read", facts=Facts(local=False)) == "not_local"
    assert code(person("admin"), "health.read", facts=Facts(local=False)) == "not_local"


def test_every_kind_of_command_is_an_action_and_another_kind_is_none() -> None:
    place = PlaceOrder("1", "EURUSD", Side.BUY, 1)  # type: ignore[arg-type]
    assert command_action(place) == "orders.place"
    assert command_action(PlaceOrder("1", "EURUSD", Side.SELL, place.volume, 7)) == "orders.close"
    assert command_action(PauseTrading("")) == "killswitch.press"
    assert command_action(ResumeTrading("")) == "killswitch.release"
    assert command_action("sell everything") == ""  # type: ignore[arg-type]


def test_every_rule_says_what_it_is_and_names_somebody() -> None:
    for action, rule in RULES.items():
        assert rule.says, action
        assert rule.roles, action
