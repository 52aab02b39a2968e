"""The questions about the audit trail: its records, its hashes, and the checkpoints that seal it."""

import hashlib
from dataclasses import dataclass

from contracts import rpc
from contracts.audit import AuditRecord
from contracts.proof import (
    ChainHeads,
    Checkpoints,
    CheckpointsQuestion,
    Hashes,
    HashesQuestion,
    SealedCheckpoint,
    Trail,
    TrailQuestion,
)
from database_service import routes
from database_service.domain import questions
from database_service.ports import Ledger
from kit.bus import Bus
from kit.clock import Clock

READING_MS = 60_000
"""Readings of one person for one reason are one record in this time, however many pages they take."""


@dataclass(slots=True)
class TrailRoutes:
    """One method per question."""

    ledger: Ledger
    clock: Clock

    async def append(self, record: AuditRecord) -> rpc.Nothing:
        """Write a record; it is durable when this is answered."""
        routes.check(questions.audit_fault(record))
        await self.ledger.add_audit([record])
        return rpc.Nothing()

    async def read(self, question: TrailQuestion) -> Trail:
        """Records, for somebody who says why; the tenant finds who and why in its own trail."""
        routes.check(questions.trail_fault(question))
        return Trail(await self.ledger.trail(question, self._reading(question)))

    def _reading(self, question: TrailQuestion) -> AuditRecord:
        now_ms = self.clock.now_ms()
        reader = hashlib.sha256(f"{question.actor}\n{question.because}".encode()).hexdigest()[:16]
        return AuditRecord(
            f"trail-read-{reader}-{now_ms // READING_MS}",
            question.tenant,
            now_ms,
            rpc.DB,
            "trail_read",
            question.actor,
            {"because": question.because},
        )

    async def heads(self, _: rpc.Nothing) -> ChainHeads:
        """How long each chain is."""
        return ChainHeads(await self.ledger.chain_heads())

    async def hashes(self, question: HashesQuestion) -> Hashes:
        """What a witness needs to extend its own tree: no content."""
        routes.check(
            questions.tenant_fault(question.tenant)
            or questions.limit_fault(question.limit)
            or questions.number_fault("after", question.after)
        )
        return await self.ledger.chain_hashes(question)

    async def add_checkpoint(self, sealed: SealedCheckpoint) -> rpc.Nothing:
        """Keep a copy of a checkpoint."""
        routes.check(questions.checkpoint_fault(sealed))
        await self.ledger.add_checkpoint(sealed)
        return rpc.Nothing()

    async def checkpoints(self, question: CheckpointsQuestion) -> Checkpoints:
        """The copies."""
        routes.check(
            questions.tenant_fault(question.tenant)
            or questions.limit_fault(question.limit)
            or questions.number_fault("after", question.after)
        )
        return Checkpoints(await self.ledger.checkpoints(question))


async def start(trail: TrailRoutes, bus: Bus) -> None:
    """Answer every question about the trail."""
    await routes.answer(bus, rpc.AUDIT_APPEND, trail.append)
    await routes.answer(bus, rpc.TRAIL, trail.read)
    await routes.answer(bus, rpc.CHAIN_HEADS, trail.heads)
    await routes.answer(bus, rpc.CHAIN_HASHES, trail.hashes)
    await routes.answer(bus, rpc.CHECKPOINT_ADD, trail.add_checkpoint)
    await routes.answer(bus, rpc.CHECKPOINTS, trail.checkpoints)
