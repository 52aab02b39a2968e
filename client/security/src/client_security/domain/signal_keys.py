"""Which keys may sign signals for this client: those of its enrolment, until the offline key names others."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from client_security.domain.refusal import Refusal
from contracts.rotation import KeyList, SignedKeyList
from kit.errors import SignatureRefused
from kit.key_lists import is_live, verify_list
from kit.keys import read_public


@dataclass(slots=True)
class SignalKeys:
    """Call `adopt` with each list the server brings and keep what it accepts; ask `live` before a signal."""

    enrolled: Mapping[str, Ed25519PublicKey]
    rotation_key: Ed25519PublicKey | None = None
    """None: the enrolment names none, so nothing but a new enrolment changes the keys."""
    newest: KeyList | None = None

    def live(self, now_ms: int) -> Mapping[str, Ed25519PublicKey]:
        """The keys that count at this moment, by id."""
        if self.newest is None:
            return self.enrolled
        return {k.key_id: read_public(k.public) for k in self.newest.keys if is_live(k, now_ms)}

    def revoked(self, key_id: str) -> bool:
        """Whether this key was said to be in wrong hands."""
        return self.newest is not None and key_id in self.newest.revoked

    def adopt(self, signed: SignedKeyList, now_ms: int, *, kept: bool = False) -> KeyList | Refusal:
        """The list that counts from now on, or why it does not. `kept`: it was adopted before and is read back."""
        if self.rotation_key is None:
            return Refusal("no_rotation_key", "the enrolment names no rotation key: enrol again to change signal keys")
        try:
            keys = verify_list(signed, self.rotation_key)
        except SignatureRefused as error:
            return Refusal(error.code, str(error))
        if self.newest is not None and keys.version <= self.newest.version:
            if keys == self.newest:
                return keys
            return Refusal("old_keys", f"list {keys.version} is not newer than {self.newest.version}, which counts")
        if not kept and now_ms >= keys.expires_ms:
            return Refusal("expired", f"list {keys.version} of signal keys has expired; the server must sign a new one")
        self.newest = keys
        return keys
