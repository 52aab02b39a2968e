"""The notary with a store in memory: what it seals, what it keeps, and what it never signs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_hub.adapters.witness import Witness, public_keys, signing_key
from central_hub.notary import Notary
from central_hub.ports import HubError
from central_hub.settings import Settings
from contracts import rpc
from contracts.proof import ChainHead, ChainHeads, Hashes, HashesQuestion, SealedCheckpoint
from kit.lifespan import Service, opened
from kit.merkle import root_of
from kit.testing import FakeBus, FakeClock

MINUTE_MS = 60_000


class Store:
    """The database-service's side: chains of hashes, as it says them."""

    def __init__(self) -> None:
        self.chains: dict[str, list[bytes]] = {}
        self.copies: list[SealedCheckpoint] = []

    def append(self, count: int, tenant: str = "default", salt: int = 0) -> None:
        chain = self.chains.setdefault(tenant, [])
        chain += [bytes([salt, number % 256]) * 16 for number in range(len(chain), len(chain) + count)]

    async def heads(self, _: rpc.Nothing) -> ChainHeads:
        return ChainHeads(tuple(ChainHead(t, len(c), c[-1]) for t, c in sorted(self.chains.items()) if c))

    async def hashes(self, question: HashesQuestion) -> Hashes:
        chain = self.chains[question.tenant]
        part = chain[question.after : question.after + min(question.limit, 7)]
        return Hashes(question.tenant, question.after + 1, b"".join(part))

    async def seal(self, sealed: SealedCheckpoint) -> rpc.Nothing:
        self.copies.append(sealed)
        return rpc.Nothing()


class Desk:
    """A notary, its store and its clock; `again` is the hub after a restart."""

    def __init__(self, service: Service, store: Store, clock: FakeClock, folder: Path) -> None:
        self.service, self.store, self.clock, self.folder = service, store, clock, folder
        self.again()

    def again(self) -> None:
        key = signing_key(self.folder / "secrets")
        self.notary = Notary(self.service, key, Witness(self.folder / "checkpoints"), MINUTE_MS, 1_000)

    def kept(self, tenant: str = "default") -> list[tuple[int, bytes]]:
        found = Witness(self.folder / "checkpoints").checkpoints(tenant, public_keys(self.folder / "secrets"))
        return [(checkpoint.size, checkpoint.root) for checkpoint in found]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    bus, clock, store = FakeBus(), FakeClock(), Store()
    (tmp_path / "secrets").mkdir()
    async with opened("central-hub", Settings(port=0, data_dir=tmp_path), bus=bus, clock=clock) as service:
        await bus.answer(rpc.CHAIN_HEADS, store.heads)
        await bus.answer(rpc.CHAIN_HASHES, store.hashes)
        await bus.answer(rpc.CHECKPOINT_ADD, store.seal)
        yield Desk(service, store, clock, tmp_path)


async def test_what_is_new_is_sealed_after_a_minute_outside_and_in_the_store(desk: Desk) -> None:
    desk.store.append(3)
    await desk.notary.look()
    assert desk.kept() == [(3, root_of(desk.store.chains["default"]))]
    assert [copy.size for copy in desk.store.copies] == [3]
    desk.store.append(2)
    await desk.notary.look()
    assert len(desk.kept()) == 1
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    assert desk.kept()[1:] == [(5, root_of(desk.store.chains["default"]))]


async def test_a_thousand_records_are_sealed_at_once_and_nothing_new_is_not(desk: Desk) -> None:
    desk.store.append(1)
    await desk.notary.look()
    desk.store.append(1_000)
    await desk.notary.look()
    assert [size for size, _ in desk.kept()] == [1, 1_001]
    desk.clock.advance(10 * MINUTE_MS)
    await desk.notary.look()
    assert len(desk.kept()) == 2


async def test_each_tenant_has_its_own_checkpoints(desk: Desk) -> None:
    desk.store.append(3)
    desk.store.append(20, "acme")
    await desk.notary.look()
    assert ([size for size, _ in desk.kept()], [size for size, _ in desk.kept("acme")]) == ([3], [20])


async def test_A04_a_trail_that_became_shorter_is_never_sealed_again_and_the_hub_is_not_ready(desk: Desk) -> None:
    desk.store.append(9)
    await desk.notary.look()
    del desk.store.chains["default"][6:]
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    with pytest.raises(HubError, match="records 7 to 9 are gone"):
        await desk.notary.probe()
    desk.store.append(30)
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    assert [size for size, _ in desk.kept()] == [9]


@pytest.mark.parametrize("more", [0, 5])
async def test_A05_a_trail_written_anew_is_not_sealed_over(desk: Desk, more: int) -> None:
    desk.store.append(9)
    await desk.notary.look()
    desk.store.chains["default"].clear()
    desk.store.append(9 + more, salt=1)
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    with pytest.raises(HubError, match="written anew"):
        await desk.notary.probe()
    assert [size for size, _ in desk.kept()] == [9]


@pytest.mark.parametrize(
    ("left", "salt", "says"),
    [(9, 1, "written anew"), (14, 1, "written anew"), (5, 0, "sealed with 9 records and has 5")],
)
async def test_A05_a_hub_that_was_away_meanwhile_compares_with_its_last_checkpoint(
    desk: Desk, left: int, salt: int, says: str
) -> None:
    desk.store.append(9)
    await desk.notary.look()
    desk.store.chains["default"].clear()
    desk.store.append(left, salt=salt)
    desk.again()
    await desk.notary.look()
    with pytest.raises(HubError, match=says):
        await desk.notary.probe()


async def test_a_hub_that_was_away_goes_on_where_it_was(desk: Desk) -> None:
    desk.store.append(9)
    await desk.notary.look()
    desk.again()
    desk.store.append(4)
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    assert [size for size, _ in desk.kept()] == [9, 13]
    assert desk.kept()[1][1] == root_of(desk.store.chains["default"])


async def test_a_trail_that_vanished_is_noticed(desk: Desk) -> None:
    desk.store.append(9)
    await desk.notary.look()
    desk.store.chains.clear()
    await desk.notary.look()
    with pytest.raises(HubError, match="records 1 to 9 are gone"):
        await desk.notary.probe()


async def test_a_checkpoint_of_another_key_in_the_witness_is_not_believed(desk: Desk) -> None:
    desk.store.append(3)
    await desk.notary.look()
    stranger = Ed25519PrivateKey.generate()
    desk.notary = Notary(desk.service, stranger, Witness(desk.folder / "checkpoints"), MINUTE_MS, 1_000)
    (desk.folder / "secrets" / "audit.pub").unlink()
    (desk.folder / "secrets" / "audit.key").unlink()
    signing_key(desk.folder / "secrets")
    await desk.notary.look()
    with pytest.raises(HubError, match="checkpoint 1 is not genuine"):
        await desk.notary.probe()


def test_a_public_key_that_a_full_disk_left_empty_is_written_again(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / "audit.pub").write_text("")
    signing_key(tmp_path)
    assert len(public_keys(tmp_path)) == 1


async def test_checkpoints_of_a_key_that_was_replaced_still_count(desk: Desk) -> None:
    desk.store.append(3)
    await desk.notary.look()
    (desk.folder / "secrets" / "audit.key").unlink()
    desk.again()
    desk.store.append(1)
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    assert [size for size, _ in desk.kept()] == [3, 4]


async def test_a_last_line_cut_short_by_a_crash_is_left_out_and_a_damaged_one_is_named(desk: Desk) -> None:
    desk.store.append(3)
    await desk.notary.look()
    file = desk.folder / "checkpoints" / "default.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    assert len(desk.kept()) == 1
    desk.store.append(1)
    desk.clock.advance(MINUTE_MS)
    await desk.notary.look()
    assert [size for size, _ in desk.kept()] == [3, 4]
    file.write_bytes(whole[:40] + b"\n" + whole)
    with pytest.raises(HubError, match="line 1 is damaged"):
        desk.kept()


async def test_a_checkpoint_that_no_witness_keeps_is_not_said_to_exist_and_is_tried_again(desk: Desk) -> None:
    desk.store.append(3)
    (desk.folder / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="checkpoints"):
        await desk.notary.look()
    assert desk.store.copies == []
    (desk.folder / "checkpoints").unlink()
    await desk.notary.look()
    assert [copy.size for copy in desk.store.copies] == [3]


async def test_the_key_that_seals_is_for_its_owner_only(desk: Desk) -> None:
    assert (desk.folder / "secrets" / "audit.key").stat().st_mode & 0o077 == 0
