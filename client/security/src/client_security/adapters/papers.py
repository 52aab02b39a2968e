"""What this PC can show and whom it believes, by name, in the vault: the enrolment, the audit log's newest hash."""

from pathlib import Path

import msgspec

from client_security.adapters.old_vault import old_enrolment, remove_old
from client_security.adapters.vault_file import Vault
from client_security.domain.chain import Head, Record
from client_security.domain.enrolment import Enrolment, parse
from client_security.domain.vault_format import VaultRefused
from contracts.rotation import SignedKeyList

ENROLMENT = "enrolment"
AUDIT_HEAD = "audit-head"
SIGNAL_KEYS = "signal-keys"
LIMITS = "limits"
MT5_PASSWORD = "mt5-password"  # noqa: S105 the name of the entry
SETTABLE = (MT5_PASSWORD,)
""" entries that a person may put in by hand """


class Papers:
    """Implements ports.Secrets on a vault."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def import_enrolment(self, source: Path, keeper: str) -> Enrolment:
        """Check an enrolment file and keep its contents; a first vault is made with a keeper of this kind.

        Raises EnrolmentRefused or VaultRefused.
        """
        try:
            document = source.read_bytes()
        except OSError as error:
            raise VaultRefused(f"cannot read the enrolment {source}: {error.strerror}") from None
        enrolment = parse(document)
        self._keep(document, keeper)
        return enrolment

    def adopt_old(self, keeper: str) -> bool:
        """Move what an older client left in `vault.json` into the vault; whether there was something."""
        directory = self.vault.path.parent
        document = old_enrolment(directory)
        if document is None:
            return False
        if not self.vault.exists():
            parse(document)
            self._keep(document, keeper)
        remove_old(directory)
        return True

    def enrolment(self) -> Enrolment:
        """What was imported last; VaultRefused when there is nothing or it was changed."""
        document = self.vault.entry(ENROLMENT)
        if document is None:
            raise VaultRefused("no enrolment was imported yet; run with --enrolment FILE from the server")
        return parse(document)

    def signal_keys(self) -> SignedKeyList | None:
        """The newest list of signal keys that was adopted; None when the enrolment's still count."""
        found = self.vault.entry(SIGNAL_KEYS)
        return None if found is None else msgspec.msgpack.decode(found, type=SignedKeyList)

    def keep_signal_keys(self, signed: SignedKeyList) -> None:
        """On disk when this returns."""
        self.vault.update({SIGNAL_KEYS: msgspec.msgpack.encode(signed)})

    def confirmed_limits(self) -> bytes | None:
        """The limits as the trader confirmed them on this PC; None when never."""
        return self.vault.entry(LIMITS)

    def confirm_limits(self, document: bytes) -> None:
        """This is what counts."""
        self.vault.update({LIMITS: document})

    def audit_head(self) -> Head | None:
        """How long the audit log was at least, and its hash there; None when nothing was noted yet."""
        found = self.vault.entry(AUDIT_HEAD)
        return None if found is None else msgspec.msgpack.decode(found, type=Head)

    def keep_audit_head(self, last: Record) -> None:
        """Note the newest record."""
        self.vault.update({AUDIT_HEAD: msgspec.msgpack.encode(Head(last.index, last.hash))})

    def _keep(self, document: bytes, keeper: str) -> None:
        if self.vault.exists():
            self.vault.update({ENROLMENT: document})
        else:
            self.vault.create(keeper, {ENROLMENT: document})
