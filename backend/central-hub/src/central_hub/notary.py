"""Seal every tenant's audit trail with a key that the store does not have, and keep what was sealed outside of it."""

import asyncio
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from central_hub.adapters.witness import Witness, public_keys
from central_hub.domain.sealing import Tampered, Trail
from central_hub.ports import HubError
from contracts import rpc
from contracts.proof import ChainHead, HashesQuestion, SealedCheckpoint
from kit import log
from kit.checkpoints import seal
from kit.errors import KitError
from kit.lifespan import Service

LOOK_EVERY_S = 2.0
PAGE = 10_000

_log = log.get("notary")


@dataclass(slots=True)
class Notary:
    """Looks every two seconds and seals what is new: after a minute, or at once when there is much of it."""

    service: Service
    key: Ed25519PrivateKey
    witness: Witness
    every_ms: int
    every_records: int
    trails: dict[str, Trail] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    """ tenant -> why its trail is not sealed any more """

    async def run(self) -> None:
        """Until cancelled. A store that does not answer is asked again."""
        while True:
            try:
                await self.look()
            except KitError as error:
                _log.info("trail_not_asked", error=str(error))
            except OSError as error:
                # a checkpoint that no witness has must not be said to exist: try again
                _log.error("checkpoint_not_kept", error=str(error))
                self._count("checkpoints_not_kept")
            await asyncio.sleep(LOOK_EVERY_S)

    async def probe(self) -> str:
        """Health: the trails are what they were."""
        if self.alarms:
            raise HubError(" · ".join(self.alarms.values()))
        return f"{len(self.trails)} trails followed"

    async def look(self) -> None:
        """Compare every trail with what is known of it, and seal those that are due."""
        heads = {head.tenant: head for head in (await self.service.bus.ask(rpc.CHAIN_HEADS, rpc.Nothing())).heads}
        for tenant in sorted({*heads, *self.trails, *self.witness.tenants()} - set(self.alarms)):
            try:
                await self._follow(heads.get(tenant, ChainHead(tenant, 0, b"")))
            except (Tampered, HubError) as found:
                await self._alarm(tenant, found)

    async def _follow(self, head: ChainHead) -> None:
        trail = self.trails.get(head.tenant)
        if trail is None:
            trail = await self._recall(head)
            self.trails[head.tenant] = trail
        trail.check(head)
        now_ms = self.service.clock.now_ms()
        if not trail.due(head, now_ms, self.every_ms, self.every_records):
            return
        await self._extend(trail, head.position)
        sealed_before = (trail.sealed_size, trail.sealed_ms)
        checkpoint = trail.seal(now_ms)
        sealed = SealedCheckpoint(head.tenant, checkpoint.size, now_ms, seal(checkpoint, self.key))
        try:
            self.witness.keep(sealed)
        except OSError:
            trail.sealed_size, trail.sealed_ms = sealed_before
            raise
        self._count("checkpoints_kept")
        # the store's copy is a convenience: the witness has it already
        await self.service.bus.ask(rpc.CHECKPOINT_ADD, sealed)

    async def _recall(self, head: ChainHead) -> Trail:
        """The trail up to its last checkpoint, and proof that it still is the one that was sealed."""
        trail = Trail(head.tenant)
        checkpoints = self.witness.checkpoints(head.tenant, [self.key.public_key(), *self._old_keys()])
        if checkpoints:
            last = max(checkpoints, key=lambda checkpoint: checkpoint.size)
            await self._extend(trail, min(last.size, head.position))
            trail.must_be(last)
        return trail

    def _old_keys(self) -> list[Ed25519PublicKey]:
        return public_keys(self.service.settings.data_dir / "secrets")

    async def _extend(self, trail: Trail, upto: int) -> None:
        while trail.tree.size < upto:
            limit = min(PAGE, upto - trail.asks_after)
            question = HashesQuestion(trail.tenant, trail.asks_after, limit)
            if not trail.extend(await self.service.bus.ask(rpc.CHAIN_HASHES, question)):
                raise Tampered(
                    f"the audit trail of {trail.tenant} has a hole: record {trail.tree.size + 1} of {upto} is missing"
                )

    async def _alarm(self, tenant: str, found: Exception) -> None:
        self.alarms[tenant] = str(found)
        self._count("audit_alarms")
        _log.error("audit_trail_tampered", tenant=tenant, error=str(found))
        await self.service.report(found)

    def _count(self, name: str) -> None:
        self.service.counters[name] = self.service.counters.get(name, 0) + 1
