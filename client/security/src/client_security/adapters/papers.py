"""What this PC can show and whom it believes, by name, in the vault: enrolment, key, certificate, pins, audit head."""

from pathlib import Path

import msgspec

from client_security.adapters.old_vault import old_enrolment, remove_old
from client_security.adapters.vault_file import Vault
from client_security.domain.chain import Head, Record
from client_security.domain.enrolment import Enrolment, EnrolmentRefused, parse
from client_security.domain.pins import Pins, enrolled, newer
from client_security.domain.refusal import Refusal
from client_security.domain.vault_format import VaultRefused
from contracts.rotation import SignedKeyList
from contracts.terminals import Joined, PinSet, SignedPins
from kit.errors import KitError

ENROLMENT = "enrolment"
KEY = "terminal-key"
MEMBERSHIP = "certificate-and-token"
PINS = "pins"
AUDIT_HEAD = "audit-head"
SIGNAL_KEYS = "signal-keys"
LIMITS = "limits"
MT5_PASSWORD = "mt5-password"  # noqa: S105 the name of the entry
SETTABLE = (MT5_PASSWORD,)
""" entries that a person may put in by hand """


class PinsRefused(KitError):
    """A set of pins was not taken; the text says why."""


class Papers:
    """Implements ports.Secrets on a vault."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def import_enrolment(self, source: Path, keeper: str) -> Enrolment:
        """Check an enrolment file and keep its contents; a first vault is made with a keeper of this kind.

        The one that is in use already is left as it is. Raises EnrolmentRefused or VaultRefused.
        """
        try:
            document = source.read_bytes()
        except OSError as error:
            raise VaultRefused(f"cannot read the enrolment {source}: {error.strerror}") from None
        enrolment = parse(document)
        if not enrolment.join_token:
            raise EnrolmentRefused("the enrolment holds no one-time token; ask the server for a new one")
        if not self.vault.exists():
            self.vault.create(keeper, {ENROLMENT: document})
            return enrolment
        known = self.vault.entries()
        before = _parsed(known.get(ENROLMENT, b""))
        if before is not None and before.terminal == enrolment.terminal and MEMBERSHIP in known:
            return self.enrolment()
        changes: dict[str, bytes | None] = {ENROLMENT: document, KEY: None, MEMBERSHIP: None, PINS: None}
        if before is None or before.rotation_key != enrolment.rotation_key:
            changes[SIGNAL_KEYS] = None  # of another server; of the same one a newer list stays newer
        self.vault.update(changes)
        return enrolment

    def adopt_old(self, keeper: str) -> bool:
        """Move what an older client left in `vault.json` into the vault; whether there was something."""
        directory = self.vault.path.parent
        document = old_enrolment(directory)
        if document is None:
            return False
        if not self.vault.exists():
            self.vault.create(keeper, {ENROLMENT: document})
        remove_old(directory)
        return True

    def enrolment(self) -> Enrolment:
        """What was imported last; VaultRefused when there is nothing or it was changed."""
        document = self.vault.entry(ENROLMENT)
        if document is None:
            raise VaultRefused("no enrolment was imported yet; run with --enrolment FILE from the server")
        return parse(document)

    def key(self) -> bytes | None:
        """The terminal's private key, PEM; None before it was made."""
        return self.vault.entry(KEY)

    def keep_key(self, pem: bytes) -> None:
        """On disk before anybody is told of its public part."""
        self.vault.update({KEY: pem})

    def membership(self) -> Joined | None:
        """Certificate and token; None before the first join."""
        found = self.vault.entry(MEMBERSHIP)
        return None if found is None else msgspec.msgpack.decode(found, type=Joined)

    def keep_membership(self, joined: Joined) -> None:
        """Certificate and token in one write; the one-time token is spent and goes."""
        spent = msgspec.structs.replace(self.enrolment(), join_token="")
        without_pins = msgspec.structs.replace(joined, pinset=b"")
        self.vault.update({MEMBERSHIP: msgspec.msgpack.encode(without_pins), ENROLMENT: msgspec.json.encode(spent)})

    def pins(self) -> Pins:
        """The set in force: the newest that was taken, else the enrolment's."""
        known = self.vault.entries()
        if ENROLMENT not in known:
            raise VaultRefused("no enrolment was imported yet; run with --enrolment FILE from the server")
        first = enrolled(parse(known[ENROLMENT]))
        if PINS not in known:
            return first
        # it was judged when it was taken, and nothing in the vault can have changed since
        found = msgspec.json.decode(msgspec.json.decode(known[PINS], type=SignedPins).body, type=PinSet)
        return Pins(found.version, frozenset(found.pins), found.roots, found.expires_ms)

    def take_pins(self, document: bytes, now_ms: int) -> Pins:
        """Keep a newer signed set. PinsRefused: it is not one; the present set stays."""
        found = newer(document, self.enrolment().rotation_key, self.pins(), now_ms)
        if isinstance(found, Refusal):
            raise PinsRefused(found.reason)
        self.vault.update({PINS: document})
        return found

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


def _parsed(document: bytes) -> Enrolment | None:
    try:
        return parse(document)
    except EnrolmentRefused:  # none, or of an older client
        return None
