"""The ledger on PostgreSQL: what a method writes, it writes in one transaction."""

from functools import partial
from typing import Any

from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.commands import Command
from contracts.executions import Execution
from contracts.proof import (
    ChainedRecord,
    ChainHead,
    CheckpointsQuestion,
    Hashes,
    HashesQuestion,
    SealedCheckpoint,
    TrailQuestion,
)
from contracts.rpc import (
    Commit,
    ExecutionsQuestion,
    LeaseTaken,
    LeaseWish,
    Orders,
    OrdersQuestion,
    StoredQuestion,
    Summary,
    User,
)
from contracts.signals import SignedSignal
from database_service.adapters import postgres_audit, postgres_commit, postgres_leases, postgres_orders, postgres_people
from database_service.adapters.postgres import EVERY_TENANT, Postgres
from database_service.adapters.postgres_people_store import PostgresPeople
from database_service.ports import ExecutionMark, People


class PostgresLedger:
    """What `ports.Ledger` promises."""

    people: People

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.probe = postgres.probe
        self.close = postgres.close
        self.people = PostgresPeople(postgres)

    async def commit(self, commit: Commit) -> None:
        """All or nothing."""
        if postgres_commit.is_usual(commit):
            usual = partial(postgres_commit.commit_usual, wanted=commit)
            if await self._postgres.run(usual, tenants=(commit.orders[0].tenant,), one_statement=True):
                return
        tenants = [
            *(order.tenant for order in commit.orders),
            *(signal.tenant for signal in commit.signals),
            *(record.tenant for record in commit.audit),
        ]
        await self._postgres.run(partial(postgres_orders.commit, wanted=commit), tenants=tenants)

    async def outbox(self, now_ms: int) -> tuple[SignedSignal, ...]:
        """Signals to send again."""
        return await self._postgres.run(partial(postgres_orders.outbox, now_ms=now_ms), tenants=(EVERY_TENANT,))

    async def newest_signals(self) -> tuple[SignedSignal, ...]:
        """The newest of each account."""
        return await self._postgres.run(postgres_orders.newest_signals, tenants=(EVERY_TENANT,))

    async def orders(self, question: OrdersQuestion) -> Orders:
        """Newest first."""
        return await self._postgres.run(partial(postgres_orders.orders, question=question), tenants=(question.tenant,))

    async def executions(self, question: ExecutionsQuestion) -> tuple[Execution, ...]:
        """Newest first."""
        return await self._postgres.run(
            partial(postgres_orders.executions, question=question), tenants=(question.tenant,)
        )

    async def summary(self, question: StoredQuestion) -> Summary:
        """Counts."""
        return await self._postgres.run(partial(postgres_orders.summary, question=question), tenants=(question.tenant,))

    async def add_executions(self, executions: list[Execution]) -> list[ExecutionMark]:
        """Store each once."""
        return await self._postgres.run(
            partial(postgres_orders.add_executions, wanted=executions), tenants=(e.tenant for e in executions)
        )

    async def execution_mark(self, tenant: str, account: str, epoch: int) -> ExecutionMark:
        """How far an epoch is complete."""

        async def ask(connection: Any) -> ExecutionMark:
            return await postgres_orders.execution_mark(connection, tenant, account, epoch)

        return await self._postgres.run(ask, tenants=(tenant,))

    async def take_lease(self, wish: LeaseWish) -> LeaseTaken:
        """Lend an account to one client."""
        return await self._postgres.run(partial(postgres_leases.take, wish=wish), tenants=(wish.tenant,))

    async def add_audit(self, records: list[AuditRecord]) -> None:
        """Append each once."""
        await self._postgres.run(partial(postgres_audit.append, records=records), tenants=(r.tenant for r in records))

    async def trail(self, question: TrailQuestion, reading: AuditRecord | None) -> tuple[ChainedRecord, ...]:
        """Records, and in the same transaction the record that they were read."""

        async def work(connection: Any) -> tuple[ChainedRecord, ...]:
            if reading is not None:
                await postgres_audit.append(connection, [reading])
            return await postgres_audit.trail(connection, question)

        return await self._postgres.run(work, tenants=(question.tenant,))

    async def chain_heads(self) -> tuple[ChainHead, ...]:
        """How long each chain is."""
        return await self._postgres.run(postgres_audit.heads, tenants=(EVERY_TENANT,))

    async def chain_hashes(self, question: HashesQuestion) -> Hashes:
        """Hashes without content."""
        return await self._postgres.run(partial(postgres_audit.hashes, question=question), tenants=(question.tenant,))

    async def add_checkpoint(self, sealed: SealedCheckpoint) -> None:
        """Keep a copy."""
        await self._postgres.run(partial(postgres_audit.add_checkpoint, sealed=sealed), tenants=(sealed.tenant,))

    async def checkpoints(self, question: CheckpointsQuestion) -> tuple[SealedCheckpoint, ...]:
        """The copies."""
        return await self._postgres.run(
            partial(postgres_audit.checkpoints, question=question), tenants=(question.tenant,)
        )

    async def add_commands(self, commands: list[Command]) -> None:
        """Store each once."""
        await self._postgres.run(
            partial(postgres_people.add_commands, commands=commands), tenants=(c.tenant for c in commands)
        )

    async def put_accounts(self, states: list[AccountState]) -> None:
        """Keep the newest of each account."""
        await self._postgres.run(
            partial(postgres_people.put_accounts, states=states), tenants=(s.tenant for s in states)
        )

    async def accounts(self, tenant: str) -> tuple[AccountState, ...]:
        """The newest of each account."""
        return await self._postgres.run(partial(postgres_people.accounts, tenant=tenant), tenants=(tenant,))

    async def digits(self, tenant: str) -> dict[tuple[str, str], int]:
        """(account, symbol) -> digits."""
        return await self._postgres.run(partial(postgres_people.digits, tenant=tenant), tenants=(tenant,))

    async def user(self, name: str) -> User | None:
        """By name."""
        return await self._postgres.run(partial(postgres_people.user, name=name), tenants=(EVERY_TENANT,))

    async def add_user(self, user: User) -> None:
        """AlreadyTaken when another person has the name."""
        await self._postgres.run(partial(postgres_people.add_user, wanted=user), tenants=(user.tenant,))

    async def user_count(self) -> int:
        """How many."""
        return await self._postgres.run(postgres_people.user_count, tenants=(EVERY_TENANT,))
