"""Tampering with the audit trail on a real PostgreSQL, by somebody who may do everything there."""

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.audit import AuditRecord
from contracts.proof import CheckpointsQuestion, HashesQuestion, SealedCheckpoint, TrailQuestion
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from kit.audit_chain import GENESIS, link
from kit.audit_verify import Break, Verifier
from kit.checkpoints import Checkpoint, open_note, seal
from kit.merkle import Tree

pytestmark = pytest.mark.integration
TENANT = "default"
KEY = Ed25519PrivateKey.generate()


def record(number: int, tenant: str = TENANT) -> AuditRecord:
    return AuditRecord(f"a{number}", tenant, number, "engine", "order_sent", f"o{number}", {"why": "é\"'"})


@pytest.fixture
async def ledger(database):
    postgres = await Postgres.open(database, pool_min=1, pool_max=4, timeout_s=5, wait_s=5)
    await postgres.migrate(1)
    yield PostgresLedger(postgres)
    await postgres.close()


@pytest.fixture
async def tamper(database):
    """Statements of somebody who owns the database: its own guards are switched off first."""

    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("alter table audit disable trigger audit_append_only")
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    return run


async def witnessed(ledger: PostgresLedger, upto: int) -> list[str]:
    """Append records up to number `upto`, and seal every fifth; what a witness outside keeps."""
    notes, tree = [], Tree()
    for number in range(1, upto + 1):
        await ledger.add_audit([record(number)])
    hashes = (await ledger.chain_hashes(HashesQuestion(TENANT, 0))).hashes
    for number in range(1, upto + 1):
        tree.append(hashes[(number - 1) * 32 : number * 32])
        if number % 5 == 0:
            notes.append(seal(Checkpoint(TENANT, number, tree.root(), number), KEY))
    return notes


async def verdict(ledger: PostgresLedger, notes: list[str]) -> Break | None:
    verifier = Verifier([open_note(note, [KEY.public_key()]) for note in notes])
    after = 0
    while records := await ledger.trail(TrailQuestion(TENANT, after, 7), None):
        if not all(verifier.take(chained) for chained in records):
            break
        after = records[-1].position
    heads = {head.tenant: head for head in await ledger.chain_heads()}
    return verifier.finish(heads[TENANT].position)


async def test_a_sound_trail_verifies_with_all_its_checkpoints(ledger):
    notes = await witnessed(ledger, 12)
    assert await verdict(ledger, notes) is None
    assert len(notes) == 2


async def test_A01_a_changed_byte_is_found_at_its_record(ledger, tamper):
    notes = await witnessed(ledger, 12)
    await tamper("update audit set subject = 'o4 ' where position = 4")
    found = await verdict(ledger, [])
    assert found is not None
    assert (found.code, found.position) == ("chain", 4)
    assert await verdict(ledger, notes) == found


@pytest.mark.parametrize(
    "change",
    ["id = 'x'", "at_ms = 9", "service = 'x'", "kind = 'x'", "detail = '{}'", "correlation_id = 'x'",
     "hash = sha256('x')", "previous = sha256('x')"],
)  # fmt: skip
async def test_A01_a_change_in_any_column_is_found_at_its_record(ledger, tamper, change):
    await witnessed(ledger, 6)
    await tamper(f"update audit set {change} where position = 3")
    found = await verdict(ledger, [])
    assert found is not None
    assert found.position == 3


async def test_A02_a_removed_record_is_found_at_its_place(ledger, tamper):
    await witnessed(ledger, 12)
    await tamper("delete from audit where position = 7")
    found = await verdict(ledger, [])
    assert found is not None
    assert (found.code, found.position) == ("chain", 7)


async def test_A02_a_removed_record_whose_hole_was_closed_is_found_at_its_place(ledger, tamper):
    await witnessed(ledger, 9)
    await tamper(
        "delete from audit where position = 7",
        "update audit set position = position + 100 where position > 7",
        "update audit set position = position - 101 where position > 100",
        "update audit_heads set position = 8",
    )
    found = await verdict(ledger, [])
    assert found is not None
    assert (found.code, found.position) == ("chain", 7)


async def test_A03_records_that_changed_places_are_found_at_the_first(ledger, tamper):
    await witnessed(ledger, 12)
    await tamper(
        "update audit set position = 99 where position = 5",
        "update audit set position = 5 where position = 6",
        "update audit set position = 6 where position = 99",
    )
    found = await verdict(ledger, [])
    assert found is not None
    assert (found.code, found.position) == ("chain", 5)


CUT = (
    "delete from audit where position > 8",
    "update audit_heads set position = 8, hash = (select hash from audit where position = 8)",
)


async def test_A04_a_tail_cut_off_is_seen_by_the_stores_own_mark_when_that_was_forgotten(ledger, tamper):
    await witnessed(ledger, 12)
    await tamper(CUT[0])
    found = await verdict(ledger, [])
    assert found is not None
    assert (found.code, found.position) == ("cut_off", 9)


async def test_A04_a_tail_cut_off_with_care_is_seen_only_by_a_checkpoint_outside(ledger, tamper):
    notes = await witnessed(ledger, 12)
    await tamper(*CUT)
    assert await verdict(ledger, []) is None  # inside of the database nothing is wrong any more
    found = await verdict(ledger, notes)
    assert found is not None
    assert (found.code, found.position) == ("cut_off", 9)
    assert "9 to 10" in found.text


async def rewritten(database: str, of: int, ledger: PostgresLedger) -> None:
    """Change one record and give it and all after it right hashes, as one who knows the scheme would."""
    chain = await ledger.trail(TrailQuestion(TENANT), None)
    connection = await asyncpg.connect(database)
    await connection.execute("alter table audit disable trigger audit_append_only")
    head = GENESIS
    for chained in chain:
        made = chained.record
        if chained.position == of:
            made = msgspec.structs.replace(made, subject="somebody-else")
        digest = link(head, made)
        await connection.execute(
            "update audit set subject = $2, previous = $3, hash = $4 where position = $1",
            *(chained.position, made.subject, head, digest),
        )
        head = digest
    await connection.execute("update audit_heads set hash = $1", head)
    await connection.execute("alter table audit enable trigger audit_append_only")
    await connection.close()


async def test_A05_a_trail_written_anew_with_right_hashes_is_seen_only_by_a_checkpoint_outside(ledger, database):
    notes = await witnessed(ledger, 12)
    await rewritten(database, 7, ledger)
    assert await verdict(ledger, []) is None  # every hash is right: the chain alone can't tell
    found = await verdict(ledger, notes)
    assert found is not None
    assert (found.code, found.position) == ("rewritten", 6)  # 1 to 5 are vouched for
    assert "one of 6 to 10" in found.text


async def test_A05_the_first_record_written_anew_is_seen_by_the_first_checkpoint(ledger, database):
    notes = await witnessed(ledger, 12)
    await rewritten(database, 1, ledger)
    found = await verdict(ledger, notes)
    assert found is not None
    assert (found.code, found.position) == ("rewritten", 1)


async def test_reading_a_trail_writes_the_reading_into_it_first(ledger):
    await witnessed(ledger, 2)
    reading = record(99)
    found = await ledger.trail(TrailQuestion(TENANT), reading)
    assert [chained.record for chained in found][-1] == reading
    again = await ledger.trail(TrailQuestion(TENANT), reading)
    assert len(again) == len(found) == 3


async def test_hashes_stop_at_a_hole_and_are_those_of_the_records(ledger, tamper):
    await witnessed(ledger, 6)
    chain = await ledger.trail(TrailQuestion(TENANT), None)
    found = await ledger.chain_hashes(HashesQuestion(TENANT, 2, 3))
    assert (found.first, found.hashes) == (3, b"".join(chained.hash for chained in chain[2:5]))
    await tamper("delete from audit where position = 4")
    assert len((await ledger.chain_hashes(HashesQuestion(TENANT, 2, 3))).hashes) == 32


async def test_the_stores_copy_of_a_checkpoint_is_kept_once_and_never_changed(ledger, database):
    sealed = SealedCheckpoint(TENANT, 5, 1, "note")
    await ledger.add_checkpoint(sealed)
    await ledger.add_checkpoint(msgspec.structs.replace(sealed, note="other"))
    assert await ledger.checkpoints(CheckpointsQuestion(TENANT)) == (sealed,)
    connection = await asyncpg.connect(database)
    with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
        await connection.execute("delete from audit_checkpoints")
    await connection.close()


async def test_heads_tell_each_tenants_length(ledger):
    await ledger.add_audit([record(1), record(2), record(3, "other")])
    assert [(head.tenant, head.position) for head in await ledger.chain_heads()] == [("default", 2), ("other", 1)]
