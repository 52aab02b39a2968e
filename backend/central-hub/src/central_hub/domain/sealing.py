"""Follow one tenant's audit trail by its hashes, and say when to seal it and what can't be true."""

from dataclasses import dataclass, field

from contracts.proof import ChainHead, Hashes
from kit.checkpoints import Checkpoint
from kit.merkle import Tree

HASH_BYTES = 32


class Tampered(Exception):
    """The store tells of a trail that can't be the one it told of before; the text says how."""


@dataclass(slots=True)
class Trail:
    """A trail as a witness remembers it. It never grows over something that does not follow from what it knows."""

    tenant: str
    tree: Tree = field(default_factory=Tree)
    head: bytes = b""
    """The hash of the newest record known; it stands for all before it."""
    sealed_size: int = 0
    sealed_ms: int = 0

    def check(self, told: ChainHead) -> None:
        """Tampered when the trail became shorter, or is as long as before and another."""
        if told.position < self.tree.size:
            raise Tampered(
                f"the audit trail of {self.tenant} had {self.tree.size} records and has {told.position}: "
                f"records {told.position + 1} to {self.tree.size} are gone"
            )
        if told.position == self.tree.size and self.tree.size and told.hash != self.head:
            raise Tampered(self._rewritten())

    def due(self, told: ChainHead, now_ms: int, every_ms: int, every_records: int) -> bool:
        """Whether to seal now: something is new, and there is enough of it or it has waited long enough."""
        new = told.position - self.sealed_size
        return new >= every_records or (new > 0 and now_ms - self.sealed_ms >= every_ms)

    @property
    def asks_after(self) -> int:
        """Ask for hashes after this position: the newest known one comes again, to be compared."""
        return max(0, self.tree.size - 1)

    def extend(self, told: Hashes) -> int:
        """Take hashes that were asked for with `asks_after`; how many were new. Tampered when they don't follow."""
        parts = [told.hashes[at : at + HASH_BYTES] for at in range(0, len(told.hashes), HASH_BYTES)]
        if told.first != self.asks_after + 1 or any(len(part) != HASH_BYTES for part in parts):
            raise Tampered(f"the store answered with other hashes of {self.tenant} than it was asked for")
        if self.tree.size:
            if not parts or parts[0] != self.head:
                raise Tampered(self._rewritten())
            parts = parts[1:]
        for part in parts:
            self.tree.append(part)
            self.head = part
        return len(parts)

    def must_be(self, checkpoint: Checkpoint) -> None:
        """Tampered unless the trail, as long as the checkpoint, is the one that was sealed."""
        if self.tree.size < checkpoint.size:
            raise Tampered(
                f"the audit trail of {self.tenant} was sealed with {checkpoint.size} records and has {self.tree.size}"
            )
        if self.tree.root() != checkpoint.root:
            raise Tampered(self._rewritten())
        self.sealed_size, self.sealed_ms = checkpoint.size, checkpoint.at_ms

    def seal(self, now_ms: int) -> Checkpoint:
        """What is to be signed now."""
        self.sealed_size, self.sealed_ms = self.tree.size, now_ms
        return Checkpoint(self.tenant, self.tree.size, self.tree.root(), now_ms)

    def _rewritten(self) -> str:
        return (
            f"the audit trail of {self.tenant} is not the one that was sealed: records up to {self.tree.size} were "
            f"written anew; see `aitrading audit verify --tenant {self.tenant}`"
        )
