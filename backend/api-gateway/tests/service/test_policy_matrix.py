"""The policy over the real gateway: every route against every caller, and other tenants' names everywhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
from gateway_world import ACCOUNT, OTHER_ACCOUNT, PASSWORD, Platform, World, batch, order, running, state, trail, user
from litestar.routes import HTTPRoute
from people_client import Browser

from api_gateway.domain.access import SOCKET, TABLE
from api_gateway.domain.scopes import SCOPES
from contracts.codec import decode
from contracts.commands import Command
from kit.policy import ANYONE, PEOPLE, RULES
from kit.testing import eventually

ROUTES = [route for route in TABLE if route[0] != SOCKET]
QUERY = {"account": ACCOUNT, "symbol": "EURUSD"}
JSON = {"content-type": "application/json"}
DENIALS = {"not_signed_in", "not_allowed", "not_in_key", "step_up_needed", "tenant_suspended", "not_from_here"}
"""What a refusal of the policy is called; anything else comes from behind the door."""
PAYLOADS = (
    "' OR '1'='1",
    "1; DROP TABLE ticks--",
    "x') UNION SELECT password_hash FROM users--",
    "$(id)",
    "`id`",
    "| sleep 10",
    "{{7*7}}",
    "${7*7}",
    "../../etc/passwd",
    "%00",
    "\u202eDSURUE",
)


def at(path: str, part: str = "0" * 32) -> str:
    """The path with its varying parts filled in."""
    return re.sub(r"\{\w+\}", part, path)


async def asked(world: World, route: tuple[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """Status and code of the answer to a question that is well-formed enough to reach the door's judgement."""
    method, path = route
    body: dict[str, Any] = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    headers = headers | {"idempotency-key": "key-00000001"}
    answer = await world.http.request(method, at(path), params=QUERY, headers=headers, **body)
    code = ""
    if answer.status_code >= 400 and answer.headers["content-type"].startswith("application/json"):
        code = answer.json().get("code", "")
    return answer.status_code, code


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_W03_each_route_answers_exactly_the_callers_of_the_policy(world: World, route: tuple[str, str]) -> None:
    roles = RULES[TABLE[route]].roles
    for role in (None, "root", *sorted(PEOPLE)):
        status, code = await asked(world, route, world.bearer(role) if role else {})
        if ANYONE in roles or role in roles:
            assert code not in DENIALS, (role, status, code)
            assert status != 500
        else:
            assert (status, code) == ((403, "not_allowed") if role else (401, "not_signed_in")), role


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_W03_a_forged_and_an_expired_token_are_nobody(world: World, route: tuple[str, str]) -> None:
    head, _, signature = world.token("admin").rpartition(".")
    forged = {"authorization": f"Bearer {head}.{signature[::-1]}"}
    for headers in (forged, world.bearer("admin", age_s=901), {"authorization": "Basic YTpi"}):
        status, code = await asked(world, route, headers)
        if ANYONE in RULES[TABLE[route]].roles:
            assert code not in DENIALS
        else:
            assert (status, code) == (401, "not_signed_in")


@pytest.fixture
async def town(tmp_path: Path) -> Any:
    people = {"root": user("root", "admin"), "ann": user()}
    async with running(tmp_path, platform=Platform(people, [state()])) as world:
        yield world


async def key_of(world: World, *scopes: str) -> dict[str, str]:
    """Headers of a program of the trader Ann."""
    ann = Browser(world)
    await ann.sign_in()
    made = await ann.ask("POST", "api-keys", {"name": "bot", "scopes": scopes, "days": 30, "cidrs": []})
    return {"authorization": f"Bearer {made.json()['key']}"}


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_W03_a_narrow_api_key_is_answered_in_its_scope_and_nowhere_else(town: World, scope: str) -> None:
    key = await key_of(town, scope)
    for route in ROUTES:
        action = TABLE[route]
        status, code = await asked(town, route, key)
        if ANYONE in RULES[action].roles or action in SCOPES[scope]:
            assert code not in DENIALS, (route, status, code)
            assert status != 500
        elif "trader" in RULES[action].roles:
            assert (status, code) == (403, "not_in_key"), route
        else:
            assert (status, code) == (403, "not_allowed"), route


async def test_W03_whoever_was_disabled_is_nobody_with_a_session_a_token_and_a_key(town: World) -> None:
    ann, root = Browser(town), Browser(town)
    await ann.sign_in()
    await root.sign_in("root")
    key = await key_of(town, "read", "trade")
    cookie = {"cookie": "; ".join(f"{k}={v}" for k, v in ann.cookies.items())}
    program = await town.http.post("/api/v1/session/token", json={"name": "ann", "password": PASSWORD})
    bearer = {"authorization": f"Bearer {program.json()['access_token']}"}
    browser = cookie | {"x-csrf-token": ann.csrf, "origin": ann.origin, "host": ann.origin.partition("://")[2]}
    callers = (browser, bearer, key)
    for headers in callers:
        assert (await town.http.get("/api/v1/symbols", headers=headers)).status_code == 200
    town.clock.advance(1)
    assert (await root.ask("PATCH", "users/id-ann", {"disabled": True})).status_code == 200
    for route in ROUTES:
        for headers in callers:
            status, code = await asked(town, route, headers)
            if ANYONE in RULES[TABLE[route]].roles:
                assert code not in DENIALS, (route, status, code)
            else:
                assert (status, code) == (401, "not_signed_in"), route


@pytest.fixture
async def two_tenants(tmp_path: Path) -> Any:
    platform = Platform({"ann": user(), "bob": user("bob", tenant="other")}, [state(), state(OTHER_ACCOUNT, "other")])
    async with running(tmp_path, platform=platform) as world:
        await world.tell(batch(account=OTHER_ACCOUNT, tenant="other"))
        await world.tell(order(tenant="other"))
        yield world


BY_ACCOUNT = [
    path for method, path in ROUTES if method == "GET" and re.search("ticks|bars|positions|orders|executions", path)
]


@pytest.mark.parametrize("path", BY_ACCOUNT)
async def test_W01_another_tenants_account_answers_exactly_as_one_that_does_not_exist(
    two_tenants: World, path: str
) -> None:
    answers = []
    for account in (OTHER_ACCOUNT, "9999999"):
        params = {"account": account, "symbol": "EURUSD"}
        answer = await two_tenants.http.get(path, params=params, headers=two_tenants.bearer("admin"))
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        answers.append((answer.status_code, headers, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_W01_lists_streams_and_what_is_remembered_hold_the_own_tenant_only(two_tenants: World) -> None:
    for path in ("accounts", "symbols", "positions"):
        for tenant, own, foreign in (("default", ACCOUNT, OTHER_ACCOUNT), ("other", OTHER_ACCOUNT, ACCOUNT)):
            headers = two_tenants.bearer("admin", name=f"{tenant}-admin", tenant=tenant)
            for _ in range(2):  # the second answer may come from what was remembered of the first
                text = (await two_tenants.http.get(f"/api/v1/{path}", headers=headers)).text
                assert foreign not in text
                assert own in text or path == "symbols"


async def test_O19_an_order_on_another_tenants_account_is_not_found_and_audited(two_tenants: World) -> None:
    bodies = set()
    for n, account in enumerate((OTHER_ACCOUNT, "9999999")):
        wish = {"kind": "place_order", "order": {"account": account, "symbol": "EURUSD", "side": "BUY", "volume": "1"}}
        headers = two_tenants.bearer("trader") | {"idempotency-key": f"key-0000000{n}"}
        answer = await two_tenants.http.post("/api/v1/commands", json=wish, headers=headers)
        assert answer.status_code == 404
        bodies.add(answer.content)
    assert len(bodies) == 1
    assert not two_tenants.bus.on("commands.>")
    two_tenants.clock.advance(6_000)
    (record,) = await eventually(lambda: trail(two_tenants, "malicious_direct_reference"))
    assert (record.tenant, record.subject, record.detail["count"]) == ("default", "ann", "2")
    assert record.detail["what"] == "POST /api/v1/commands"


async def test_W02_the_tenant_of_the_token_wins_over_every_other_place(two_tenants: World) -> None:
    headers = two_tenants.bearer("admin") | {"x-tenant": "other", "x-tenant-id": "other", "tenant": "other"}
    for path in ("accounts", "orders", "executions", "symbols", "positions"):
        for params in ({}, {"tenant": "other"}, {"tenant_id": "other"}):
            answer = await two_tenants.http.get(f"/api/v1/{path}", params=params, headers=headers)
            assert answer.status_code in (200, 422)
            assert OTHER_ACCOUNT not in answer.text
    assert {question.tenant for question in two_tenants.platform.asked} <= {"default"}
    body = {"kind": "pause", "tenant": "other"}
    answer = await two_tenants.http.post(
        "/api/v1/commands", json=body, headers=headers | {"idempotency-key": "key-00000001"}
    )
    assert answer.status_code == 422


async def test_W02_a_command_belongs_to_the_tenant_of_its_token_and_its_seal_says_so(two_tenants: World) -> None:
    headers = two_tenants.bearer("trader", tenant="other", name="bob") | {"idempotency-key": "key-00000001"}
    assert (await two_tenants.http.post("/api/v1/commands", json={"kind": "pause"}, headers=headers)).status_code == 202
    ((subject, data),) = [each for each in two_tenants.bus.sent if each[0].startswith("commands.")]
    command = decode(data, Command)
    assert (subject, command.tenant, command.given_by) == ("commands.other", "other", "bob")
    assert command.seal is not None
    assert command.seal.role == "trader"


def bodies(world: World) -> Iterator[tuple[str, Any]]:
    """Every type that a route takes as its body."""
    for route in world.gateway.api.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                field = handler.parsed_fn_signature.parameters.get("data")
                if field is not None:
                    yield route.path, field.annotation


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs inside of a type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from structs(field.type)
    elif get_origin(kind) is not None or get_args(kind):
        for part in get_args(kind):
            yield from structs(part)


async def test_W04_no_body_takes_a_field_that_it_does_not_name(world: World) -> None:
    found = list(bodies(world))
    assert len(found) >= 3
    for path, kind in found:
        kinds = list(structs(kind))
        assert kinds, path
        for each in kinds:
            assert each.__struct_config__.forbid_unknown_fields, (path, each.__name__)
    for extra in ("role", "tenant", "tenant_id", "owner", "id", "status", "given_by", "seal", "disabled"):
        headers = world.bearer("trader") | {"idempotency-key": "key-00000001"}
        answer = await world.http.post("/api/v1/commands", json={"kind": "pause", extra: "x"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), extra


async def test_W05_payloads_in_every_text_of_a_question_are_refused_or_inert(world: World) -> None:
    schema = (await world.http.get("/openapi.json")).json()
    tried = 0
    for path, item in schema["paths"].items():
        operation = item.get("get")
        if operation is None or ANYONE in RULES[TABLE["GET", path]].roles:
            continue
        for parameter in operation.get("parameters", []):
            for payload in PAYLOADS:
                params = QUERY | {parameter["name"]: payload} if parameter["in"] == "query" else QUERY
                role = sorted(RULES[TABLE["GET", path]].roles & PEOPLE)[0]
                inert = payload.replace("/", "") if parameter["in"] == "path" else "0"
                answer = await world.http.get(at(path, inert), params=params, headers=world.bearer(role))
                assert answer.status_code in (200, 400, 404, 422), (path, parameter["name"], payload, answer.text)
                assert "49" not in answer.text or "7*7" not in payload
                tried += 1
    assert tried > 100
    asked_with = [getattr(q, name, "") for q in world.platform.asked for name in ("account", "symbol", "tenant")]
    assert not set(asked_with) & set(PAYLOADS)


async def test_W05_payloads_in_a_commands_texts_are_refused_or_stored_as_they_are(world: World) -> None:
    for n, payload in enumerate(PAYLOADS):
        headers = world.bearer("trader") | {"idempotency-key": f"key-{n:08d}"}
        wish = {"kind": "place_order", "order": {"account": ACCOUNT, "symbol": payload, "side": "BUY", "volume": "1"}}
        assert (await world.http.post("/api/v1/commands", json=wish, headers=headers)).status_code in (404, 422)
        pause = await world.http.post("/api/v1/commands", json={"kind": "pause", "reason": payload}, headers=headers)
        if pause.status_code == 202:
            assert decode(world.bus.on("commands.>")[-1], Command).body.reason == payload  # type: ignore[union-attr]
        else:
            assert pause.status_code == 422
