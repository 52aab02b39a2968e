"""Who may ask over the bus: proofs that hold, and the ways of cheating that do not."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import rpc
from contracts.orders import Order
from contracts.signals import SignedSignal
from kit import policy, tokens
from kit.errors import AnswerFault, SettingsError
from kit.keys import key_id, make_private_key, public_text
from kit.service_tokens import (
    AUTHORIZATION,
    LIFETIME_S,
    ON_BEHALF_OF,
    RENEW_BEFORE_S,
    Guard,
    QuestionDenied,
    on_behalf_of,
    open_guard,
    role_of,
    tenants_of,
)
from kit.testing import FakeBus, FakeClock, guard_of, write_service_keys
from kit.testing.guards import public_keys, service_key

NOW_MS = 1_700_000_000_000
PEOPLE_KEY = Ed25519PrivateKey.generate()
PEOPLE = {key_id(PEOPLE_KEY): PEOPLE_KEY.public_key()}
SERVICES = ("api-gateway", "data-bridge", "trading-engine", "database-service", "central-hub", "operator")
METHODS = [each for each in vars(rpc).values() if isinstance(each, rpc.Method)]


class Clocked:
    """A clock for guards."""

    ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


def store() -> Guard:
    return guard_of("database-service", lambda: NOW_MS, PEOPLE)


def person(tenant: str = "default", role: str = "viewer", kind: str = "access+jwt", aud: str = "api-gateway") -> str:
    return tokens.mint(PEOPLE_KEY, kind, aud, "ann", NOW_MS // 1000, 900, tenant=tenant, role=role)


@pytest.fixture
def for_ann() -> Iterator[None]:
    reset = on_behalf_of.set(person())
    yield
    on_behalf_of.reset(reset)


def asked(service: str, method: Any = rpc.ORDERS) -> dict[str, str]:
    return guard_of(service, lambda: NOW_MS).headers(method)


def code(headers: dict[str, str] | None, question: Any, method: Any = rpc.ORDERS, judge: Guard | None = None) -> str:
    try:
        (judge or store()).check(method, question, headers)
    except QuestionDenied as denied:
        return denied.code
    return "allowed"


OURS = rpc.OrdersQuestion("default")


@pytest.mark.parametrize(
    ("service", "method"), list(itertools.product(SERVICES, METHODS)), ids=lambda it: getattr(it, "name", it)
)
def test_for_itself_a_service_may_ask_exactly_what_the_policy_names_it_for(service: str, method: Any) -> None:
    judge = guard_of(method.service, lambda: NOW_MS, PEOPLE)
    rule = policy.RULES[policy.ASKS[method.service, method.name].action]
    found = code(asked(service, method), rpc.Nothing(), method, judge)
    assert (found == "allowed") is (role_of(service) in rule.roles)


def test_the_gateway_asks_in_the_name_of_a_person_and_not_alone(for_ann: None) -> None:
    assert code(asked("api-gateway"), OURS) == "allowed"
    without = {AUTHORIZATION: asked("api-gateway")[AUTHORIZATION]}
    assert code(without, OURS) == "role"


def test_W02_a_question_about_another_tenant_than_the_persons_is_denied(for_ann: None) -> None:
    for tenant in ("other", "*"):
        assert code(asked("api-gateway"), rpc.OrdersQuestion(tenant)) == "tenant"
    theirs = rpc.StoredQuestion("other", "1")
    assert code(asked("data-bridge", rpc.STORED), theirs, rpc.STORED) == "tenant"


def test_what_a_persons_role_may_not_the_gateway_may_not_ask_in_their_name() -> None:
    trail = rpc.TrailQuestion("default") if hasattr(rpc, "TrailQuestion") else rpc.Nothing()
    for role, expected in (("viewer", "role"), ("auditor", "allowed"), ("root", "role")):
        reset = on_behalf_of.set(person(role=role))
        assert code(asked("api-gateway", rpc.TRAIL), trail, rpc.TRAIL) == expected
        on_behalf_of.reset(reset)


def test_without_a_proof_nobody_is_answered() -> None:
    for headers in (None, {}, {AUTHORIZATION: ""}, {AUTHORIZATION: "Bearer "}, {AUTHORIZATION: "Bearer x.y.z"}):
        assert code(headers, OURS) == "malformed"


def test_T07_a_token_for_another_service_is_refused() -> None:
    meant_for_the_hub = asked("trading-engine", rpc.SERVICES)
    assert code(meant_for_the_hub, OURS) == "wrong_audience"


def test_T08_a_token_of_another_kind_is_refused_on_the_bus() -> None:
    right = asked("trading-engine")
    assert code({AUTHORIZATION: f"Bearer {person(aud='database-service')}"}, OURS) in {"wrong_kind", "unknown_key"}
    for wrong in (person(kind="terminal+jwt"), person(aud="data-bridge"), right[AUTHORIZATION].removeprefix("Bearer ")):
        assert code(right | {ON_BEHALF_OF: wrong}, OURS) in {"wrong_kind", "wrong_audience"}


def test_T11_every_flipped_character_of_a_service_token_is_refused() -> None:
    scheme, token = asked("trading-engine")[AUTHORIZATION].split(" ")
    for at in range(len(token)):
        flipped = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert code({AUTHORIZATION: f"{scheme} {flipped}"}, OURS) != "allowed"


def test_a_service_cannot_sign_in_the_name_of_another() -> None:
    now_s = NOW_MS // 1000
    forged = tokens.mint(
        service_key("data-bridge"), "service+jwt", "database-service", "trading-engine", now_s, 300, tenant="*"
    )
    assert code({AUTHORIZATION: f"Bearer {forged}"}, OURS) == "wrong_key"
    stranger = tokens.mint(
        Ed25519PrivateKey.generate(), "service+jwt", "database-service", "trading-engine", now_s, 300, tenant="*"
    )
    assert code({AUTHORIZATION: f"Bearer {stranger}"}, OURS) == "unknown_key"


def test_T05_a_service_token_lives_five_minutes_and_is_made_anew_before() -> None:
    clock = Clocked()
    engine = guard_of("trading-engine", clock)
    judge = guard_of("database-service", clock, PEOPLE)
    first = engine.headers(rpc.ORDERS)
    clock.ms += (LIFETIME_S - RENEW_BEFORE_S) * 1000
    assert engine.headers(rpc.ORDERS) == first
    clock.ms += 1_000
    assert engine.headers(rpc.ORDERS) != first
    assert code(first, OURS, judge=judge) == "allowed"
    clock.ms = NOW_MS + LIFETIME_S * 1000
    assert code(first, OURS, judge=judge) == "expired"
    long = tokens.mint(
        service_key("trading-engine"), "service+jwt", "database-service", "trading-engine", clock.ms // 1000, 301,
        tenant="*",
    )  # fmt: skip
    assert code({AUTHORIZATION: f"Bearer {long}"}, OURS, judge=judge) == "lives_too_long"


def test_T12_a_revoked_person_is_refused_although_the_token_was_known(for_ann: None) -> None:
    judge = store()
    assert code(asked("api-gateway"), OURS, judge=judge) == "allowed"
    judge.revoked = lambda claims, _key: claims.sub == "ann"
    assert code(asked("api-gateway"), OURS, judge=judge) == "revoked"


def test_a_method_that_the_policy_does_not_list_is_denied_to_everybody() -> None:
    method = rpc.Method("database-service", "users.all", rpc.Nothing, rpc.Nothing)
    for service in SERVICES:
        assert code(asked(service, method), rpc.Nothing(), method) == "unlisted"


def test_every_denial_is_heard_with_its_word_for_the_trail(for_ann: None) -> None:
    heard: list[QuestionDenied] = []
    judge = store()
    judge.on_denied = heard.append
    code(asked("api-gateway"), rpc.OrdersQuestion("other"), judge=judge)
    code({}, OURS, judge=judge)
    code(asked("data-bridge"), OURS, judge=judge)
    assert [(h.event, h.what) for h in heard] == [
        ("malicious_direct_reference", "database-service orders.list"),
        ("authn_token_invalid", "database-service orders.list"),
        ("authz_fail", "database-service orders.list"),
    ]
    assert (heard[0].who, heard[0].tenant) == ("ann", "default")


def test_known_tokens_are_few_and_none_is_verified_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = store()
    for _ in range(3):
        assert code(asked("trading-engine"), OURS, judge=judge) == "allowed"
    assert len(judge._known) == 3  # each guard of `asked` signs anew
    headers = asked("trading-engine")
    assert code(headers, OURS, judge=judge) == code(headers, OURS, judge=judge) == "allowed"
    assert len(judge._known) == 4


def test_the_tenants_of_a_question_are_those_of_everything_it_brings() -> None:
    assert tenants_of(rpc.StoredQuestion("a", "1")) == {"a"}
    assert tenants_of(rpc.Nothing()) == frozenset()
    orders = tuple(Order(str(n), t, "1", "s", "X", "buy", 1, "FILLED", "", 1, 1) for n, t in enumerate("ab"))  # type: ignore[arg-type]
    signal = SignedSignal("c", "1", "s", 1, "k", b"", b"")
    assert tenants_of(rpc.Commit(orders, (signal,))) == {"a", "b", "c"}


async def test_services_on_a_bus_see_only_what_the_policy_lets_them(for_ann: None) -> None:
    bus, clock = FakeBus(), FakeClock(NOW_MS)
    bus.people |= PEOPLE

    async def orders(_: rpc.OrdersQuestion) -> rpc.Orders:
        return rpc.Orders(())

    await bus.join("database-service", clock.now_ms).answer(rpc.ORDERS, orders)
    gateway, bridge = bus.join("api-gateway", clock.now_ms), bus.join("data-bridge", clock.now_ms)
    assert await gateway.ask(rpc.ORDERS, OURS) == rpc.Orders(())
    for seat, question in ((gateway, rpc.OrdersQuestion("other")), (bridge, OURS)):
        with pytest.raises(AnswerFault) as fault:
            await seat.ask(rpc.ORDERS, question)
        assert fault.value.code == "forbidden"


def test_keys_are_read_from_the_files_that_the_hub_made(tmp_path: Path) -> None:
    write_service_keys(tmp_path)
    old, new = make_private_key(tmp_path / "old.key"), make_private_key(tmp_path / "new.key")
    (tmp_path / "token.pub").write_text(public_text(new))
    (tmp_path / "token-retired.pub").write_text(f"{public_text(old)} {NOW_MS - 1}\n")
    guard = open_guard("trading-engine", tmp_path, lambda: NOW_MS)
    assert guard.services == public_keys()
    assert all(guard.people.get(key_id(key)) for key in (old, new))
    assert guard.people.get("x") is None
    for name in ("service-keys/public.json", "service-keys/trading-engine.key", "token.pub"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text("nonsense")
        with pytest.raises(SettingsError, match="start the platform"):
            open_guard("trading-engine", tmp_path, lambda: NOW_MS)
        (tmp_path / name).write_text(text)
