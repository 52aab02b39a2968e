"""The witness: checkpoints in files outside of the database, one line each, and the key that signs them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from central_hub.ports import HubError
from contracts.proof import SealedCheckpoint
from kit.checkpoints import Checkpoint, open_note
from kit.errors import SignatureRefused
from kit.keys import key_id, make_private_key, public_text, read_public

KEY, PUBLIC = "audit.key", "audit.pub"


def signing_key(secrets: Path) -> Ed25519PrivateKey:
    """The hub's own key, made at the first start; its public part lies beside it as `audit.pub`."""
    key = make_private_key(secrets / KEY)
    public = secrets / PUBLIC
    before = public.read_text().strip() if public.exists() else ""
    if before != public_text(key):
        if before:  # the key was changed: checkpoints of the old one still have to be checked
            public.rename(secrets / f"audit.{key_id(read_public(before))}.pub")
        fresh = secrets / f"{PUBLIC}.new"  # renamed into place: a full disk must not leave an empty one behind
        fresh.touch(0o600)
        fresh.write_text(public_text(key))
        fresh.replace(public)
    return key


def public_keys(secrets: Path, given: Path | None = None) -> list[Ed25519PublicKey]:
    """The keys whose checkpoints count: the one in `given`, else all `audit*.pub`. HubError when there is none."""
    files = [given] if given else sorted(secrets.glob("audit*.pub"))
    try:
        keys = [read_public(file.read_text()) for file in files]
    except (OSError, ValueError) as error:
        raise HubError(f"The public key of the audit trail can't be read ({error}).") from None
    if not keys:
        raise HubError(f"There is no public key of the audit trail in {secrets}: give one with --key.")
    return keys


@dataclass(frozen=True, slots=True)
class Witness:
    """One file per tenant in `folder`, which may lie on another disk. Lines are only ever added."""

    folder: Path

    def _file(self, tenant: str) -> Path:
        return self.folder / f"{tenant}.jsonl"

    def keep(self, sealed: SealedCheckpoint) -> None:
        """Add a checkpoint; it is on the disk when this returns. OSError when that is not possible."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._file(sealed.tenant), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # a line that a crash cut short said nothing yet: the next one must not be glued to it
            file.truncate(file.read().rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(msgspec.json.encode(sealed) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def tenants(self) -> list[str]:
        """Whose trails were ever sealed here."""
        return sorted(file.stem for file in self.folder.glob("*.jsonl"))

    def sealed(self, tenant: str) -> Iterator[SealedCheckpoint]:
        """Every line, oldest first; a last line that a crash cut short is left out."""
        try:
            lines = self._file(tenant).read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                yield msgspec.json.decode(line, type=SealedCheckpoint)
            except msgspec.MsgspecError:
                if number < len(lines):
                    raise HubError(f"{self._file(tenant)}: line {number} is damaged.") from None

    def checkpoints(self, tenant: str, keys: list[Ed25519PublicKey]) -> list[Checkpoint]:
        """Every checkpoint, its signature checked. HubError names the first that is not genuine."""
        found = []
        for number, sealed in enumerate(self.sealed(tenant), 1):
            try:
                checkpoint = open_note(sealed.note, keys)
            except SignatureRefused as refused:
                raise HubError(f"{self._file(tenant)}: checkpoint {number} is not genuine: {refused.reason}.") from None
            if (checkpoint.tenant, checkpoint.size) != (tenant, sealed.size):
                raise HubError(f"{self._file(tenant)}: checkpoint {number} is of another trail.")
            found.append(checkpoint)
        return found
