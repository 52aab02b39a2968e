"""The table of actions: each with the roles that may do it, on whose data, and in which state it is refused.

An action stands here only while something exists that does it: `tools/policy_check.py` compares both directions.
"""

from kit.policy.words import (
    ADMIN,
    ANYONE,
    AUDITOR,
    OPERATOR,
    PEOPLE,
    RISK_MANAGER,
    TERMINAL,
    TRADER,
    Rule,
    State,
    Tenants,
    service,
)

BRIDGE = service("data-bridge")
DATABASE = service("database-service")
ENGINE = service("trading-engine")
GATEWAY = service("api-gateway")
HUB = service("central-hub")
SERVICES = frozenset({BRIDGE, DATABASE, ENGINE, GATEWAY, HUB})
CLIENT = frozenset(map(service, ("metatrader-connector", "config-manager", "data-collector", "security")))
"""The trader's PC: they have no place on the bus."""

STOPPED = frozenset({State.USER_DISABLED, State.TENANT_SUSPENDED})
STEP_UP_S = 300
"""How long a fresh proof counts for what is delicate."""
LIVE_STEP_UP_S = 3_600
"""How long it counts for orders with real money: a person who trades is not asked at every order."""


def _is(*roles: str) -> frozenset[str]:
    return frozenset(roles)


OPEN: dict[str, Rule] = {
    "pages.read": Rule("Load the dashboards' files", _is(ANYONE), Tenants.NONE),
    "api.describe": Rule("Read the API's description", _is(ANYONE), Tenants.NONE),
    "policy_report.send": Rule("Report what a browser refused to do", _is(ANYONE), Tenants.NONE),
    "setup.make": Rule("Make the first user, with the code of the first start", _is(ANYONE), Tenants.NONE),
    "session.open": Rule("Sign in", _is(ANYONE), Tenants.NONE),
    "health.read": Rule("Ask how a service is, on its own machine", _is(ANYONE), Tenants.NONE, only_local=True),
}
"""What needs no session."""

PERSONS: dict[str, Rule] = {
    "api.read": Rule("Read the API's documentation", PEOPLE),
    "session.own": Rule("See, renew and end one's own session", PEOPLE),
    "factors.add": Rule("Add a second factor of one's own", PEOPLE, step_up_s=STEP_UP_S),
    "factors.remove": Rule("Remove or replace a second factor of one's own", PEOPLE, step_up_s=STEP_UP_S),
    "api_keys.own": Rule("See and revoke one's own API keys", PEOPLE),
    "api_keys.make": Rule("Make an API key, which never may more than its owner", PEOPLE, step_up_s=STEP_UP_S),
    "users.read": Rule("See people and their sessions", _is(ADMIN, AUDITOR)),
    "users.manage": Rule("Add people, change and end their rights", _is(ADMIN), step_up_s=STEP_UP_S),
    "stream.open": Rule("Follow prices, orders and accounts live", PEOPLE),
    "news.read": Rule("Read news and the economic calendar", PEOPLE | {OPERATOR}),
    "market.read": Rule("Read symbols, ticks and bars", PEOPLE | {OPERATOR}),
    "accounts.read": Rule("Read accounts and positions", PEOPLE | {ENGINE, GATEWAY, OPERATOR}),
    "orders.read": Rule("Read orders", PEOPLE | {ENGINE, OPERATOR}),
    "executions.read": Rule("Read executions", PEOPLE | {ENGINE, OPERATOR}),
    "services.read": Rule("See which services run", _is(ADMIN, AUDITOR, OPERATOR), Tenants.NONE),
    "audit.read": Rule("Read the audit trail", _is(ADMIN, AUDITOR, OPERATOR)),
    "audit.prove": Rule("Read what proves the audit trail: hashes and checkpoints", _is(ADMIN, AUDITOR, HUB, OPERATOR)),
    "commands.give": Rule("Give any command at all; its kind has its own line", _is(TRADER, RISK_MANAGER, ADMIN)),
    "orders.place": Rule(
        "Open a position",
        _is(TRADER, ADMIN),
        step_up_s=LIVE_STEP_UP_S,
        step_up_in=State.ACCOUNT_LIVE,
        refused_in=STOPPED | {State.TRADING_PAUSED},
    ),
    "orders.close": Rule(
        "Close a position, also while trading is paused",
        _is(TRADER, RISK_MANAGER, ADMIN),
        step_up_s=LIVE_STEP_UP_S,
        step_up_in=State.ACCOUNT_LIVE,
    ),
    "killswitch.press": Rule("Pause all trading", _is(TRADER, RISK_MANAGER, ADMIN)),
    "killswitch.release": Rule("Resume trading", _is(TRADER, RISK_MANAGER, ADMIN), step_up_s=STEP_UP_S),
    "limits.read": Rule("Read risk limits and what was proposed", PEOPLE | {ENGINE}),
    "limits.propose": Rule("Lower risk limits at once, or propose to raise them", _is(TRADER, RISK_MANAGER, ADMIN)),
    "limits.approve": Rule(
        "Approve what another person proposed: higher risk limits", _is(RISK_MANAGER, ADMIN), step_up_s=STEP_UP_S
    ),
    "limits.reject": Rule("Say no to proposed risk limits", _is(TRADER, RISK_MANAGER, ADMIN)),
    "limits.tell": Rule("Have the engine read the risk limits after a change", _is(TRADER, RISK_MANAGER, ADMIN)),
    "usage.read": Rule("Read what the tenant used", _is(ADMIN, AUDITOR, GATEWAY, OPERATOR)),
}
"""What people ask for, and what services may ask for in their name only."""

PLATFORM: dict[str, Rule] = {
    "terminal.connect": Rule("Connect a terminal: ticks up, signals down", _is(TERMINAL)),
    "errands.run": Rule("Bring news and fetch settings, beside trading", _is(TERMINAL)),
    "news.keep": Rule("Keep what terminals' PCs collected", _is(BRIDGE), Tenants.ANY),
    "ticks.publish": Rule("Publish ticks", _is(BRIDGE), Tenants.ANY),
    "ticks.follow": Rule("Follow ticks", _is(DATABASE, ENGINE, GATEWAY), Tenants.ANY),
    "accounts.publish": Rule("Publish states of accounts", _is(BRIDGE), Tenants.ANY),
    "accounts.follow": Rule("Follow states of accounts", _is(DATABASE, ENGINE, GATEWAY), Tenants.ANY),
    "signals.publish": Rule("Send signed signals", _is(ENGINE), Tenants.ANY),
    "signals.follow": Rule("Hand signals to terminals", _is(BRIDGE), Tenants.ANY),
    "executions.publish": Rule("Publish what terminals answered", _is(BRIDGE), Tenants.ANY),
    "executions.follow": Rule("Follow what terminals answered", _is(DATABASE, ENGINE, GATEWAY), Tenants.ANY),
    "stored.publish": Rule("Say what is stored", _is(DATABASE), Tenants.ANY),
    "stored.follow": Rule("Hear what is stored", _is(BRIDGE), Tenants.ANY),
    "orders.publish": Rule("Tell an order's state", _is(ENGINE), Tenants.ANY),
    "orders.follow": Rule("Hear orders' states", _is(GATEWAY), Tenants.ANY),
    "commands.publish": Rule("Hand a person's command to the platform", _is(GATEWAY), Tenants.ANY),
    "commands.follow": Rule("Carry out commands", _is(DATABASE, ENGINE, HUB), Tenants.ANY),
    "audit.write": Rule("Write into the audit trail", SERVICES | {OPERATOR}, Tenants.ANY),
    "audit.store": Rule("Keep the audit trail", _is(DATABASE), Tenants.ANY),
    "audit.seal": Rule("Keep a checkpoint of the audit trail", _is(HUB, OPERATOR), Tenants.ANY),
    "revocations.publish": Rule("Revoke what is valid", _is(GATEWAY, HUB, OPERATOR), Tenants.ANY),
    "revocations.follow": Rule("Hear what was revoked", SERVICES, Tenants.ANY),
    "errors.write": Rule("Report unexpected errors", SERVICES, Tenants.NONE),
    "errors.read": Rule("Collect unexpected errors", _is(HUB), Tenants.NONE),
    "health.write": Rule("Send heartbeats", SERVICES, Tenants.NONE),
    "health.follow": Rule("Hear heartbeats", _is(HUB, GATEWAY, OPERATOR), Tenants.NONE),
    "store.ask": Rule("Ask the stores", _is(BRIDGE, ENGINE, GATEWAY, HUB, OPERATOR), Tenants.ANY),
    "store.answer": Rule("Answer for the stores", _is(DATABASE), Tenants.ANY),
    "hub.ask": Rule("Ask the hub", _is(BRIDGE, GATEWAY, OPERATOR), Tenants.NONE),
    "hub.answer": Rule("Answer for the hub", _is(HUB), Tenants.NONE),
    "engine.answer": Rule("Answer for the engine", _is(ENGINE), Tenants.ANY),
    "engine.ask": Rule("Ask the engine", _is(OPERATOR), Tenants.ANY),
    "stored.read": Rule("Ask what is stored of an account", _is(BRIDGE, OPERATOR), Tenants.ANY),
    "ticks.import": Rule("Store ticks from a file", _is(OPERATOR), Tenants.ANY),
    "ticks.count": Rule("Count stored ticks", _is(OPERATOR), Tenants.ANY),
    "users.find": Rule("Find a person by name, to sign them in", _is(GATEWAY), Tenants.ANY),
    "users.add": Rule("Add a person", _is(GATEWAY, OPERATOR), Tenants.ANY),
    "users.count": Rule("Ask how many people there are", _is(GATEWAY, HUB, ENGINE, OPERATOR), Tenants.NONE),
    "people.find": Rule(
        "Read people, their sessions and what they prove themselves with", _is(GATEWAY, OPERATOR), Tenants.ANY
    ),
    "people.change": Rule(
        "Take rights, sessions and keys from people, or give them", _is(GATEWAY, OPERATOR), Tenants.ANY
    ),
    "people.prove": Rule("Keep sessions and use up what proves who somebody is", _is(GATEWAY), Tenants.ANY),
    "orders.commit": Rule("Write orders, signals and audit in one transaction", _is(ENGINE), Tenants.ANY),
    "outbox.read": Rule("Read signals that have no answer yet", _is(ENGINE), Tenants.ANY),
    "orders.count": Rule("Count signals, executions and orders", _is(OPERATOR), Tenants.ANY),
    "leases.take": Rule("Lend an account to one of its clients", _is(BRIDGE), Tenants.ANY),
    "tenants.read": Rule("Read tenants, their states and plans", _is(GATEWAY, HUB, OPERATOR), Tenants.ANY),
    "tenants.manage": Rule("Add, suspend and resume tenants, set their plans", _is(OPERATOR), Tenants.ANY),
    "usage.tell": Rule("Tell what tenants used", _is(BRIDGE, DATABASE, GATEWAY), Tenants.ANY),
    "platform.run": Rule("Start, stop and examine the platform", _is(OPERATOR), Tenants.NONE),
    "terminals.enrol": Rule("Write a terminal's enrolment file", _is(OPERATOR), Tenants.ANY),
    "terminals.read": Rule("List the terminals", _is(OPERATOR), Tenants.ANY),
    "terminals.revoke": Rule("Revoke a terminal", _is(OPERATOR), Tenants.ANY),
    "terminals.configure": Rule("Offer settings to the PCs of a tenant", _is(OPERATOR), Tenants.ANY),
    "terminals.config": Rule("Ask which settings are offered to a terminal's PC", _is(BRIDGE, OPERATOR), Tenants.ANY),
    "terminals.join": Rule(
        "Ask for a terminal's first certificate, with a one-time token", _is(ANYONE, BRIDGE), Tenants.ANY
    ),
    "terminals.renew": Rule(
        "Ask for a terminal's next certificate, with a proof of its key", _is(ANYONE, BRIDGE), Tenants.ANY
    ),
    "bus.connect": Rule("Connect to the bus", SERVICES | {OPERATOR}, Tenants.NONE),
    "ca.read": Rule("See the platform's certificates", _is(OPERATOR), Tenants.NONE),
    "ca.manage": Rule("Renew certificates and authorities", _is(OPERATOR), Tenants.NONE),
    "keys.rotate": Rule("Make a new signing key", _is(OPERATOR), Tenants.NONE),
    "client.local": Rule("Ask an app on the trader's own PC", CLIENT | {OPERATOR}, Tenants.NONE, only_local=True),
    "ea.push": Rule("Push ticks from MT5, with the token of this PC", _is(ANYONE), Tenants.NONE, only_local=True),
    "client.page": Rule("Read the status page of the trader's own PC", _is(OPERATOR), Tenants.NONE, only_local=True),
}
"""What services, terminals and the operator do."""

RULES: dict[str, Rule] = OPEN | PERSONS | PLATFORM
""" action -> its rule """
