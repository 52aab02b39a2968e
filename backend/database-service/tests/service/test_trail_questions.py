"""Reading a tenant's audit trail: only with a reason, which the tenant finds in its own trail."""

import pytest

from contracts.audit import AuditRecord
from contracts.proof import CheckpointsQuestion, SealedCheckpoint, TrailQuestion
from contracts.rpc import AUDIT_APPEND, CHECKPOINT_ADD, CHECKPOINTS, TRAIL
from kit.errors import AnswerFault

WHY = "ticket 4711: the customer asks why order 12 was denied"


@pytest.mark.parametrize("because", ["", "       ", "because"])
async def test_A07_a_trail_is_not_read_without_a_reason(app, because):
    app.ledger.audit["a1"] = AuditRecord("a1", "acme", 1, "engine", "order_denied", "o12", {})
    with pytest.raises(AnswerFault, match="say why") as refused:
        await app.bus.ask(TRAIL, TrailQuestion("acme", actor="operator", because=because))
    assert refused.value.code == "bad_request"
    assert list(app.ledger.audit) == ["a1"]


async def test_A07_reading_a_tenants_trail_is_written_into_it_before_it_is_read(app):
    trail = await app.bus.ask(TRAIL, TrailQuestion("acme", actor="operator", because=WHY))
    (reading,) = [chained.record for chained in trail.records]
    assert (reading.tenant, reading.kind, reading.subject) == ("acme", "trail_read", "operator")
    assert reading.detail == {"because": WHY}


async def test_A07_the_pages_of_one_reading_are_one_record_and_another_reason_is_another(app):
    for _ in range(3):
        await app.bus.ask(TRAIL, TrailQuestion("acme", actor="operator", because=WHY))
    assert len(app.ledger.audit) == 1
    await app.bus.ask(TRAIL, TrailQuestion("acme", actor="operator", because=WHY + " again"))
    assert len(app.ledger.audit) == 2


async def test_a_trail_is_not_read_while_the_reading_can_not_be_written(app):
    app.ledger.down = True
    with pytest.raises(AnswerFault) as refused:
        await app.bus.ask(TRAIL, TrailQuestion("acme", actor="operator", because=WHY))
    assert refused.value.code == "unavailable"


async def test_checkpoints_come_back_as_they_were_sealed(app):
    sealed = SealedCheckpoint("acme", 5, 1, "note")
    await app.bus.ask(CHECKPOINT_ADD, sealed)
    assert (await app.bus.ask(CHECKPOINTS, CheckpointsQuestion("acme"))).checkpoints == (sealed,)
    assert (await app.bus.ask(CHECKPOINTS, CheckpointsQuestion("acme", 5))).checkpoints == ()


async def test_a_record_that_must_be_kept_is_in_the_store_when_that_is_answered(app):
    record = AuditRecord("a1", "acme", 1, "api-gateway", "command_given", "c1", {})
    await app.bus.ask(AUDIT_APPEND, record)
    assert app.ledger.audit == {"a1": record}
    app.ledger.down = True
    with pytest.raises(AnswerFault) as refused:
        await app.bus.ask(AUDIT_APPEND, record)
    assert refused.value.code == "unavailable"
