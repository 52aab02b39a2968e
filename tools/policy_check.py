"""Hold the policy table against what exists, in both directions, and keep docs/security/policy.md true.

Every route of the gateway, page of an edge, kind of command, question and subject of the bus, port and verb of the
command line names an action; every action has a rule; no rule and no row stands for something that does not exist.
Run it after a change of the policy: `python tools/policy_check.py`; `--check` only compares and exits 1.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from litestar.routes import HTTPRoute, WebSocketRoute

from api_gateway.adapters.argon2_hasher import Argon2Hasher
from api_gateway.app import Gateway, build
from api_gateway.domain import access
from api_gateway.routes.schema import GENERATED
from api_gateway.settings import Settings
from central_hub.cli import parser
from contracts import limits, news, people, ports, rpc, subjects, tenants
from contracts.commands import CommandBody
from contracts.subjects import Rights
from kit import policy
from kit.keys import make_private_key
from kit.lifespan import opened
from kit.policy import Rule
from kit.testing import FakeBus, FakeClock

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security" / "policy.md"
BESIDES = frozenset({"health.>", "errors.>"})
"""Every service may write these; the rights on the bus do not repeat it."""
_LITERAL = re.compile(r'(?:b"|PATH = ")(/[a-z][a-z/-]*)"')

Route = tuple[str, str]


def routes_of(gateway: Gateway) -> set[Route]:
    """(method, path) of every route as the framework knows them; parts that vary are written `{name}`."""
    found: set[Route] = set()
    for route in gateway.api.routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        if isinstance(route, HTTPRoute):
            found |= {(method, path) for method in route.methods - {"OPTIONS"}}
        elif isinstance(route, WebSocketRoute):
            found.add((access.SOCKET, path))
    return {(method, path) for method, path in found if not path.startswith(GENERATED)}


async def _gateway_routes() -> set[Route]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_private_key(data / "secrets" / "token.key")
        (data / "secrets" / "people.key").write_text("00" * 32)
        config = Settings(port=0, data_dir=data, web_dir=data)
        async with opened("api-gateway", config, bus=FakeBus(), clock=FakeClock()) as service:
            return routes_of(await build(service, config, hasher=Argon2Hasher()))


def methods_of(*modules: Any) -> set[tuple[str, str]]:
    """Every question of the contracts."""
    found = [each for module in modules or (rpc, people, tenants, limits, news) for each in vars(module).values()]
    return {(each.service, each.name) for each in found if isinstance(each, rpc.Method)}


def listening() -> set[str]:
    """Everything that has a port in the contracts."""
    constants = {name.removesuffix("_PORT").lower() for name in vars(ports) if name.endswith("_PORT")}
    return set(ports.PORTS) | constants


def verbs(top: argparse.ArgumentParser | None = None) -> set[str]:
    """Every verb of `aitrading`, with the group it belongs to."""

    def below(made: argparse.ArgumentParser, before: str) -> Iterator[str]:
        groups = [a for a in made._actions if isinstance(a, argparse._SubParsersAction)]
        if not groups and before:
            yield before
        for group in groups:
            for name, each in group.choices.items():
                yield from below(each, f"{before} {name}".strip())

    return set(below(top or parser(), ""))


def edge_paths(root: Path = ROOT) -> set[str]:
    """Paths that the small HTTP edges compare with, read from their source."""
    files = [root / "kit/src/kit/edge.py", *(root / "contracts/src/contracts").glob("*.py")]
    for folder in (root / "backend").iterdir():
        if folder.name != "api-gateway":
            files += (folder / "src").rglob("*.py")
    return {path for file in files if file.exists() for path in _LITERAL.findall(file.read_text())}


def differences(what: str, exist: Iterable[object], listed: Iterable[object]) -> Iterator[str]:
    """Both directions, each with the sentence that says what to do."""
    there, rows = set(exist), set(listed)
    for each in sorted(map(str, there - rows)):
        yield f"{what} {each} exists and the policy does not list it: nobody may use it. Name its action."
    for each in sorted(map(str, rows - there)):
        yield f"{what} {each} is listed in the policy and does not exist: remove the row."


def _may(patterns: tuple[str, ...], flow: str) -> bool:
    return any(pattern == flow or (pattern.endswith(".>") and flow.startswith(pattern[:-1])) for pattern in patterns)


def bus_faults(
    rights: Mapping[str, Rights] = subjects.RIGHTS, rules: Mapping[str, Rule] = policy.RULES
) -> Iterator[str]:
    """What each service may write and read on the bus is what the policy says."""
    known = [pattern for each in rights.values() for pattern in (*each.writes, *each.reads)]
    known += [pattern for stream in subjects.STREAMS for pattern in stream.subjects]
    for pattern in sorted(set(known)):
        if pattern not in policy.FLOWS and not any(flow.startswith(pattern[:-1]) for flow in policy.FLOWS):
            yield f"subject {pattern} exists and the policy does not list it: nobody may use it. Name its actions."
    for flow, (writing, reading) in policy.FLOWS.items():
        if not _may(tuple(known), flow):
            yield f"subject {flow} is listed in the policy and nobody may use it on the bus: remove the row."
        for name, each in rights.items():
            role = name if name == policy.OPERATOR else policy.service(name)
            for verb, action, patterns in (("write", writing, each.writes), ("read", reading, each.reads)):
                allowed = action in rules and role in rules[action].roles
                if verb == "write" and flow in BESIDES:
                    continue
                if allowed != _may(patterns, flow):
                    yield (
                        f"{name} {'may' if allowed else 'may not'} {verb} {flow} by the policy ({action}), "
                        f"and {'may not' if allowed else 'may'} by contracts.subjects.RIGHTS"
                    )


def used_actions() -> set[str]:
    """Every action that some row names."""
    used = {access.PAGES, *access.TABLE.values(), *policy.EDGES.values(), *policy.VERBS.values()}
    used |= {ask.action for ask in policy.ASKS.values()}
    for actions in (*policy.COMMANDS.values(), *policy.FLOWS.values(), *policy.PORTS.values()):
        used |= set(actions)
    return used


def faults(
    routes: set[Route], *, methods: set[tuple[str, str]] | None = None, kinds: set[type] | None = None
) -> list[str]:
    """Everything that is unlisted or stands for nothing. Tests hand in more than exists."""
    edges = {path for _, _, path in policy.EDGES}
    return [
        *differences("route", routes, access.TABLE),
        *differences("command", kinds or set(get_args(CommandBody)), policy.COMMANDS),
        *differences("question", methods or methods_of(), policy.ASKS),
        *differences("port", listening(), policy.PORTS),
        *differences("verb", verbs(), policy.VERBS),
        *differences("page", edge_paths(), edges),
        *bus_faults(),
        *differences("action", used_actions(), policy.RULES),
    ]


def page(routes: Mapping[Route, str] = access.TABLE) -> str:
    """docs/security/policy.md."""
    objects: dict[str, list[str]] = {action: [] for action in policy.RULES}
    for (method, path), action in routes.items():
        objects[action].append(f"`{method} {path}`")
    objects[access.PAGES].append("the dashboards' files")
    for (service, method, path), action in policy.EDGES.items():
        objects[action].append(f"`{method} {path}` of {'every service' if service == '*' else service}")
    for kind, actions in policy.COMMANDS.items():
        for action in actions:
            objects[action].append(f"command `{kind.__name__}`")
    for (service, name), ask in policy.ASKS.items():
        objects[ask.action].append(f"question `{service} {name}`")
    for flow, (writing, reading) in policy.FLOWS.items():
        objects[writing].append(f"write `{flow}`")
        objects[reading].append(f"read `{flow}`")
    for name, actions in policy.PORTS.items():
        for action in actions:
            objects[action].append(f"port of {name}")
    for verb, action in policy.VERBS.items():
        objects[action].append(f"`aitrading {verb}`")
    lines = [
        "# Who may what",
        "",
        "GENERATED by `python tools/policy_check.py` from the policy (`kit/src/kit/policy/`) and the gateway's table",
        "of routes; `make check` fails when it is out of date. What is not listed here is refused and audited.",
        "",
        "| action | what | who | whose data | refused | fresh proof | done with |",
        "|---|---|---|---|---|---|---|",
    ]
    for action, rule in policy.RULES.items():
        fresh = (
            f"{rule.step_up_s} s" + (f" when {rule.step_up_in}" if rule.step_up_in else "") if rule.step_up_s else ""
        )
        who = ", ".join(sorted(rule.roles)) + (" (this machine only)" if rule.only_local else "")
        states = "" if policy.ANYONE in rule.roles else ", ".join(sorted(rule.refused_in))
        cells = (f"`{action}`", rule.says, who, rule.tenants, states, fresh, "; ".join(objects[action]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def main(arguments: list[str] | None = None) -> int:
    """Compare, and write the page; with --check only compare."""
    options = argparse.ArgumentParser(description="Hold the policy against what exists.")
    options.add_argument("--check", action="store_true", help="only compare; exit 1 when something differs")
    only = options.parse_args(arguments).check
    found = faults(asyncio.run(_gateway_routes()))
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        return 1
    wanted = page()
    if (PAGE.read_text(encoding="utf-8") if PAGE.exists() else "") != wanted:
        if only:
            print("docs/security/policy.md is out of date: run python tools/policy_check.py.", file=sys.stderr)
            return 1
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
    print(f"{len(policy.RULES)} actions, all with an object and a rule.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
