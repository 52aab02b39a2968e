"""Merkle trees of RFC 6962 and 9162: one hash for a whole list, and short proofs about how it grew."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry; a leading 0 keeps it apart from a node's (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A tree that only grows. It keeps one hash per set bit of its size, so a million entries need twenty."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)
    """Roots of the complete subtrees, largest first."""

    def append(self, entry: bytes) -> None:
        """Add an entry at the end."""
        hashed, size = leaf_hash(entry), self.size
        while size & 1:
            hashed = node_hash(self.peaks.pop(), hashed)
            size >>= 1
        self.peaks.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The hash over all entries so far."""
        if not self.peaks:
            return EMPTY_ROOT
        hashed = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            hashed = node_hash(peak, hashed)
        return hashed


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root of a list."""
    tree = Tree()
    for entry in entries:
        tree.append(entry)
    return tree.root()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def consistency_proof(entries: Sequence[bytes], size: int) -> list[bytes]:
    """What shows that the first `size` of the entries were not changed since (RFC 6962, 2.1.2)."""
    if not 0 < size <= len(entries):
        raise ValueError(f"{size} is not within 1..{len(entries)}")
    return _subproof(entries, size, True)


def _subproof(entries: Sequence[bytes], size: int, known: bool) -> list[bytes]:
    if size == len(entries):
        return [] if known else [root_of(entries)]
    half = _split(len(entries))
    if size <= half:
        return [*_subproof(entries[:half], size, known), root_of(entries[half:])]
    return [*_subproof(entries[half:], size - half, False), root_of(entries[:half])]


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """The tree of `new_size` begins with the whole tree of `old_size` (RFC 9162, 2.1.4.2)."""
    if old_size == new_size:
        return old_root == new_root and not proof
    if not 0 < old_size < new_size:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # a complete tree is its own first node
        path.insert(0, old_root)
    if not path:
        return False
    left, last = old_size - 1, new_size - 1
    while left & 1:
        left, last = left >> 1, last >> 1
    old = new = path[0]
    for hashed in path[1:]:
        if last == 0:
            return False
        if left & 1 or left == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            while not left & 1 and left:
                left, last = left >> 1, last >> 1
        else:
            new = node_hash(new, hashed)
        left, last = left >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root
