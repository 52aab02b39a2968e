"""Verify an audit trail: record by record along its chain, and against checkpoints that were kept elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from contracts.proof import ChainedRecord
from kit.audit_chain import GENESIS, follows
from kit.checkpoints import Checkpoint
from kit.merkle import Tree


class Break(msgspec.Struct, frozen=True):
    """Where a trail stops being true. `code`: `chain` (a record was changed, removed, inserted or moved), `rewritten`
    (the chain is sound and is not the one that was sealed) or `cut_off` (records at the end are gone)."""

    code: str
    position: int
    """The first record that can't be trusted."""
    text: str


@dataclass(slots=True)
class Verifier:
    """Give it the trail's records, oldest first, with `take`; then `finish` says what was found.

    Without checkpoints only the chain itself is checked: whoever rewrites all of it, or cuts off its end and moves the
    store's own mark back, stays unseen.
    """

    checkpoints: Iterable[Checkpoint] = ()
    found: Break | None = None
    head: bytes = GENESIS
    tree: Tree = field(default_factory=Tree)
    sealed: int = 0
    """Records that a checkpoint has vouched for so far."""
    matched: int = 0
    """Checkpoints that fit."""
    _waiting: list[Checkpoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = sorted(self.checkpoints, key=lambda checkpoint: checkpoint.size, reverse=True)

    def take(self, chained: ChainedRecord) -> bool:
        """Check the next record; False: the trail is broken, more need not be given."""
        if self.found is not None:
            return False
        position = self.tree.size + 1
        if not follows(chained, position, self.head):
            self.found = Break(
                "chain", position, f"record {position} was changed, removed or moved: its hash does not follow"
            )
            return False
        self.head = chained.hash
        self.tree.append(chained.hash)
        while self._waiting and self._waiting[-1].size <= self.tree.size:
            checkpoint = self._waiting.pop()
            if checkpoint.root != self.tree.root():
                first = self.sealed + 1
                self.found = Break(
                    "rewritten",
                    first,
                    f"the records from {first} on are not those that were sealed at {checkpoint.size}: "
                    f"one of {first} to {checkpoint.size} was rewritten together with all after it",
                )
                return False
            self.sealed, self.matched = checkpoint.size, self.matched + 1
        return True

    def finish(self, stored_position: int) -> Break | None:
        """What was found, after the last record. `stored_position` is how many records the store says it has."""
        if self.found is None:
            size = self.tree.size
            sealed = self._waiting[0].size if self._waiting else 0
            if sealed > size:
                self.found = Break(
                    "cut_off", size + 1, f"records {size + 1} to {sealed} were sealed by a checkpoint and are gone"
                )
            elif stored_position > size:
                self.found = Break(
                    "cut_off", size + 1, f"records {size + 1} to {stored_position} were stored and are gone"
                )
        return self.found
