"""Plans: how much of a thing a tenant may have. Beside `decide`, the only place where a quota says no."""

from collections.abc import Mapping
from enum import StrEnum

from kit.policy.words import Denied

QUOTA_EXCEEDED = "quota_exceeded"


class Quota(StrEnum):
    """What a plan limits."""

    USERS = "users"
    API_KEYS = "api_keys"
    TERMINALS = "terminals"
    SOCKETS = "sockets"
    """Browsers that follow live at the same time."""
    REQUESTS = "requests_per_minute"
    ORDERS = "orders_per_day"


UNLIMITED = "unlimited"
PLANS: Mapping[str, Mapping[Quota, int]] = {
    UNLIMITED: {},
    "starter": {
        Quota.USERS: 3,
        Quota.API_KEYS: 2,
        Quota.TERMINALS: 1,
        Quota.SOCKETS: 5,
        Quota.REQUESTS: 300,
        Quota.ORDERS: 200,
    },
    "team": {
        Quota.USERS: 20,
        Quota.API_KEYS: 20,
        Quota.TERMINALS: 10,
        Quota.SOCKETS: 50,
        Quota.REQUESTS: 3_000,
        Quota.ORDERS: 5_000,
    },
}
""" plan -> its quotas; what is not named is not limited. Tenants are `unlimited` until the operator says otherwise """

_WORDS: Mapping[Quota, tuple[str, str]] = {
    Quota.USERS: ("people", "Ask the operator for another plan."),
    Quota.API_KEYS: ("API keys", "Revoke one, or ask the operator for another plan."),
    Quota.TERMINALS: ("terminals", "Revoke one, or set another plan."),
    Quota.SOCKETS: ("live connections", "Close another dashboard, or ask the operator for another plan."),
    Quota.REQUESTS: ("requests a minute", "Wait a minute, or ask the operator for another plan."),
    Quota.ORDERS: ("orders a day (UTC)", "Wait until tomorrow, or ask the operator for another plan."),
}


def most(plan: str, quota: Quota) -> int | None:
    """How many the plan allows; None: it is not limited. A plan that nobody knows any more limits nothing: an update
    must not stop a tenant."""
    return PLANS.get(plan, {}).get(quota)


def over(plan: str, quota: Quota, used: int, wanted: int = 1) -> Denied | None:
    """Why `wanted` more are too many when `used` are in use; None when they are not."""
    allowed = most(plan, quota)
    if allowed is None or used + wanted <= allowed:
        return None
    what, advice = _WORDS[quota]
    return Denied(quota.value, QUOTA_EXCEEDED, f"The plan {plan!r} allows {allowed} {what}. {advice}")
