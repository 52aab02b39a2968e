"""Merkle roots of the published vectors, proofs of growth, and signed checkpoints."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kit.checkpoints import Checkpoint, open_note, seal
from kit.errors import SignatureRefused
from kit.merkle import EMPTY_ROOT, Tree, consistency_proof, is_consistent, leaf_hash, root_of

# the entries and roots with which the implementations of RFC 6962 test each other
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
GROWTH = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
KEY, OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
CHECKPOINT = Checkpoint("acme", 7, bytes.fromhex(ROOTS[6]), 1_700_000_000_123)


def test_the_published_roots_come_out():
    assert [root_of(ENTRIES[: n + 1]).hex() for n in range(8)] == ROOTS
    assert root_of([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("sizes", "proof"), list(GROWTH.items()))
def test_the_published_proofs_of_growth_come_out(sizes, proof):
    old, new = sizes
    assert [part.hex() for part in consistency_proof(ENTRIES[:new], old)] == proof


@given(st.integers(1, 70), st.integers(1, 70))
def test_any_two_checkpoints_of_one_trail_are_consistent(one, other):
    old, new = sorted((one, other))
    entries = [bytes([n]) for n in range(new)]
    proof = consistency_proof(entries, old)
    assert is_consistent(old, root_of(entries[:old]), new, root_of(entries), proof)


@given(st.integers(2, 40), st.data())
def test_a_trail_that_was_rewritten_below_an_old_checkpoint_is_not_consistent_with_it(new, data):
    old = data.draw(st.integers(1, new - 1))
    entries = [bytes([n]) for n in range(new)]
    honest = root_of(entries[:old])
    entries[data.draw(st.integers(0, old - 1))] = b"changed"
    assert not is_consistent(old, honest, new, root_of(entries), consistency_proof(entries, old))


@given(st.integers(2, 40), st.data())
def test_a_proof_with_a_changed_missing_or_added_part_proves_nothing(new, data):
    old = data.draw(st.integers(1, new - 1))
    entries = [bytes([n]) for n in range(new)]
    roots = old, root_of(entries[:old]), new, root_of(entries)
    proof = consistency_proof(entries, old)
    where = data.draw(st.integers(0, len(proof) - 1))
    assert not is_consistent(*roots, [*proof[:where], leaf_hash(b"x"), *proof[where + 1 :]])
    assert not is_consistent(*roots, proof[:-1])
    assert not is_consistent(*roots, [*proof, proof[0]])


def test_a_tree_forgets_its_entries_and_keeps_a_hash_for_each_bit_of_its_size():
    tree = Tree()
    for n in range(1000):
        tree.append(bytes([n % 256]))
    assert len(tree.peaks) == (1000).bit_count()


def test_a_sealed_checkpoint_opens_with_its_key():
    assert open_note(seal(CHECKPOINT, KEY), [OTHER.public_key(), KEY.public_key()]) == CHECKPOINT


def test_a_checkpoint_of_an_unknown_key_is_refused():
    with pytest.raises(SignatureRefused) as refused:
        open_note(seal(CHECKPOINT, KEY), [OTHER.public_key()])
    assert refused.value.code == "unknown_key"


def test_a_checkpoint_changed_in_any_character_is_refused():
    note = seal(CHECKPOINT, KEY)
    for where, letter in enumerate(note.rstrip()):
        changed = note[:where] + ("B" if letter == "A" else "A") + note[where + 1 :]
        with pytest.raises(SignatureRefused):
            open_note(changed, [KEY.public_key()])


@pytest.mark.parametrize("note", ["", "\n\n", "x", "a\n\n— aitrading.internal/audit !!\n"])
def test_what_is_no_note_is_refused(note):
    with pytest.raises(SignatureRefused):
        open_note(note, [KEY.public_key()])
