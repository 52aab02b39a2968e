"""Risk limits with four eyes, suspended tenants, plans and usage, as browsers and programs meet them."""

from typing import Any

from gateway_world import ACCOUNT, World
from httpx import Response

from contracts.codec import decode
from contracts.commands import Command, LimitsChanged
from contracts.revocations import Revocation, RevocationKind
from contracts.tenants import Measure, UsageDay
from kit.revocations import revoke
from kit.testing import eventually

DAY_MS = 86_400_000


async def propose(world: World, volume: str | None, name: str = "ann", role: str = "trader", **more: Any) -> Response:
    body = {
        "account": ACCOUNT, "max_volume": volume, "max_orders_per_minute": None, "allowed_symbols": [], "based_on": 0,
        "because": "news",
    } | more  # fmt: skip
    return await world.http.post("/api/v1/limits", json=body, headers=world.bearer(role, name=name))


async def verdict(
    world: World, word: str, identity: str, name: str, role: str = "risk_manager", **who: Any
) -> Response:
    path = f"/api/v1/limits/{identity}/{word}"
    return await world.http.post(path, headers=world.bearer(role, name=name, **who))


def told(world: World) -> list[str]:
    """Accounts whose limits the engine was told to read."""
    commands = [decode(data, Command) for data in world.bus.on("commands.>")]
    return [c.body.account for c in commands if isinstance(c.body, LimitsChanged)]


async def test_lowering_holds_at_once_and_raising_waits_for_another_person(world: World) -> None:
    assert (await propose(world, "1")).json()["state"] == "applied"
    assert told(world) == [ACCOUNT]
    raised = (await propose(world, "5")).json()
    assert (raised["state"], raised["own"]) == ("waiting", True)
    assert told(world) == [ACCOUNT]
    done = await verdict(world, "approve", raised["id"], "riva")
    assert (done.status_code, done.json()["state"], done.json()["own"]) == (200, "applied", False)
    assert told(world) == [ACCOUNT, ACCOUNT]
    seen = (await world.http.get("/api/v1/limits", headers=world.bearer("viewer"))).json()
    assert [(limit["max_volume"], limit["version"]) for limit in seen["limits"]] == [("5", 2)]


async def test_nobody_approves_what_they_proposed_in_whatever_session_or_role(world: World) -> None:
    await propose(world, "1", "riva", "risk_manager")
    identity = (await propose(world, "5", "riva", "risk_manager")).json()["id"]
    for role in ("risk_manager", "admin"):
        refused = await verdict(world, "approve", identity, "riva", role)
        assert (refused.status_code, refused.json()["code"]) == (409, "own_proposal")
    assert (await verdict(world, "approve", identity, "ann", "trader")).status_code == 403


async def test_an_approval_needs_a_fresh_proof(world: World) -> None:
    await propose(world, "1")
    identity = (await propose(world, "5")).json()["id"]
    stale = await verdict(world, "approve", identity, "riva", age_s=600)
    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_needed")
    assert (await verdict(world, "reject", identity, "riva", age_s=600)).json()["state"] == "rejected"


async def test_another_tenants_proposal_a_suspended_ones_and_none_at_all_answer_the_same(world: World) -> None:
    await propose(world, "1")
    identity = (await propose(world, "5")).json()["id"]
    answers = []
    for suspended in (False, True):
        if suspended:
            held = Revocation("default", RevocationKind.TENANT, "default", 5, "unpaid", "operator", holds=True)
            await revoke(world.bus, held)
            await eventually(lambda: world.gateway.revocations.suspended("default"))
        for asked in (identity, "nothing"):
            answer = await verdict(world, "approve", asked, "eve", tenant="other")
            answers.append((answer.status_code, answer.content))
    assert len(set(answers)) == 1
    assert answers[0][0] == 404


async def test_T12_whoever_is_of_a_suspended_tenant_is_refused_within_a_second_and_may_come_back(world: World) -> None:
    path, before = "/api/v1/limits", world.bearer("viewer")
    assert (await world.http.get(path, headers=before)).status_code == 200
    now_ms = world.clock.ms
    held = Revocation("default", RevocationKind.TENANT, "default", now_ms, "unpaid", "operator", holds=True)
    await revoke(world.bus, held)
    await eventually(lambda: world.gateway.revocations.suspended("default"))
    assert (await world.http.get(path, headers=before)).status_code == 401
    assert (await world.http.get(path, headers=world.bearer("viewer", tenant="other", name="eve"))).status_code == 200
    await revoke(
        world.bus, Revocation("default", RevocationKind.TENANT, "default", now_ms + 1, "", "operator", lifts=True)
    )
    await eventually(lambda: not world.gateway.revocations.suspended("default"))
    world.clock.advance(1_000)
    assert (await world.http.get(path, headers=before)).status_code == 401
    assert (await world.http.get(path, headers=world.bearer("viewer", name="fresh"))).status_code == 200


async def test_limits_that_can_not_be_are_refused(world: World) -> None:
    assert (await propose(world, "1", account="nobody")).status_code == 404
    assert (await propose(world, "1", allowed_symbols=["EUR USD"])).status_code == 422
    assert (await propose(world, "1", tenant="other")).status_code == 422
    assert (await propose(world, "1", role="viewer")).status_code == 403


async def test_a_plan_that_is_used_up_says_its_number_and_a_tenant_without_one_meets_none(world: World) -> None:
    world.gateway.quotas.plans["other"] = "starter"
    theirs = world.bearer("viewer", tenant="other", name="eve")
    statuses = [(await world.http.get("/api/v1/limits", headers=theirs)).status_code for _ in range(301)]
    assert statuses[:300].count(200) == 300
    refused = await world.http.get("/api/v1/limits", headers=theirs)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert "300 requests a minute" in refused.json()["reason"]
    assert int(refused.headers["retry-after"]) > 0
    assert (await world.http.get("/api/v1/limits", headers=world.bearer("viewer"))).status_code == 200


async def test_usage_is_told_to_administrators_and_auditors_of_the_tenant(world: World) -> None:
    today = world.clock.ms // DAY_MS
    world.platform.tenants.days = [UsageDay("default", today, ticks=7), UsageDay("other", today, ticks=9)]
    for role, status in (("admin", 200), ("auditor", 200), ("trader", 403)):
        answer = await world.http.get("/api/v1/usage?days=2", headers=world.bearer(role))
        assert answer.status_code == status
        if status == 200:
            assert [day["ticks"] for day in answer.json()["days"]] == [7]
            assert (answer.json()["plan"], answer.json()["quotas"]) == ("unlimited", {})


async def test_every_request_of_a_tenant_is_counted_and_those_of_strangers_are_not(world: World) -> None:
    for _ in range(3):
        await world.http.get("/api/v1/limits", headers=world.bearer("viewer"))
    await world.http.get("/api/v1/limits")
    assert {key[0]: n for key, n in world.gateway.meter.amounts.items() if key[2] is Measure.REQUESTS} == {"default": 3}
