"""`aitrading audit verify` and `audit read`: prove a tenant's audit trail, or read it with a reason the tenant sees."""

import argparse
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.witness import Witness, public_keys
from central_hub.cli.asking import actor, on_bus
from central_hub.ports import HubError
from contracts import rpc
from contracts.proof import ChainedRecord, TrailQuestion
from kit.audit_verify import Break, Verifier
from kit.bus import Bus
from kit.checkpoints import Checkpoint

PAGE = 1_000
TIMEOUT_S = 30.0
BROKEN = 1


class Verdict(msgspec.Struct, frozen=True):
    """What verifying one trail found."""

    tenant: str
    records: int
    checkpoints: int
    sealed: int
    """Records that a checkpoint vouches for."""
    broken: Break | None

    def line(self) -> str:
        """For a person."""
        if self.broken is not None:
            return f"BROKEN   {self.tenant}: {self.broken.text}"
        if not self.checkpoints:
            return (
                f"chain ok {self.tenant}: {self.records} records; NOT WITNESSED: no checkpoint was found, so a trail "
                "that was rewritten as a whole would look the same"
            )
        return (
            f"ok       {self.tenant}: {self.records} records, {self.sealed} of them sealed by "
            f"{self.checkpoints} checkpoints"
        )


def run(options: argparse.Namespace) -> int:
    """0 when all is sound, 1 when a trail is broken."""
    return verify(options) if options.audit_verb == "verify" else read(options)


async def _records(bus: Bus, tenant: str, because: str) -> AsyncIterator[ChainedRecord]:
    after = 0
    while True:
        question = TrailQuestion(tenant, after, PAGE, actor(), because)
        records = (await bus.ask(rpc.TRAIL, question, TIMEOUT_S)).records
        for chained in records:
            yield chained
        if len(records) < PAGE:
            return
        after = records[-1].position


def witness_of(data: DataDir, given: Path | None) -> Witness:
    """Where the checkpoints are: as asked, as set, or in the data directory."""
    set_to = os.environ.get("AITRADING_CENTRAL_HUB_WITNESS_DIR")
    return Witness(given or (Path(set_to) if set_to else data.root / "checkpoints"))


def verify(options: argparse.Namespace) -> int:
    """Check each record against the one before it, and each checkpoint against the records."""
    data = DataDir(options.data)
    witness = witness_of(data, options.checkpoints)
    keys = public_keys(data.secrets, options.key)

    async def work(bus: Bus) -> list[Verdict]:
        heads = {head.tenant: head.position for head in (await bus.ask(rpc.CHAIN_HEADS, rpc.Nothing())).heads}
        wanted = [options.tenant] if options.tenant else sorted({*heads, *witness.tenants()})
        return [
            await _verdict(bus, tenant, heads.get(tenant, 0), witness.checkpoints(tenant, keys), options.because)
            for tenant in wanted
        ]

    verdicts = on_bus(data, work)
    if not verdicts:
        raise HubError("There is no audit trail yet, so nothing was verified.")
    if options.json:
        print(msgspec.json.encode(verdicts).decode())
    else:
        for verdict in verdicts:
            print(verdict.line())
    return BROKEN if any(verdict.broken for verdict in verdicts) else 0


async def _verdict(bus: Bus, tenant: str, position: int, checkpoints: list[Checkpoint], because: str) -> Verdict:
    verifier = Verifier(checkpoints)
    async for chained in _records(bus, tenant, because):
        if not verifier.take(chained):
            break
    broken = verifier.finish(position)
    return Verdict(tenant, verifier.tree.size, verifier.matched, verifier.sealed, broken)


def read(options: argparse.Namespace) -> int:
    """Print a tenant's records, oldest first; the reading itself is the newest of them."""
    data = DataDir(options.data)

    async def work(bus: Bus) -> list[ChainedRecord]:
        return [chained async for chained in _records(bus, options.tenant, options.because)]

    for chained in on_bus(data, work)[-options.limit :]:
        record = chained.record
        if options.json:
            print(msgspec.json.encode(chained.record).decode())
            continue
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.at_ms / 1000))
        # as ASCII, so that line breaks, terminal codes and direction marks inside of a record do nothing here
        rest = json.dumps([record.subject, record.detail])
        print(f"{chained.position:>8} {at} {record.service:<18} {record.kind:<24} {rest}")
    return 0
