"""Four eyes on a real PostgreSQL: what was decided is what holds, and it is written down with its numbers."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from contracts.limits import (
    LIMIT_APPROVE,
    LIMIT_PROPOSE,
    LIMIT_REJECT,
    LIMITS,
    PROPOSAL_LIFE_MS,
    PROPOSALS,
    LimitOutcome,
    ProposalState,
)
from contracts.proof import TrailQuestion
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from database_service.ports import Unstorable

pytestmark = pytest.mark.integration
T = "default"


@pytest.fixture
async def postgres(database):
    made = await Postgres.open(database, pool_min=1, pool_max=6, timeout_s=5, wait_s=5)
    await made.migrate(1)
    yield made
    await made.close()


@pytest.fixture
def ledger(postgres):
    return PostgresLedger(postgres)


async def ask(ledger: PostgresLedger, method: Any, *fields: Any) -> Any:
    return await ledger.people.answer(method, method.question(*fields))


async def propose(
    ledger: PostgresLedger, volume: str | None, based_on: int = 0, who: str = "ann", now_ms: int = 1_000
) -> LimitOutcome:
    lots = None if volume is None else Decimal(volume)
    return await ask(ledger, LIMIT_PROPOSE, f"p{now_ms}", T, "1", lots, None, (), based_on, "why", who, who, now_ms)


async def held(ledger: PostgresLedger) -> Decimal | None:
    found = (await ask(ledger, LIMITS, "*")).limits
    return found[0].max_volume if found else None


async def test_lowering_holds_at_once_and_raising_only_when_another_person_approves(ledger):
    assert (await propose(ledger, "1")).limits.max_volume == 1
    raised = await propose(ledger, "5", 1, now_ms=2_000)
    assert raised.limits is None
    assert await held(ledger) == 1
    own = await ask(ledger, LIMIT_APPROVE, "p2000", T, "ann", "ann", 3_000)
    assert own.refused == "own_proposal"
    assert await held(ledger) == 1
    done = await ask(ledger, LIMIT_APPROVE, "p2000", T, "bob", "bob", 4_000)
    assert (done.limits.max_volume, done.limits.version, done.limits.changed_by) == (5, 2, "ann and bob")
    assert await held(ledger) == 5
    trail = [chained.record for chained in await ledger.trail(TrailQuestion(T), None)]
    assert [r.kind for r in trail] == ["limits_lowered", "limits_proposed", "limits_raised"]
    assert (trail[2].detail["max_volume"], trail[2].detail["decided_by"]) == ("1 to 5", "bob")


async def test_two_approvals_at_the_same_moment_are_one(ledger):
    await propose(ledger, "1")
    await propose(ledger, "5", 1, now_ms=2_000)
    answers = await asyncio.gather(
        *(ask(ledger, LIMIT_APPROVE, "p2000", T, who, who, 3_000) for who in ("bob", "eve", "zoe"))
    )
    assert sorted(answer.refused for answer in answers) == ["", "already_decided", "already_decided"]


async def test_a_proposal_that_nobody_approved_for_a_day_is_over_and_that_is_written_down(ledger):
    await propose(ledger, "1")
    await propose(ledger, None, 1, now_ms=2_000)
    late = await ask(ledger, LIMIT_APPROVE, "p2000", T, "bob", "bob", 2_000 + PROPOSAL_LIFE_MS)
    assert late.refused == "already_decided"
    states = [p.state for p in (await ask(ledger, PROPOSALS, T, 3_000, 10)).proposals]
    assert states == [ProposalState.EXPIRED, ProposalState.APPLIED]
    assert await held(ledger) == 1
    assert (await ledger.trail(TrailQuestion(T), None))[-1].record.kind == "limits_proposal_expired"


async def test_a_rejected_proposal_changes_nothing_and_can_not_be_approved(ledger):
    await propose(ledger, "1")
    await propose(ledger, "5", 1, now_ms=2_000)
    assert (await ask(ledger, LIMIT_REJECT, "p2000", T, "ann", "ann", 3_000)).refused == ""
    assert (await ask(ledger, LIMIT_APPROVE, "p2000", T, "bob", "bob", 4_000)).refused == "already_decided"
    assert await held(ledger) == 1


async def test_another_tenants_proposal_is_one_that_does_not_exist(ledger):
    await propose(ledger, "1")
    await propose(ledger, "5", 1, now_ms=2_000)
    for method in (LIMIT_APPROVE, LIMIT_REJECT):
        other = await ask(ledger, method, "p2000", "other", "bob", "bob", 3_000)
        assert other == await ask(ledger, method, "nothing", "other", "bob", "bob", 3_000)
    assert (await ask(ledger, LIMITS, "other")).limits == ()


async def test_the_database_itself_refuses_a_raise_that_its_proposer_approved(ledger, postgres):
    await propose(ledger, "1")
    await propose(ledger, "5", 1, now_ms=2_000)
    for decided_by in ("ann", ""):
        change = f"update limit_proposals set state = 'applied', decided_by = '{decided_by}' where id = 'p2000'"
        with pytest.raises((Unstorable, asyncpg.CheckViolationError)):
            await postgres.run(lambda c, s=change: c.execute(s), tenants=(T,))
