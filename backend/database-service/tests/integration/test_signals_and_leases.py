"""PostgreSQL keeps what the engine reads back, and which client an account was lent to."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from contracts.accounts import Side
from contracts.executions import Execution, ExecutionState
from contracts.orders import Order, OrderState
from contracts.rpc import Commit, ExecutionsQuestion, LeaseTaken, LeaseWish, OrdersQuestion
from contracts.signals import SignedSignal
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger

pytestmark = pytest.mark.integration
TENANT, ACCOUNT, EPOCH, LOT = "default", "1000001", 1_700_000_000_000, Decimal("0.1")


@pytest.fixture
async def ledger(database):
    postgres = await Postgres.open(database, pool_min=1, pool_max=4, timeout_s=5, wait_s=5)
    await postgres.migrate(1)
    yield PostgresLedger(postgres)
    await postgres.close()


def signal(name: str, account: str = ACCOUNT) -> SignedSignal:
    return SignedSignal(TENANT, account, name, 1_000, "k", b"payload", b"signed")


def execution(number: int, signal_id: str) -> Execution:
    return Execution(
        TENANT, ACCOUNT, EPOCH, number, signal_id, f"o{number}", ExecutionState.FILLED, "done", "", "EURUSD", Side.BUY,
        LOT, LOT, 1.1, 10009, 1, 2, 3, 10, 11, 12, 13, 14,
    )  # fmt: skip


def order(name: str, state: OrderState) -> Order:
    return Order(name, TENANT, ACCOUNT, "s", "EURUSD", Side.BUY, LOT, state, "", 1, 1)


async def test_executions_of_named_signals_are_found_over_all_tenants(ledger):
    await ledger.add_executions([execution(i, f"s{i}") for i in (1, 2, 3)])
    found = await ledger.executions(ExecutionsQuestion("*", signal_ids=("s1", "s3", "never")))
    assert {e.signal_id for e in found} == {"s1", "s3"}


async def test_the_newest_signal_of_each_account_is_told_even_when_it_was_answered(ledger):
    await ledger.commit(Commit(signals=(signal("s1"), signal("s2"))))
    await ledger.commit(Commit(signals=(signal("s3", "2"),)))
    await ledger.add_executions([execution(1, "s2")])
    assert [s.signal_id for s in await ledger.newest_signals()] == ["s2", "s3"]


async def test_a_partially_filled_order_is_not_listed_as_open(ledger):
    both = (order("a", OrderState.PARTIALLY_FILLED), order("b", OrderState.SUBMITTED))
    await ledger.commit(Commit(orders=both))
    assert [o.id for o in (await ledger.orders(OrdersQuestion("*", open_only=True))).orders] == ["b"]


async def test_an_account_is_lent_to_one_client_and_the_number_only_rises(ledger):
    first = LeaseWish(TENANT, "1000001", "here", "", "s1", "pc-1", True, 1_000)
    assert (await ledger.take_lease(first)).fence == 1_000
    again = msgspec.structs.replace(first, last_session="s1", session="s2", now_ms=2_000, claim=False)
    assert await ledger.take_lease(again) == LeaseTaken(1_000, False, "pc-1", 1_000)
    other = msgspec.structs.replace(first, journal="there", terminal="pc-2", session="s3", now_ms=3)
    assert await ledger.take_lease(other) == LeaseTaken(1_001, True, "pc-2", 3)
    late = msgspec.structs.replace(again, last_session="s2", session="s4", now_ms=9_000)
    assert await ledger.take_lease(late) == LeaseTaken(0, False, "pc-2", 3)


async def test_clients_that_ask_at_once_get_one_number_each(ledger):
    wishes = [LeaseWish(TENANT, "7", f"j{i}", "", f"s{i}", f"pc-{i}", True, 1_000) for i in range(8)]
    answers = await asyncio.gather(*(ledger.take_lease(wish) for wish in wishes))
    assert sorted(a.fence for a in answers) == list(range(1_000, 1_008))
