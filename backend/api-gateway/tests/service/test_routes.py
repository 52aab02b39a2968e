"""Every route against every caller, over the wire."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from gateway_world import ACCOUNT, OTHER_ACCOUNT, Platform, World, batch, order, running, state, user
from litestar import get
from litestar.routes import HTTPRoute, WebSocketRoute
from prometheus_client import CollectorRegistry

from api_gateway.adapters.bus_feed import BusFeed
from api_gateway.adapters.bus_platform import BusStore
from api_gateway.adapters.dist_pages import DistPages
from api_gateway.adapters.token_office import TokenOffice
from api_gateway.domain.access import SOCKET, TABLE
from api_gateway.routes.door import Door
from api_gateway.routes.fanout import Fanout
from api_gateway.routes.measures import Measures
from api_gateway.routes.schema import GENERATED
from kit.errors import AnswerFault
from kit.keys import make_private_key
from kit.policy import ANYONE, PEOPLE, RULES
from kit.revocations import RevocationBook
from kit.testing import FakeBus, FakeClock

CALLERS = ("anonymous", "expired", "forged", *sorted(PEOPLE))
QUERY = {"/api/v1/ticks": f"?account={ACCOUNT}&symbol=EURUSD", "/api/v1/bars": f"?account={ACCOUNT}&symbol=EURUSD"}
BODY: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/setup"): {"code": "wrong", "name": "x", "password": "y"},
    ("POST", "/api/v1/session"): {"name": "ann", "password": "wrong"},
    ("POST", "/api/v1/commands"): {"kind": "pause"},
}
NOT_FOR_STRANGERS = {("POST", "/api/v1/setup"): 409, ("POST", "/api/v1/session"): 401}
"""Open routes that say no to what this test sends."""


def existing(world: World) -> set[tuple[str, str]]:
    """Routes as the framework knows them."""
    found = set()
    for route in world.gateway.api.routes:
        if isinstance(route, HTTPRoute):
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            found |= {(method, path) for method in route.methods - {"OPTIONS"}}
        elif isinstance(route, WebSocketRoute):
            found.add((SOCKET, route.path))
    return {(method, path) for method, path in found if not path.startswith(GENERATED)}


async def test_the_table_lists_exactly_the_routes_that_exist(world: World) -> None:
    assert existing(world) == set(TABLE)


async def test_a_route_that_the_table_does_not_list_is_refused(tmp_path: Path) -> None:
    @get(["/api/v1/forgotten", "/health/forgotten"])
    async def forgotten() -> str:
        return "secret"

    async with running(tmp_path, extra=[forgotten]) as world:
        assert existing(world) != set(TABLE)
        for headers, status in (({}, 401), (world.bearer("admin"), 404)):
            answer = await world.http.get("/api/v1/forgotten", headers=headers)
            assert (answer.status_code, "secret" in answer.text) == (status, False)
        assert "secret" not in (await world.http.get("/health/forgotten")).text


@pytest.mark.parametrize("path", [GENERATED, f"{GENERATED}/openapi.json", f"{GENERATED}/x"])
async def test_the_frameworks_own_pages_cannot_be_reached(world: World, path: str) -> None:
    answer = await world.http.get(path, headers=world.bearer("admin"))
    assert answer.json()["code"] == "not_built"


@pytest.mark.parametrize("route", [route for route in TABLE if route[0] != SOCKET])
async def test_each_route_answers_exactly_the_callers_of_the_table(world: World, route: tuple[str, str]) -> None:
    method, path = route
    for caller in CALLERS:
        headers = {"idempotency-key": f"key-{caller}"}
        if caller in PEOPLE:
            headers |= world.bearer(caller)
        elif caller == "expired":
            headers |= world.bearer("admin", age_s=900)
        elif caller == "forged":
            head, _, signature = world.token("admin").rpartition(".")
            headers["authorization"] = f"Bearer {head}.{signature[::-1]}"
        path = re.sub(r"\{\w+\}", "id-bob", path)
        answer = await world.http.request(method, path + QUERY.get(path, ""), headers=headers, json=BODY.get(route))
        roles = RULES[TABLE[route]].roles
        if ANYONE in roles:
            # the sixth wrong password in a row has to wait
            expected = {NOT_FOR_STRANGERS.get(route, answer.status_code), 429}
            assert answer.status_code < 500
        elif caller not in PEOPLE:
            expected = {401}
            assert answer.json()["code"] == "not_signed_in"
        else:
            # a role that may gets past the door: what follows depends on what was sent
            refused = answer.json()["code"] if answer.status_code in (401, 403) else ""
            assert (refused not in ("not_signed_in", "not_allowed")) == (caller in roles), (caller, answer.text)
            assert answer.status_code < 500
            expected = {answer.status_code}
        assert answer.status_code in expected, (caller, answer.text)


async def test_health_is_told_to_this_machine_and_not_through_a_proxy(world: World) -> None:
    assert (await world.http.get("/health/live")).json() == {"service": "api-gateway", "live": True}
    ready = await world.http.get("/health/ready")
    assert ready.status_code == 200
    assert {d["name"]: d["health"] for d in ready.json()["dependencies"]} == {"bus": "ok", "database-service": "ok"}
    assert "gateway_requests_total" in (await world.http.get("/metrics")).text
    for header in ("x-forwarded-for", "forwarded"):
        assert (await world.http.get("/metrics", headers={header: "for=1.2.3.4"})).status_code == 403


async def test_every_answer_has_the_security_headers(world: World) -> None:
    for path in ("/", "/api/v1/session", "/health/live", "/openapi.json", "/api/v1/setup"):
        headers = (await world.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "permissions-policy" in headers
        assert "server" not in headers
        assert "strict-transport-security" not in headers


async def test_bad_values_get_a_sentence_with_the_field_and_unknown_json_is_refused(world: World) -> None:
    for path, word in (
        ("/api/v1/orders?limit=0", "limit"),
        ("/api/v1/orders?limit=99999", "limit"),
        ("/api/v1/orders?open_only=perhaps", "open_only"),
        ("/api/v1/ticks?account=1", "symbol"),
        (f"/api/v1/ticks?account={ACCOUNT}&symbol=EURUSD&from_ms=-1", "from_ms"),
        (f"/api/v1/bars?account={ACCOUNT}&symbol=EURUSD&timeframe=M2", "timeframe"),
    ):
        answer = await world.http.get(path, headers=world.bearer())
        assert answer.status_code == 422
        assert word in answer.json()["reason"]
    json_type = {"content-type": "application/json"}
    for body, status in (
        ('{"name": NaN, "password": "x"}', 422),
        ('{"name": Infinity, "password": "x"}', 422),
        ('{"name": "ann"', 400),
        ("[" * 60_000, 422),
        ('{"name": "ann", "password": "x", "admin": true}', 422),
        ('{"name": 1, "password": "x"}', 422),
        ("", 422),
    ):
        answer = await world.http.post("/api/v1/session", content=body, headers=json_type)
        assert answer.status_code == status, body[:50]
        assert set(answer.json()) == {"code", "reason", "error_id"}


async def test_bodies_are_bounded_and_must_be_json(world: World) -> None:
    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1024

    headers = {"content-type": "application/json"}
    declared = await world.http.post("/api/v1/session", content=b" " * 70_000, headers=headers)
    streamed = await world.http.post("/api/v1/session", content=chunks(), headers=headers)
    assert declared.status_code == streamed.status_code == 413
    as_form = await world.http.post("/api/v1/session", data={"name": "ann"})
    assert as_form.status_code == 415
    assert (await world.http.post("/csp-report", content=b"x" * 9_000)).status_code == 413
    report = {"csp-report": {"blocked-uri": "https://evil.example"}}
    kind = {"content-type": "application/csp-report"}
    assert (await world.http.post("/csp-report", content=json.dumps(report), headers=kind)).status_code == 204
    assert world.counters["csp_reports"] == 1


async def test_another_tenants_account_is_the_same_as_none(tmp_path: Path) -> None:
    theirs = state(OTHER_ACCOUNT, "other")
    async with running(tmp_path, platform=Platform({"ann": user()}, [state(), theirs])) as world:
        await world.tell(batch(account=OTHER_ACCOUNT, tenant="other"))
        for path in ("positions", "orders", "executions", "ticks", "bars"):
            bodies = set()
            for account in (OTHER_ACCOUNT, "9999999"):
                answer = await world.http.get(
                    f"/api/v1/{path}?account={account}&symbol=EURUSD", headers=world.bearer("admin")
                )
                assert answer.status_code == 404
                bodies.add(answer.content)
            assert len(bodies) == 1
        own = (await world.http.get("/api/v1/accounts", headers=world.bearer())).json()["accounts"]
        assert [a["account"] for a in own] == [ACCOUNT]
        others = (await world.http.get("/api/v1/symbols", headers=world.bearer(tenant="other"))).json()["symbols"]
        assert [s["account"] for s in others] == [OTHER_ACCOUNT]


async def test_questions_to_the_store_carry_the_tenant_of_the_token(world: World) -> None:
    for path in (f"ticks{QUERY['/api/v1/ticks']}", f"bars{QUERY['/api/v1/bars']}", "orders", "executions"):
        await world.http.get(f"/api/v1/{path}", headers=world.bearer())
    assert {question.tenant for question in world.platform.asked} == {"default"}


async def test_a_silent_platform_is_503_with_retry_after_and_live_quotes_stay(world: World) -> None:
    await world.tell(batch())
    headers = world.bearer("admin")
    assert (await world.http.get("/api/v1/symbols", headers=headers)).status_code == 200
    world.bus.down = True
    world.clock.advance(5_000)
    answer = await world.http.get("/api/v1/orders", headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
    assert len((await world.http.get("/api/v1/symbols", headers=headers)).json()["symbols"]) == 1
    services = (await world.http.get("/api/v1/services", headers=headers)).json()
    assert services["hub_reachable"] is False
    assert [s["service"] for s in services["services"]] == ["api-gateway"]


async def test_many_watch_lists_at_once_are_one_question_to_the_store(world: World) -> None:
    headers = world.bearer()
    await asyncio.gather(*(world.http.get("/api/v1/symbols", headers=headers) for _ in range(20)))
    assert len(world.platform.asked) == 1


async def test_an_accident_leaks_nothing_and_reaches_the_hub(world: World) -> None:
    world.platform.broken = RuntimeError("password=hunter2 at /srv/secret.py")
    answer = await world.http.get("/api/v1/symbols", headers=world.bearer())
    assert answer.status_code == 500
    problem = answer.json()
    assert problem["code"] == "internal"
    assert len(problem["error_id"]) == 32
    assert not any(word in answer.text for word in ("hunter2", "secret.py", "RuntimeError", "Traceback"))
    assert world.bus.on("errors.>")


async def test_a_wrong_method_is_told_the_right_ones(world: World) -> None:
    answer = await world.http.put("/api/v1/session", headers=world.bearer())
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, POST")
    no_socket = await world.http.get("/api/v1/stream", headers=world.bearer())
    assert (no_socket.status_code, no_socket.headers["allow"]) == (405, "")
    head = await world.http.head("/api/v1/symbols", headers=world.bearer())
    assert (head.status_code, head.content) == (405, b"")


async def test_a_services_fault_becomes_its_status_without_its_words(world: World) -> None:
    for code, status in (
        ("bad_request", 422),
        ("not_found", 404),
        ("conflict", 409),
        ("unavailable", 503),
        ("internal", 500),
    ):
        world.platform.broken = AnswerFault(code, "table users has no column hunter2")
        answer = await world.http.get("/api/v1/symbols", headers=world.bearer())
        assert (answer.status_code, "hunter2" in answer.text) == (status, False)


async def test_until_the_accounts_are_known_the_store_is_asked(world: World) -> None:
    world.gateway.fanout.accounts_known = False
    world.platform.states.append(state("1000002"))
    found = (await world.http.get("/api/v1/accounts", headers=world.bearer())).json()["accounts"]
    assert [a["account"] for a in found] == [ACCOUNT, "1000002"]
    world.bus.down = True
    assert (await world.http.get("/api/v1/accounts", headers=world.bearer())).status_code == 503


async def test_accounts_are_read_as_soon_as_the_store_appears() -> None:
    bus, clock = FakeBus(down=True), FakeClock()
    fanout = Fanout(clock, lambda _: False)
    loading = asyncio.create_task(BusFeed(bus, fanout, {}).load_accounts(BusStore(bus, clock)))
    await asyncio.sleep(0)
    assert not fanout.picture("default").accounts
    bus.down = False
    await Platform(states=[state()]).answer_on(bus)
    await loading
    assert list(fanout.picture("default").accounts) == [ACCOUNT]


class NoKeys:
    """Nobody has an API key."""

    async def caller(self, key: str, peer: str) -> None:
        return None


async def test_an_accident_at_the_door_itself_is_rendered_too(tmp_path: Path) -> None:
    make_private_key(tmp_path / "token.key")
    reported: list[BaseException] = []
    sent: list[Any] = []

    async def broken(*_: Any) -> None:
        raise RuntimeError("hunter2")

    async def send(message: Any) -> None:
        sent.append(message)

    measures = Measures(CollectorRegistry(), {})
    pages, office = DistPages(tmp_path), TokenOffice(tmp_path / "token.key", FakeClock(), RevocationBook())
    door = Door(broken, pages, office, FakeClock(), measures, reported.append, frozenset(), False, NoKeys())
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/setup",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 5),
        "state": {},
    }
    await door(scope, broken, send)
    assert sent[0]["status"] == 500
    assert b"hunter2" not in sent[1]["body"]
    assert [type(error) for error in reported] == [RuntimeError]


async def test_the_openapi_document_names_every_route_and_its_shapes(world: World) -> None:
    schema = (await world.http.get("/openapi.json")).json()
    listed = {(method.upper(), path) for path, item in schema["paths"].items() for method in item}
    assert listed == {route for route in TABLE if route[0] != SOCKET}
    names = set(schema["components"]["schemas"])
    for view in ("SymbolsView", "TicksView", "BarsView", "AccountsView", "OrdersView", "ServicesView", "Problem"):
        assert any(name.endswith(view) for name in names), view
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if ANYONE not in RULES[TABLE[method.upper(), path]].roles:
                assert "401" in operation["responses"], (method, path)
    balance = next(body for name, body in schema["components"]["schemas"].items() if name.endswith("AccountView"))
    assert balance["properties"]["balance"]["type"] == "string"


async def test_the_documentation_page_needs_no_script_and_no_foreign_origin(world: World) -> None:
    page = await world.http.get("/docs", headers=world.bearer())
    assert "script" not in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert not any(word in page.text for word in ("src=", 'href="http', 'href="//', "@import", "url("))
    assert all(path in page.text for method, path in TABLE if method != SOCKET)


async def test_orders_and_executions_are_shown_as_the_contract_says(world: World) -> None:
    found = await world.http.get(f"/api/v1/orders?account={ACCOUNT}&open_only=true&limit=5", headers=world.bearer())
    assert found.json()["orders"][0]["volume"] == "0.1"
    question = world.platform.asked[-1]
    assert (question.account, question.open_only, question.limit) == (ACCOUNT, True, 5)
    assert order().state.value == found.json()["orders"][0]["state"]
