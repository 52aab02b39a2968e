"""The keys that sign signals: the first one, and those the operator made since, each from its moment on."""

from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.rotation import KeyList, SignalKey, SignedKeyList
from contracts.signals import Signal, SignedSignal
from kit import log
from kit.keys import key_id, read_private_key
from kit.signing import sign

_log = log.get("keys")


class KeyRing:
    """Call it to seal a signal. Beside the `first`, `signal.key`, lie `signal-keys.json` and `signal-keys/<id>.key`."""

    def __init__(self, path: Path, first: Ed25519PrivateKey) -> None:
        self._list, self._folder = path.with_name("signal-keys.json"), path.with_name("signal-keys")
        self._keys = {key_id(first): first}
        self._first = first
        self._seen: tuple[int, int] = (0, 0)
        self._plan: tuple[SignalKey, ...] = ()

    def __call__(self, signal: Signal) -> SignedSignal:
        """Sealed by the key of the moment it was issued: the same signal always gives the same bytes."""
        return sign(signal, self.key_at(signal.issued_ms))

    def key_at(self, at_ms: int) -> Ed25519PrivateKey:
        """The newest key whose time has come; the next one when the others have been revoked."""
        self._look()
        if not self._plan:
            return self._first
        begun = [key for key in self._plan if key.from_ms <= at_ms and (not key.until_ms or at_ms < key.until_ms)]
        chosen = max(begun or self._plan, key=lambda key: key.from_ms)
        return self._keys[chosen.key_id]

    def _look(self) -> None:
        try:
            status = self._list.stat()
        except FileNotFoundError:
            return
        mark = (status.st_mtime_ns, status.st_ino)
        if mark == self._seen:
            return
        try:
            signed = msgspec.json.decode(self._list.read_bytes(), type=SignedKeyList)
            plan = msgspec.json.decode(signed.body, type=KeyList).keys
            for key in plan:
                if key.key_id not in self._keys:
                    self._keys[key.key_id] = read_private_key(self._folder / f"{key.key_id}.key")
        except (OSError, ValueError) as error:
            _log.error("key_list_not_taken", path=str(self._list), error=str(error))
            return
        self._plan, self._seen = plan, mark  # one that could not be read is looked at again
