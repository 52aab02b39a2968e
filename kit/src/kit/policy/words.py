"""The words of the policy: who asks, in which state the platform is, a rule, and the two answers."""

from dataclasses import dataclass
from enum import StrEnum

ANYONE = "anyone"
"""The role of whoever has not signed in; a rule that names it lets everybody through."""
VIEWER = "viewer"
TRADER = "trader"
RISK_MANAGER = "risk_manager"
ADMIN = "admin"
AUDITOR = "auditor"
TERMINAL = "terminal"
OPERATOR = "operator"
"""Whoever has the platform's own files: the command line on the server."""
PEOPLE = frozenset({VIEWER, TRADER, RISK_MANAGER, ADMIN, AUDITOR})
"""Roles that a user may have."""
EVERY_TENANT = "*"
"""The tenant of a question about all of them."""


def service(name: str) -> str:
    """The role of a service."""
    return f"service:{name}"


class Tenants(StrEnum):
    """Whose data an action may be about."""

    OWN = "own"
    """The asker's own tenant."""
    ANY = "any"
    """Any tenant, or all of them: for the platform itself."""
    NONE = "none"
    """It is not about a tenant's data."""


class State(StrEnum):
    """What may stand against an action, or make it more delicate."""

    USER_DISABLED = "user_disabled"
    TENANT_SUSPENDED = "tenant_suspended"
    TRADING_PAUSED = "trading_paused"
    ACCOUNT_LIVE = "account_live"
    """Real money: the account's prices are not simulated."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an action, and when. Whoever is not named may not."""

    says: str
    """The action in one sentence, for people."""
    roles: frozenset[str]
    tenants: Tenants = Tenants.OWN
    step_up_s: int = 0
    """The person proved who they are, with everything they have, at most so many seconds ago; 0: it is not asked."""
    step_up_in: State | None = None
    """Asked in this state only; None: always, when `step_up_s` is not 0."""
    refused_in: frozenset[State] = frozenset({State.USER_DISABLED, State.TENANT_SUSPENDED})
    only_local: bool = False
    """From this machine only, and not through a proxy."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a person, a program of a person, a service, a terminal, or nobody known."""

    name: str
    tenant: str
    role: str
    auth_ms: int = 0
    """When a person last proved who they are, UTC ms; 0: never."""
    scopes: frozenset[str] | None = None
    """The actions an API key was made for; None: all of its owner's. A key never may more than its owner."""


NOBODY = Subject("", "", ANYONE)


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of the moment."""

    now_ms: int = 0
    local: bool = False
    states: frozenset[State] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on."""

    action: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not. `code` is a word of `DENIALS`, `reason` a sentence that says what to do."""

    action: str
    code: str
    reason: str


DENIALS: dict[str, str] = {
    "unlisted": "The policy does not know this, so nobody may do it.",
    "not_local": "This page answers only programs on the same machine.",
    "not_signed_in": "You are not signed in. Sign in and try again.",
    "user_disabled": "This user is disabled. Ask an administrator.",
    "tenant_suspended": "This organisation is suspended. Ask whoever runs the platform.",
    "role": "Your role does not allow this. Ask an administrator.",
    "scope": "This API key was not made for this. Make one that is.",
    "tenant": "There is nothing here with this name.",
    "trading_paused": "Trading is paused. Resume it first.",
    "step_up_needed": "This needs a fresh proof that it is you. Confirm it and try again.",
}
""" code -> what a person is told """
