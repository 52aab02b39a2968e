"""What the actions are done with: every command, question, subject, page, port and verb names its action here.

The gateway's own routes name theirs in `api_gateway.domain.access.TABLE`.
"""

from dataclasses import dataclass
from typing import Any

from contracts import limits, news, people, rpc, tenants
from contracts.commands import CommandBody, LimitsChanged, PauseTrading, PlaceOrder, ResumeTrading
from kit.policy.rules import GATEWAY

COMMANDS: dict[type, tuple[str, ...]] = {
    PlaceOrder: ("orders.place", "orders.close"),
    PauseTrading: ("killswitch.press",),
    ResumeTrading: ("killswitch.release",),
    LimitsChanged: ("limits.tell",),
}
""" kind of a command -> the actions it may be """


def command_action(body: CommandBody) -> str:
    """The action that this command is; "" for a kind that the policy does not know, which nobody may do."""
    actions = COMMANDS.get(type(body), ("",))
    if isinstance(body, PlaceOrder):
        return "orders.close" if body.position else "orders.place"
    return actions[0]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question over the bus. A service that the action's rule names may ask for itself, about any tenant."""

    action: str
    in_a_name: frozenset[str] = frozenset()
    """Services that may ask in the name of a person only, about that person's tenant."""


_PERSONS = frozenset({GATEWAY})


def _key(method: "rpc.Method[Any, Any]") -> tuple[str, str]:
    return method.service, method.name


ASKS: dict[tuple[str, str], Ask] = {
    _key(rpc.STORED): Ask("stored.read"),
    _key(rpc.TICKS_APPEND): Ask("ticks.import"),
    _key(rpc.TICKS): Ask("market.read", _PERSONS),
    _key(rpc.TICKS_STATS): Ask("ticks.count"),
    _key(rpc.BARS): Ask("market.read", _PERSONS),
    _key(rpc.SYMBOLS): Ask("market.read", _PERSONS),
    _key(rpc.ACCOUNTS): Ask("accounts.read", _PERSONS),
    _key(rpc.USER_FIND): Ask("users.find"),
    _key(rpc.USER_ADD): Ask("users.add"),
    _key(rpc.USER_COUNT): Ask("users.count"),
    _key(rpc.COMMIT): Ask("orders.commit"),
    _key(rpc.OUTBOX): Ask("outbox.read"),
    _key(rpc.LEASE_TAKE): Ask("leases.take"),
    _key(rpc.ORDERS): Ask("orders.read", _PERSONS),
    _key(rpc.EXECUTIONS): Ask("executions.read", _PERSONS),
    _key(rpc.SUMMARY): Ask("orders.count"),
    _key(rpc.AUDIT_APPEND): Ask("audit.write"),
    _key(rpc.TRAIL): Ask("audit.read", _PERSONS),
    _key(rpc.CHAIN_HEADS): Ask("audit.prove", _PERSONS),
    _key(rpc.CHAIN_HASHES): Ask("audit.prove", _PERSONS),
    _key(rpc.CHECKPOINTS): Ask("audit.prove", _PERSONS),
    _key(rpc.CHECKPOINT_ADD): Ask("audit.seal"),
    _key(rpc.SERVICES): Ask("services.read", _PERSONS),
    _key(rpc.TERMINAL_JOIN): Ask("terminals.join"),
    _key(rpc.TERMINAL_RENEW): Ask("terminals.renew"),
    _key(rpc.TERMINAL_CONFIG): Ask("terminals.config"),
    _key(people.USER_GET): Ask("people.find"),
    _key(people.USERS): Ask("people.find"),
    _key(people.USER_CHANGE): Ask("people.change"),
    _key(people.SPEND): Ask("people.prove"),
    _key(people.FACTORS): Ask("people.find"),
    _key(people.RECOVERY_CODES): Ask("people.prove"),
    _key(people.PASSKEY_FIND): Ask("people.prove"),
    _key(people.PASSKEY_ADD): Ask("people.prove"),
    _key(people.PASSKEY_USED): Ask("people.prove"),
    _key(people.PASSKEY_REMOVE): Ask("people.prove"),
    _key(people.SESSION_OPEN): Ask("people.prove"),
    _key(people.SESSION_FIND): Ask("people.prove"),
    _key(people.SESSION_TOUCH): Ask("people.prove"),
    _key(people.SESSION_ROTATE): Ask("people.prove"),
    _key(people.SESSIONS): Ask("people.find"),
    _key(people.SESSIONS_END): Ask("people.change"),
    _key(people.API_KEYS): Ask("people.find"),
    _key(people.API_KEY_ADD): Ask("people.prove"),
    _key(people.API_KEY_FIND): Ask("people.prove"),
    _key(people.API_KEY_REVOKE): Ask("people.change"),
    _key(people.PEOPLE_RULES): Ask("people.change"),
    _key(tenants.TENANT_ADD): Ask("tenants.manage"),
    _key(tenants.TENANTS): Ask("tenants.read"),
    _key(tenants.TENANT_CHANGE): Ask("tenants.manage"),
    _key(tenants.USAGE_ADD): Ask("usage.tell"),
    _key(tenants.USAGE): Ask("usage.read", _PERSONS),
    _key(news.NEWS_KEEP): Ask("news.keep"),
    _key(news.NEWS): Ask("news.read", _PERSONS),
    _key(news.CALENDAR): Ask("news.read", _PERSONS),
    _key(limits.LIMITS): Ask("limits.read", _PERSONS),
    _key(limits.PROPOSALS): Ask("limits.read", _PERSONS),
    _key(limits.LIMIT_PROPOSE): Ask("limits.propose", _PERSONS),
    _key(limits.LIMIT_APPROVE): Ask("limits.approve", _PERSONS),
    _key(limits.LIMIT_REJECT): Ask("limits.reject", _PERSONS),
}
""" (service, method) -> what asking it is """

FLOWS: dict[str, tuple[str, str]] = {
    "ticks.>": ("ticks.publish", "ticks.follow"),
    "account.>": ("accounts.publish", "accounts.follow"),
    "signals.>": ("signals.publish", "signals.follow"),
    "executions.>": ("executions.publish", "executions.follow"),
    "stored.>": ("stored.publish", "stored.follow"),
    "orders.>": ("orders.publish", "orders.follow"),
    "commands.>": ("commands.publish", "commands.follow"),
    "audit.>": ("audit.write", "audit.store"),
    "revocations.>": ("revocations.publish", "revocations.follow"),
    "errors.>": ("errors.write", "errors.read"),
    "health.>": ("health.write", "health.follow"),
    "rpc.database-service.>": ("store.ask", "store.answer"),
    "rpc.central-hub.>": ("hub.ask", "hub.answer"),
    "rpc.trading-engine.>": ("engine.ask", "engine.answer"),
}
""" subjects -> (what writing is, what reading is) """

EDGES: dict[tuple[str, str, str], str] = {
    ("*", "GET", "/health/live"): "health.read",
    ("*", "GET", "/health/ready"): "health.read",
    ("*", "GET", "/metrics"): "health.read",
    ("central-hub", "GET", "/services"): "health.read",
    ("data-bridge", "WS", "/terminal"): "terminal.connect",
    ("data-bridge", "WS", "/errands"): "errands.run",
    ("data-bridge", "WS", "/join"): "terminals.join",
    ("data-bridge", "WS", "/renew"): "terminals.renew",
}
""" (service, method, path) -> action, of the small HTTP edges; `*` is every service """

PORTS: dict[str, tuple[str, ...]] = {
    "api-gateway": ("pages.read", "session.open", "health.read"),
    "data-bridge": ("terminal.connect", "errands.run", "terminals.join", "terminals.renew", "health.read"),
    "trading-engine": ("health.read",),
    "database-service": ("health.read",),
    "central-hub": ("health.read",),
    "metatrader-connector": ("client.local",),
    "config-manager": ("client.local",),
    "data-collector": ("client.local",),
    "security": ("client.local",),
    "ea": ("ea.push",),
    "status_page": ("client.page",),
    "nats": ("bus.connect",),
}
""" what listens -> what it may be used for """

VERBS: dict[str, str] = {
    "up": "platform.run",
    "down": "platform.run",
    "status": "services.read",
    "doctor": "platform.run",
    "trust": "platform.run",
    "version": "platform.run",
    "user add": "users.add",
    "user list": "people.find",
    "user disable": "people.change",
    "user enable": "people.change",
    "user set-role": "people.change",
    "user reset-second-factor": "people.change",
    "user end-sessions": "people.change",
    "tenant add": "tenants.manage",
    "tenant list": "tenants.read",
    "tenant suspend": "tenants.manage",
    "tenant resume": "tenants.manage",
    "tenant set-plan": "tenants.manage",
    "usage": "usage.read",
    "terminal add": "terminals.enrol",
    "terminal list": "terminals.read",
    "terminal revoke": "terminals.revoke",
    "terminal configure": "terminals.configure",
    "terminal pins": "terminals.enrol",
    "audit verify": "audit.read",
    "audit read": "audit.read",
    "keys rotate": "keys.rotate",
    "ca status": "ca.read",
    "ca renew": "ca.manage",
    "ca renew-intermediate": "ca.manage",
    "ca program": "ca.manage",
    "ca rotate-root": "ca.manage",
    "ticks import": "ticks.import",
    "ticks stats": "ticks.count",
}
""" verb of the command line `aitrading` -> action, done by the operator """
