"""Kill it, stop its stores, restart its bus: nothing is lost, nothing is doubled."""

import asyncio
import signal
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from contracts import subjects
from contracts.accounts import Side
from contracts.audit import AuditRecord
from contracts.codec import encode
from contracts.executions import Execution, ExecutionState
from contracts.rpc import (
    COMMIT,
    EXECUTIONS,
    STORED,
    TICKS_STATS,
    USER_COUNT,
    Commit,
    ExecutionsQuestion,
    Nothing,
    StatsQuestion,
    StoredQuestion,
)
from kit.errors import AnswerFault, BusUnavailable
from kit.testing import eventually

pytestmark = pytest.mark.integration
TENANT, ACCOUNT, EPOCH = "default", "1000001", 1_700_000_000_000
HERE = Path(__file__).parent


def execution(which: int) -> Execution:
    return Execution(
        TENANT, ACCOUNT, EPOCH, which, f"s{which}", f"o{which}", ExecutionState.FILLED, "done", "", "XAUUSD",
        Side.BUY, Decimal("0.10"), Decimal("0.10"), 2000.5, 10009, 1, 2, 3, 10, 11, 12, 13, 14,
    )  # fmt: skip


async def stats(bus):
    return (await bus.ask(TICKS_STATS, StatsQuestion(TENANT), timeout_s=10)).streams


async def send(bus, batch, generation=0):
    name = f"{TENANT}.{ACCOUNT}.{batch.symbol}.{batch.epoch}.{batch.first_seq}.{batch.count}.{generation}"
    await bus.store(subjects.ticks(TENANT, ACCOUNT, batch.symbol), encode(batch), message_id=name)


async def send_until_stored(bus, ticks_of, upto, size=500):
    """What the bridge does: send what follows the store's watermark, again and again, until all of it is stored."""
    generation = 0
    while True:
        try:
            at = {p.symbol: p.seq for p in (await bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT))).streams}
        except (BusUnavailable, AnswerFault):
            continue
        known = at.get("XAUUSD", 0)
        if known >= upto:
            return
        generation += 1
        for first in range(known + 1, upto + 1, size):
            await send(bus, ticks_of(first, min(size, upto + 1 - first)), generation)
        try:
            await eventually(lambda: _reached(bus, upto), within_s=3, every_s=0.1)
        except AssertionError:
            continue


async def _reached(bus, upto):
    try:
        found = (await bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT), timeout_s=1)).streams
    except (BusUnavailable, AnswerFault):
        return False
    return bool(found) and found[0].seq >= upto


def assert_whole(found, upto):
    (one,) = found
    assert (one.rows, one.last_seq, one.lost, one.duplicated) == (upto, upto, 0, 0)


@pytest.mark.parametrize("when", ["before insert", "during insert", "after insert"])
async def test_killed_around_an_insert_nothing_is_lost_or_doubled(when, bus, database, tmp_path, service_on, ticks_of):
    died = tmp_path / "died"
    service = service_on(database, DIE=when, DIED=str(died), AITRADING_GROUP_TICKS="2000")
    service.program = (str(HERE / "dying_service.py"),)
    service.start()
    await service.become_ready()
    sending = asyncio.create_task(send_until_stored(bus, ticks_of, 20_000))
    await eventually(lambda: service.process.poll() is not None, within_s=20)
    assert died.exists()
    assert service.stop() == -signal.SIGKILL
    service.start()
    await service.become_ready()
    await asyncio.wait_for(sending, 40)
    assert_whole(await stats(bus), 20_000)


async def test_killed_at_random_moments_nothing_is_lost_or_doubled(service, bus, ticks_of):
    sending = asyncio.create_task(send_until_stored(bus, ticks_of, 60_000, size=100))
    for pause in (0.05, 0.3, 0.15):
        await asyncio.sleep(pause)
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL
        service.start()
        await service.become_ready()
    await asyncio.wait_for(sending, 60)
    assert_whole(await stats(bus), 60_000)


async def test_a_restarted_bus_loses_and_doubles_nothing(service, nats, bus, ticks_of):
    await send_until_stored(bus, ticks_of, 5_000)
    await asyncio.to_thread(nats.stop)
    await asyncio.to_thread(nats.start)
    await asyncio.wait_for(send_until_stored(bus, ticks_of, 10_000), 30)
    assert_whole(await stats(bus), 10_000)


async def test_postgres_away_for_a_while_loses_and_doubles_nothing(own_postgres, nats, bus, tmp_path, service_on):
    service = service_on(own_postgres.dsn)
    service.start()
    await service.become_ready()
    await bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(1)))
    await asyncio.to_thread(own_postgres.stop)
    for which in (2, 3):
        await bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(which)))
    await bus.store(subjects.audit(TENANT), encode(AuditRecord("a1", TENANT, 1, "test", "happened", "x", {})))
    with pytest.raises(AnswerFault) as fault:
        await bus.ask(USER_COUNT, Nothing())
    assert fault.value.code == "unavailable"
    with pytest.raises(AnswerFault):
        await bus.ask(COMMIT, Commit(audit=(AuditRecord("a2", TENANT, 1, "test", "happened", "x", {}),)))
    await eventually(lambda: not service.ready(), within_s=5)
    await asyncio.sleep(1)
    await asyncio.to_thread(own_postgres.start)

    async def all_stored():
        try:
            return (await bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT))).execution_stored == 3
        except AnswerFault:
            return False

    await eventually(all_stored, within_s=15, every_s=0.1)
    found = (await bus.ask(EXECUTIONS, ExecutionsQuestion(TENANT))).executions
    assert sorted(e.number for e in found) == [1, 2, 3]
    await service.become_ready()
    assert await asyncio.to_thread(service.stop) == 0


async def test_it_waits_at_the_start_for_a_postgres_that_comes_later(own_postgres, service_on):
    await asyncio.to_thread(own_postgres.stop)
    service = service_on(own_postgres.dsn)
    service.start()
    await asyncio.sleep(1.5)
    assert not service.ready()
    await asyncio.to_thread(own_postgres.start)
    await service.become_ready()


async def test_it_says_in_words_that_postgres_never_came(own_postgres, service_on):
    await asyncio.to_thread(own_postgres.stop)
    service = service_on(own_postgres.dsn, AITRADING_BOOT_WAIT_S="0.5")
    process = service.start()
    assert await asyncio.to_thread(process.wait, 20) == 1
    said = (service.folder / "service.log").read_text()
    assert "PostgreSQL did not answer within 0 s" in said or "PostgreSQL did not answer within 1 s" in said


async def test_a_message_that_can_not_be_used_is_kept_in_a_file(service, bus, ticks_of):
    batch = ticks_of(1, 5)
    await bus.store(subjects.ticks(TENANT, ACCOUNT, "XAUUSD"), encode(msgspec.structs.replace(batch, bid=b"")))
    folder = service.folder / "quarantine" / "database-service"
    await eventually(lambda: list(folder.glob("*.msg")))
    (label,) = folder.glob("*.json")
    assert "column bid has 0 bytes" in label.read_text()
    await send(bus, batch)
    await eventually(lambda: _reached(bus, 5))


async def test_an_execution_sent_twice_is_one(service, bus):
    for which in (1, 1, 2, 2):
        await bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(which)))

    async def two():
        return (await bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT))).execution_stored == 2

    await eventually(two)
    assert len((await bus.ask(EXECUTIONS, ExecutionsQuestion(TENANT))).executions) == 2
