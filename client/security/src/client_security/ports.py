"""What the security app asks of the disk and of the operating system, in its own words."""

from dataclasses import dataclass
from typing import Protocol

from client_security.domain.enrolment import Enrolment


class Secrets(Protocol):
    """Where the enrolment lies."""

    def enrolment(self) -> Enrolment:
        """The enrolment; KitError with a sentence when there is none or it was changed."""
        ...


class Audit(Protocol):
    """The chained log."""

    def count(self) -> int:
        """Number of records when all fit; KitError names the first that does not."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """Who runs this program, and where: what a key can be bound to."""

    user: str
    """Windows: the SID's or account's name; elsewhere the uid."""
    machine: str
    """The operating system's own id of this installation; empty when it has none."""


class Keeper(Protocol):
    """Keeps a vault key so that only this user gets it back. `bound` ties it to one vault."""

    kind: str
    protects: str
    """One sentence: against whom it protects, and against whom not."""

    def keep(self, key: bytes, bound: bytes) -> bytes:
        """Keep `key`; what is returned stands in the vault's header and is not secret. VaultRefused: it can't."""
        ...

    def give_back(self, kept: bytes, bound: bytes) -> bytes:
        """The key that was kept. VaultRefused with what to do when this user or machine may not have it."""
        ...


class Dpapi(Protocol):
    """Windows' CryptProtectData, user scope. OSError when Windows refuses."""

    def protect(self, plain: bytes, entropy: bytes) -> bytes:
        """A blob that only this Windows user can open, with the same entropy."""
        ...

    def unprotect(self, blob: bytes, entropy: bytes) -> bytes:
        """What `protect` was given."""
        ...


class Keyring(Protocol):
    """The platform's keyring. OSError when it is locked or gone."""

    def get(self, name: str) -> str | None:
        """The text under a name."""
        ...

    def put(self, name: str, text: str) -> None:
        """Keep a text."""
        ...

    def remove(self, name: str) -> None:
        """Forget a name; nothing happens when there is none."""
        ...


class Note(Protocol):
    """A short text outside of the vault: remembers how new the vault must at least be."""

    where: str
    """For a person."""

    def read(self, vault_id: bytes) -> str | None:
        """What was written last; None when there is nothing."""
        ...

    def write(self, vault_id: bytes, text: str) -> None:
        """Replace it, durably."""
        ...
