"""The only decision: may this subject do this action, on this tenant, now? What no rule allows is denied."""

from collections.abc import Mapping

from kit.policy.rules import RULES
from kit.policy.words import (
    ANYONE,
    DENIALS,
    EVERY_TENANT,
    PEOPLE,
    Allowed,
    Denied,
    Facts,
    Rule,
    State,
    Subject,
    Tenants,
)

NOW = Facts()


def decide(
    subject: Subject, action: str, tenant: str, facts: Facts = NOW, rules: Mapping[str, Rule] = RULES
) -> Allowed | Denied:
    """Allowed, or Denied with a code of `DENIALS`. `tenant` is whose data it is about; "" when it is about none's."""
    rule = rules.get(action)
    code = "unlisted" if rule is None else _against(rule, subject, action, tenant, facts)
    return Denied(action, code, DENIALS[code]) if code else Allowed(action)


def _against(rule: Rule, subject: Subject, action: str, tenant: str, facts: Facts) -> str:
    if rule.only_local and not facts.local:
        return "not_local"
    if ANYONE in rule.roles:
        return ""
    if subject.role == ANYONE:
        return "not_signed_in"
    for state in (State.USER_DISABLED, State.TENANT_SUSPENDED):
        if state in facts.states and state in rule.refused_in:
            return state.value
    if subject.role not in rule.roles:
        return "role"
    if subject.scopes is not None and action not in subject.scopes:
        return "scope"
    if rule.tenants is Tenants.OWN and subject.tenant not in (tenant, EVERY_TENANT):
        return "tenant"
    if State.TRADING_PAUSED in facts.states and State.TRADING_PAUSED in rule.refused_in:
        return State.TRADING_PAUSED.value
    return "step_up_needed" if _is_stale(rule, subject, facts) else ""


def _is_stale(rule: Rule, subject: Subject, facts: Facts) -> bool:
    """Whether a person must prove again who they are; services and the operator proved it with their keys."""
    if not rule.step_up_s or subject.role not in PEOPLE:
        return False
    if rule.step_up_in is not None and rule.step_up_in not in facts.states:
        return False
    return facts.now_ms - subject.auth_ms > rule.step_up_s * 1000
