"""The ledger on a real PostgreSQL: transactions, idempotence, exact decimals, an audit chain nobody can edit."""

import asyncio
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from contracts.accounts import AccountState, Instrument, MarginMode, Position, PriceSource, Side
from contracts.audit import AuditRecord
from contracts.commands import Command, PauseTrading
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.proof import ChainedRecord, TrailQuestion
from contracts.rpc import Commit, ExecutionsQuestion, OrdersQuestion, StoredQuestion, User
from contracts.signals import SignedSignal
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from database_service.adapters.rows import columns_of
from database_service.ports import AlreadyTaken, MigrationRefused, StoreUnavailable, Unstorable
from kit.audit_chain import first_break

pytestmark = pytest.mark.integration
TENANT, ACCOUNT, EPOCH = "default", "1000001", 1_700_000_000_000


async def opened(dsn: str, wait_s: float = 5) -> Postgres:
    return await Postgres.open(dsn, pool_min=1, pool_max=4, timeout_s=5, wait_s=wait_s)


@pytest.fixture
async def ledger(database):
    postgres = await opened(database)
    await postgres.migrate(1)
    yield PostgresLedger(postgres)
    await postgres.close()


async def chain_of(ledger: PostgresLedger) -> list[ChainedRecord]:
    return list(await ledger.trail(TrailQuestion(TENANT), None))


def order(name: str, **changes) -> Order:
    made = Order(
        name, TENANT, ACCOUNT, "manual", "XAUUSD", Side.BUY, Decimal("0.10"), OrderState.SUBMITTED, "", 100, 100
    )
    return msgspec.structs.replace(made, **changes)


def signal(name: str, expires_ms: int = 1_000) -> SignedSignal:
    return SignedSignal(TENANT, ACCOUNT, name, expires_ms, "k", b"\x00payload", b"\xffsigned")


def audit(name: str, tenant: str = TENANT) -> AuditRecord:
    return AuditRecord(name, tenant, 5, "engine", "order_sent", "o1", {"why": "é\"'", "b": "2"})


def execution(which: int, **changes) -> Execution:
    made = Execution(
        TENANT, ACCOUNT, EPOCH, which, f"s{which}", f"o{which}", ExecutionState.FILLED, "done", "", "XAUUSD",
        Side.SELL, Decimal("0.10"), Decimal("0.07"), 2000.5, 10009, 2**62, 2, 3, 10 + which, 11, 12, 13,
        14, 15, 16, "c",
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("table", "kind"), [("orders", Order), ("executions", Execution), ("users", User), ("audit", AuditRecord)]
)
async def test_every_field_of_the_contract_has_a_column(ledger, database, table, kind):
    connection = await asyncpg.connect(database)
    found = await connection.fetch("select column_name from information_schema.columns where table_name = $1", table)
    await connection.close()
    assert set(columns_of(kind)) <= {row["column_name"] for row in found}


async def test_orders_come_back_as_they_were(ledger):
    made = order("o1", volume=Decimal("0.123456789012345678901234567890"), filled_volume=Decimal("0.1"), price=1.1)
    await ledger.commit(Commit(orders=(made,)))
    assert (await ledger.orders(OrdersQuestion(TENANT))).orders == (made,)


async def test_an_order_is_replaced_unless_the_stored_one_was_updated_later(ledger):
    await ledger.commit(Commit(orders=(order("o1", updated_ms=200, state=OrderState.FILLED),)))
    await ledger.commit(Commit(orders=(order("o1", updated_ms=150, state=OrderState.ACCEPTED),)))
    assert (await ledger.orders(OrdersQuestion(TENANT))).orders[0].state == OrderState.FILLED
    await ledger.commit(Commit(orders=(order("o1", updated_ms=200, state=OrderState.CANCELED),)))
    assert (await ledger.orders(OrdersQuestion(TENANT))).orders[0].state == OrderState.CANCELED


async def test_an_order_of_another_tenant_is_not_touched(ledger):
    await ledger.commit(Commit(orders=(order("o1"),)))
    await ledger.commit(Commit(orders=(order("o1", tenant="other", updated_ms=900, state=OrderState.FILLED),)))
    assert (await ledger.orders(OrdersQuestion("*"))).orders == (order("o1"),)


async def test_orders_are_listed_newest_first_and_by_what_is_asked(ledger):
    many = (
        order("a", created_ms=1),
        order("b", created_ms=2, account="2"),
        order("c", created_ms=3, tenant="other"),
        order("d", created_ms=4, state=OrderState.DENIED),
    )
    await ledger.commit(Commit(orders=many))

    async def names(*question, **more):
        return [o.id for o in (await ledger.orders(OrdersQuestion(*question, **more))).orders]

    assert await names("*") == ["d", "c", "b", "a"]
    assert await names(TENANT) == ["d", "b", "a"]
    assert await names(TENANT, "2") == ["b"]
    assert await names("*", open_only=True) == ["c", "b", "a"]
    assert await names("*", limit=1) == ["d"]


async def test_a_commit_is_all_or_nothing(ledger):
    with pytest.raises(Unstorable):
        await ledger.commit(Commit(orders=(order("o1", ticket=2**70),), signals=(signal("s1"),), audit=(audit("a1"),)))
    assert (await ledger.orders(OrdersQuestion(TENANT))).orders == ()
    assert await ledger.outbox(0) == ()
    assert await chain_of(ledger) == []


async def test_a_commit_sent_twice_is_one(ledger):
    commit = Commit(orders=(order("o1"),), signals=(signal("s1"), signal("s2")), audit=(audit("a1"), audit("a1")))
    await ledger.commit(commit)
    await ledger.commit(commit)
    assert await ledger.outbox(0) == (signal("s1"), signal("s2"))
    assert len(await chain_of(ledger)) == 1


async def test_the_outbox_holds_what_is_neither_answered_nor_expired(ledger):
    await ledger.commit(Commit(signals=(signal("s1", 500), signal("s2"), signal("s3"), signal("s4"))))
    await ledger.add_executions([execution(2), execution(3, state=ExecutionState.UNKNOWN)])
    assert [s.signal_id for s in await ledger.outbox(500)] == ["s3", "s4"]
    summary = await ledger.summary(StoredQuestion(TENANT, ""))
    assert (summary.signals, summary.executions, summary.signals_unanswered) == (4, 2, 3)


async def test_a_signal_restored_after_its_execution_is_answered(ledger):
    await ledger.add_executions([execution(1)])
    await ledger.commit(Commit(signals=(signal("s1"),)))
    assert await ledger.outbox(0) == ()


async def test_executions_count_up_to_the_first_gap_in_any_order(ledger):
    async def add(*numbers):
        (mark,) = await ledger.add_executions([execution(n) for n in numbers])
        return mark.contiguous

    assert await add(3) == 0
    assert await add(1) == 1
    assert await add(5, 2) == 3
    assert await add(2, 3) == 3
    assert await add(4) == 5
    mark = await ledger.execution_mark(TENANT, ACCOUNT, 0)
    assert (mark.epoch, mark.contiguous) == (EPOCH, 5)
    assert (await ledger.execution_mark(TENANT, "nobody", 7)).contiguous == 0
    found = await ledger.executions(ExecutionsQuestion(TENANT, ACCOUNT, limit=2))
    assert found == (execution(5), execution(4))


async def test_executions_sent_by_two_at_once_are_stored_once(ledger):
    batches = [[execution(n) for n in range(first, first + 20)] for first in (1, 11, 1, 5, 21)]
    await asyncio.gather(*(ledger.add_executions(batch) for batch in batches))
    assert (await ledger.execution_mark(TENANT, ACCOUNT, EPOCH)).contiguous == 40
    assert len(await ledger.executions(ExecutionsQuestion(TENANT))) == 40


def usual(name: str, tenant: str = TENANT) -> Commit:
    """What the engine commits for an order it sends."""
    return Commit((order(name),), (signal(name),), (audit(f"a-{name}", tenant),))


async def test_usual_commits_and_others_at_the_same_time_make_one_chain(ledger):
    commits = [ledger.commit(usual(f"o{i}")) for i in range(20)]
    others = [ledger.add_audit([audit(f"x{i}"), audit(f"y{i}")]) for i in range(20)]
    await asyncio.gather(*(work for pair in zip(commits, others, strict=True) for work in pair))
    chain = await chain_of(ledger)
    assert len(chain) == 60
    assert first_break(chain) is None
    assert len((await ledger.orders(OrdersQuestion(TENANT))).orders) == 20
    assert len(await ledger.outbox(0)) == 20


async def test_a_usual_commit_sent_again_later_changes_nothing_but_the_order_that_is_newer(ledger):
    await ledger.add_audit([audit("first")])
    await ledger.commit(usual("o1"))
    again = msgspec.structs.replace(usual("o1"), orders=(order("o1", updated_ms=200, state=OrderState.FILLED),))
    await ledger.commit(again)
    assert [chained.record.id for chained in await chain_of(ledger)] == ["first", "a-o1"]
    assert len(await ledger.outbox(0)) == 1
    assert (await ledger.orders(OrdersQuestion(TENANT))).orders[0].state is OrderState.FILLED


async def test_a_usual_commit_of_a_signal_that_was_answered_before_is_not_sent_again(ledger):
    await ledger.add_audit([audit("first")])
    await ledger.add_executions([execution(1, signal_id="o1")])
    await ledger.commit(usual("o1"))
    assert await ledger.outbox(0) == ()


async def test_a_usual_commit_that_can_not_be_stored_leaves_nothing(ledger):
    await ledger.add_audit([audit("first")])
    with pytest.raises(Unstorable):
        await ledger.commit(msgspec.structs.replace(usual("o1"), orders=(order("o1", strategy="\0"),)))
    assert await ledger.outbox(0) == ()
    assert len(await chain_of(ledger)) == 1


async def test_audit_records_are_chained_and_nobody_edits_them(ledger, database):
    await asyncio.gather(*(ledger.add_audit([audit(f"a{i}"), audit(f"b{i}", "other")]) for i in range(12)))
    chain = await chain_of(ledger)
    assert len(chain) == 12
    assert first_break(chain) is None
    connection = await asyncpg.connect(database)
    for statement in ("update audit set kind = 'x'", "delete from audit", "truncate audit"):
        with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
            await connection.execute(statement)
    await connection.execute("alter table audit disable trigger audit_append_only")
    await connection.execute("update audit set kind = 'x' where position = 5 and tenant = 'default'")
    assert first_break(await chain_of(ledger)) == 5
    await connection.close()


async def test_the_newest_state_of_an_account_is_kept_with_its_instruments(ledger):
    gold = Instrument(
        "XAUUSD", "Gold", 2, 0.01, Decimal(100), Decimal("0.01"), Decimal(50), Decimal("0.01"), "XAU", "USD"
    )
    position = Position(7, "XAUUSD", Side.BUY, Decimal("0.10"), 2000.0, 2001.0, Decimal("10.5"), Decimal("-0.1"), 5)
    state = AccountState(
        TENANT, ACCOUNT, 50, "Demo", "Broker", "USD", MarginMode.HEDGING, 100, Decimal("10000.01"), Decimal("10010.51"),
        Decimal(200), Decimal("9810.51"), Decimal("10.50"), PriceSource.SIMULATED, True, True, "", (position,), (gold,),
        {"nan": 3},
    )  # fmt: skip
    older = msgspec.structs.replace(state, taken_ms=49, balance=Decimal(1), instruments=())
    await ledger.put_accounts([state, older])
    await ledger.put_accounts([older])
    assert await ledger.accounts(TENANT) == (state,)
    assert await ledger.accounts("*") == (state,)
    assert await ledger.accounts("other") == ()
    assert await ledger.digits(TENANT) == {(ACCOUNT, "XAUUSD"): 2}


async def test_a_person_is_added_once_and_a_name_is_taken_once(ledger):
    ann = User("u1", TENANT, "ann", "owner", "$argon2id$", False, 1)
    await ledger.add_user(ann)
    await ledger.add_user(ann)
    for thief in (msgspec.structs.replace(ann, id="u2"), msgspec.structs.replace(ann, name="bob")):
        with pytest.raises(AlreadyTaken):
            await ledger.add_user(thief)
    assert await ledger.user("ann") == ann
    assert await ledger.user("bob") is None
    assert await ledger.user_count() == 1


async def test_commands_are_kept_once(ledger, database):
    command = Command("c1", TENANT, "ann", 1, PauseTrading("lunch"))
    await ledger.add_commands([command, command])
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("select count(*) from commands") == 1
    await connection.close()


async def test_two_that_start_at_once_migrate_once(database):
    first, second = await opened(database), await opened(database)
    await asyncio.gather(first.migrate(1), second.migrate(1))
    assert (await first.probe()).startswith("PostgreSQL 18")
    await first.close()
    await second.close()


async def test_a_changed_schema_file_is_refused(database):
    postgres = await opened(database)
    await postgres.migrate(1)
    connection = await asyncpg.connect(database)
    await connection.execute("update migrations set checksum = 'other'")
    with pytest.raises(MigrationRefused, match="was changed after it had been applied"):
        await postgres.migrate(1)
    await connection.close()
    await postgres.close()


async def test_a_connection_that_died_is_replaced_without_a_word(ledger, database):
    await ledger.user_count()
    connection = await asyncpg.connect(database)
    await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
    assert await ledger.user_count() == 0
    await connection.close()


async def test_a_server_that_is_not_there_is_said_in_words(database):
    with pytest.raises(StoreUnavailable, match="Check that it runs"):
        await opened("postgresql://nobody@127.0.0.1:1/x", wait_s=0.2)
