"""Which action each route is, and how requests are judged by the policy."""

import itertools

import pytest

from api_gateway.domain.access import METHODS, SOCKET, TABLE, Caller, Knock, is_page, judge, listed, ours
from api_gateway.domain.refusals import (
    CSRF_REFUSED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_FROM_HERE,
    NOT_IN_KEY,
    NOT_SIGNED_IN,
    ORIGIN_REFUSED,
    TENANT_SUSPENDED,
    Refusal,
)
from kit.policy import ANYONE, PEOPLE, RULES, State

HERE = "http://127.0.0.1:8000"


def caller(role: str = "viewer", *, by_cookie: bool = False, csrf: str = "c") -> Caller:
    return Caller("ann", "default", role, csrf, 10**15, "id", by_cookie)


def knock(method: str, path: str, who: Caller | None = None, **changes: object) -> Knock:
    fields: dict[str, object] = {"from_loopback": True, "origin": "", "host": "127.0.0.1:8000", "csrf": ""}
    path = path.replace("{", "").replace("}", "")
    return Knock(method=method, path=path, caller=who, **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("route", "role"), list(itertools.product(TABLE, [None, *sorted(PEOPLE)])))
def test_each_route_lets_exactly_the_roles_in_that_the_policy_names(route: tuple[str, str], role: str | None) -> None:
    refusal = judge(knock(*route, caller(role) if role else None), frozenset())
    roles = RULES[TABLE[route]].roles
    if ANYONE in roles:
        assert refusal is None
    elif role is None:
        assert refusal is NOT_SIGNED_IN
    else:
        assert refusal is (None if role in roles else NOT_ALLOWED)


@pytest.mark.parametrize(
    ("state", "refusal"), [("user_disabled", NOT_SIGNED_IN), ("tenant_suspended", TENANT_SUSPENDED)]
)
def test_a_disabled_user_and_a_suspended_tenant_get_nowhere_that_needs_a_session(state: str, refusal: Refusal) -> None:
    for route, action in TABLE.items():
        found = judge(knock(*route, caller("admin")), frozenset(), 0, frozenset({State(state)}))
        assert found is (None if ANYONE in RULES[action].roles else refusal)


def test_a_key_made_for_reading_prices_may_do_nothing_else() -> None:
    key = Caller("ann", "default", "admin", "", 10**15, "id", False, 0, frozenset({"market.read"}))
    for route, action in TABLE.items():
        found = judge(knock(*route, key), frozenset())
        assert found is (None if action == "market.read" or ANYONE in RULES[action].roles else NOT_IN_KEY)


def test_W15_a_path_is_listed_only_as_it_is_written() -> None:
    assert listed("/api/v1/symbols") == "/api/v1/symbols"
    for path in ("/api/v1/symbols/", "/api/v1/symbols/x", "/api/v1//symbols", "/API/v1/symbols", "/api/v1/{id}", ""):
        assert listed(path) == ""


def test_a_role_that_nobody_knows_may_do_nothing() -> None:
    assert judge(knock("GET", "/api/v1/symbols", caller("root")), frozenset()) is NOT_ALLOWED


def test_health_pages_answer_this_machine_only() -> None:
    assert judge(knock("GET", "/metrics", from_loopback=False), frozenset()) is NOT_FROM_HERE


def test_an_unknown_api_path_is_not_found_for_those_signed_in_and_closed_to_others() -> None:
    assert judge(knock("GET", "/api/v1/nothing"), frozenset()) is NOT_SIGNED_IN
    assert judge(knock("GET", "/api/v1/nothing", caller()), frozenset()) is NOT_FOUND
    refused = judge(knock("POST", "/nothing"), frozenset())
    assert refused is not None
    assert (refused.status, refused.allow) == (405, "GET, HEAD")


def test_a_wrong_method_is_told_with_the_right_ones() -> None:
    refusal = judge(knock("PUT", "/api/v1/session", caller()), frozenset())
    assert refusal is not None
    assert (refusal.status, refusal.code) == (405, "method_not_allowed")
    assert "DELETE, GET, POST" in refusal.reason
    socket = judge(knock("GET", "/api/v1/stream", caller()), frozenset())
    assert socket is not None
    assert "WebSocket" in socket.reason


def test_a_change_by_cookie_needs_the_csrf_token_of_its_session() -> None:
    who = caller("trader", by_cookie=True)
    for csrf, expected in (("", CSRF_REFUSED), ("d", CSRF_REFUSED), ("é", CSRF_REFUSED), ("c", None)):
        assert judge(knock("POST", "/api/v1/commands", who, csrf=csrf), frozenset()) is expected
    without = caller("trader", by_cookie=True, csrf="")
    assert judge(knock("POST", "/api/v1/commands", without), frozenset()) is CSRF_REFUSED


def test_a_read_by_cookie_and_a_change_by_bearer_need_no_csrf_token() -> None:
    assert judge(knock("GET", "/api/v1/symbols", caller(by_cookie=True)), frozenset()) is None
    assert judge(knock("POST", "/api/v1/commands", caller("trader")), frozenset()) is None


def test_a_change_from_a_foreign_page_is_refused_even_without_a_session() -> None:
    for path in ("/api/v1/session", "/api/v1/setup", "/api/v1/commands"):
        refused = knock("POST", path, caller("admin"), origin="https://evil.example", csrf="c")
        assert judge(refused, frozenset()) is ORIGIN_REFUSED
    assert judge(knock("POST", "/api/v1/session", origin=HERE), frozenset()) is None


def test_a_browsers_stream_needs_its_origin_and_a_programs_does_not() -> None:
    path = (SOCKET, "/api/v1/stream")
    assert judge(knock(*path, caller(by_cookie=True)), frozenset()) is ORIGIN_REFUSED
    assert judge(knock(*path, caller(by_cookie=True), origin=HERE), frozenset()) is None
    assert judge(knock(*path, caller(), origin="http://evil.example"), frozenset()) is ORIGIN_REFUSED
    assert judge(knock(*path, caller()), frozenset()) is None


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://localhost:9000", "localhost:9000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://trade.example", "10.0.0.1:8000", True),
        ("http://localhost:3000", "localhost:8000", False),
        ("http://rebound.example:8000", "rebound.example:8000", False),
        ("null", "127.0.0.1:8000", False),
        ("file://127.0.0.1:8000", "127.0.0.1:8000", False),
    ],
)
def test_our_own_page_is_the_public_address_or_the_loopback_address_that_was_asked(
    origin: str, host: str, expected: bool
) -> None:
    assert ours(origin, host, frozenset({"https://trade.example"})) is expected


def test_only_reads_of_unlisted_paths_outside_the_api_may_be_pages() -> None:
    assert is_page("GET", "/login/")
    assert is_page("HEAD", "/apiary")
    assert not is_page("POST", "/login/")
    assert not is_page("GET", "/api")
    assert not is_page("GET", "/api/v2/x")
    assert not any(is_page("GET", path) for path in METHODS)
