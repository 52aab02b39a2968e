"""The streams this service works through: decode, keep unusable messages aside, store, acknowledge."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from contracts import subjects
from contracts.accounts import AccountState
from contracts.audit import AuditRecord
from contracts.codec import decode
from contracts.commands import Command
from contracts.errors import ContractError
from contracts.executions import Execution
from contracts.rpc import Stored
from contracts.ticks import TickBatch
from database_service.domain import questions
from database_service.domain.catalog import Catalog
from database_service.metrics import Metrics
from database_service.ports import Ledger, Quarantine, StoreUnavailable, Unstorable
from database_service.tick_writer import TickWriter, Waiting, acknowledge, tell
from kit import log
from kit.bus import Bus, Delivery
from kit.seals import CommandJudge

T = TypeVar("T", bound=msgspec.Struct)
Pair = tuple[Delivery, T]

ACK_WAIT_S = 10.0
RETRY_AT_MOST_S = 2.0

_log = log.get("consumers")


def _retry_delay_s(attempt: int) -> float:
    return min(RETRY_AT_MOST_S, 0.1 * 2.0 ** min(attempt, 10))


def _wrong_subject(delivery: Delivery, expected: str) -> str | None:
    return None if delivery.subject == expected else f"it names {expected} but came on {delivery.subject}"


@dataclass(slots=True)
class Consumers:
    """Everything that arrives on the bus without being asked."""

    bus: Bus
    writer: TickWriter
    ledger: Ledger
    catalog: Catalog
    quarantine: Quarantine
    metrics: Metrics

    async def take_ticks(self, deliveries: list[Delivery]) -> None:
        """Hand each batch to the writer, which acknowledges it after its insert."""

        def fault(delivery: Delivery, batch: TickBatch) -> str | None:
            return questions.batch_fault(batch) or _wrong_subject(
                delivery, subjects.ticks(batch.tenant, batch.account, batch.symbol)
            )

        for delivery, batch in await self._usable(deliveries, TickBatch, fault):
            # a refused one stays unanswered on the bus, which brings it again after its ack wait
            self.writer.offer(Waiting(batch, len(delivery.data), delivery))

    async def take_executions(self, deliveries: list[Delivery]) -> None:
        """Store executions and tell how far each epoch is complete."""

        def fault(delivery: Delivery, execution: Execution) -> str | None:
            return questions.execution_fault(execution) or _wrong_subject(
                delivery, subjects.executions(execution.tenant, execution.account)
            )

        pairs = await self._usable(deliveries, Execution, fault)
        await self._store(pairs, self._store_executions)

    async def _store_executions(self, executions: list[Execution]) -> None:
        marks = await self.ledger.add_executions(executions)
        self.metrics.count("executions_stored", len(executions))
        for mark in marks:
            self.catalog.marked(mark.tenant, mark.account, mark.epoch, mark.contiguous)
            await tell(self.bus, Stored(mark.tenant, mark.account, (), mark.epoch, mark.contiguous))

    async def take_audit(self, deliveries: list[Delivery]) -> None:
        """Append audit records."""

        def fault(delivery: Delivery, record: AuditRecord) -> str | None:
            return questions.audit_fault(record) or _wrong_subject(delivery, subjects.audit(record.tenant))

        await self._store(await self._usable(deliveries, AuditRecord, fault), self.ledger.add_audit)

    async def take_accounts(self, deliveries: list[Delivery]) -> None:
        """Keep the newest state of each account."""

        def fault(delivery: Delivery, state: AccountState) -> str | None:
            return questions.account_state_fault(state) or _wrong_subject(
                delivery, subjects.account(state.tenant, state.account)
            )

        await self._store(await self._usable(deliveries, AccountState, fault), self.ledger.put_accounts)

    async def take_commands(self, deliveries: list[Delivery]) -> None:
        """Keep what people asked for."""
        judge = CommandJudge(self.bus.guard)

        def fault(delivery: Delivery, command: Command) -> str | None:
            return questions.command_fault(command) or judge.fault(command, delivery.subject)

        await self._store(await self._usable(deliveries, Command, fault), self.ledger.add_commands)

    async def _usable(
        self, deliveries: list[Delivery], kind: type[T], fault: Callable[[Delivery, T], str | None]
    ) -> list[Pair[T]]:
        good: list[Pair[T]] = []
        for delivery in deliveries:
            try:
                message = decode(delivery.data, kind)
            except ContractError as error:
                await self._keep_aside(delivery, str(error))
                continue
            if reason := fault(delivery, message):
                await self._keep_aside(delivery, reason)
            else:
                good.append((delivery, message))
        return good

    async def _keep_aside(self, delivery: Delivery, reason: str) -> None:
        await self.quarantine.keep(delivery.subject, delivery.data, reason)
        self.metrics.count("quarantined")
        await delivery.drop()

    async def _store(self, pairs: list[Pair[T]], write: Callable[[list[T]], Awaitable[None]]) -> None:
        if not pairs:
            return
        try:
            await write([message for _, message in pairs])
        except StoreUnavailable as error:
            _log.warning("store_unavailable", error=str(error), deliveries=len(pairs))
            for delivery, _ in pairs:
                await delivery.retry(_retry_delay_s(delivery.attempt))
            return
        except Unstorable as error:
            if len(pairs) == 1:
                await self._keep_aside(pairs[0][0], str(error))
            else:  # one of them can't be held: the others must not wait for it
                for pair in pairs:
                    await self._store([pair], write)
            return
        for delivery, _ in pairs:
            await acknowledge(delivery)


async def start(consumers: Consumers, bus: Bus, tick_deliveries: int) -> None:
    """Begin to work through every stream."""
    await bus.consume(
        "TICKS",
        "database-ticks",
        "ticks.>",
        consumers.take_ticks,
        in_flight=tick_deliveries,
        ack_wait_s=ACK_WAIT_S,
    )
    for stream, name, subject, take in (
        ("EXECUTIONS", "database-executions", "executions.>", consumers.take_executions),
        ("AUDIT", "database-audit", "audit.>", consumers.take_audit),
        ("ACCOUNTS", "database-accounts", "account.>", consumers.take_accounts),
        ("COMMANDS", "database-commands", "commands.>", consumers.take_commands),
    ):
        await bus.consume(stream, name, subject, take, ack_wait_s=ACK_WAIT_S)
