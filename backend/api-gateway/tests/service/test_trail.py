"""A tenant reads its own audit trail over the API."""

from gateway_world import World

from contracts.audit import AuditRecord
from contracts.proof import TrailQuestion


def record(tenant: str, kind: str) -> AuditRecord:
    return AuditRecord(
        f"{tenant}-{kind}", tenant, 7, "database-service", kind, "operator:root", {"because": "ticket 4711"}
    )


async def test_A07_a_tenant_sees_who_from_outside_read_its_trail_and_why(world: World) -> None:
    world.platform.appended += [record("other", "order_sent"), record("default", "trail_read")]
    answer = await world.http.get("/api/v1/audit?after=3&limit=5", headers=world.cookie("admin"))
    assert answer.status_code == 200
    (row,) = answer.json()["records"]
    assert (row["kind"], row["subject"], row["detail"]) == ("trail_read", "operator:root", {"because": "ticket 4711"})
    assert row["hash"] == "01" * 32
    question = next(asked for asked in world.platform.asked if isinstance(asked, TrailQuestion))
    assert (question.tenant, question.after, question.limit) == ("default", 3, 5)
    assert question.actor
    assert len(question.because) >= 8


async def test_the_trail_is_not_for_traders_and_not_without_bounds(world: World) -> None:
    assert (await world.http.get("/api/v1/audit", headers=world.cookie("trader"))).status_code == 403
    assert (await world.http.get("/api/v1/audit")).status_code == 401
    for query in ("limit=0", "limit=1001", "after=-1", "limit=x"):
        assert (await world.http.get(f"/api/v1/audit?{query}", headers=world.cookie("admin"))).status_code == 422, query
