"""Who may keep the vault key: Windows, the platform's keyring, a passphrase, or, weakest, a file."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from client_security.adapters.private_file import read_private, write_private
from client_security.domain.vault_format import KEY_BYTES, NONCE_BYTES, VaultRefused
from client_security.ports import Dpapi, Keyring, Machine

_SALT_BYTES = 16
_PASSES, _LANES, _MEMORY_KB = 3, 4, 64 * 1024
"""RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes."""
SHORTEST_PASSPHRASE = 12


@dataclass(slots=True)
class DpapiKeeper:
    """Windows keeps the key: CryptProtectData in user scope, with the vault's id as entropy."""

    dpapi: Dpapi
    kind: str = "dpapi"
    protects: str = (
        "against other users, a stolen disk and another PC; programs of the same Windows user can open it as well"
    )

    def keep(self, key: bytes, bound: bytes) -> bytes:
        """A blob of Windows."""
        try:
            return self.dpapi.protect(key, _entropy(bound))
        except OSError as error:
            raise VaultRefused(f"Windows did not take the vault's key ({error}); choose --keeper passphrase") from None

    def give_back(self, kept: bytes, bound: bytes) -> bytes:
        """Ask Windows."""
        try:
            return self.dpapi.unprotect(kept, _entropy(bound))
        except OSError:
            raise VaultRefused(
                "Windows does not open this vault: it belongs to another Windows user or another PC, or it was "
                "changed. Enrol this PC anew"
            ) from None


@dataclass(slots=True)
class KeyringKeeper:
    """The keyring of the desktop session holds the key; the vault only holds the name it goes by."""

    keyring: Keyring
    kind: str = "keyring"
    protects: str = (
        "against other users, a stolen disk and another PC, as well as the login keyring itself is protected"
    )

    def keep(self, key: bytes, bound: bytes) -> bytes:
        """A new name each time: the older key stays usable until the file was replaced."""
        name = secrets.token_hex(8)
        try:
            self.keyring.put(f"{bound.hex()}.{name}", key.hex())
        except OSError as error:
            raise VaultRefused(
                f"the keyring did not take the vault's key ({error}); choose --keeper passphrase"
            ) from None
        return name.encode()

    def give_back(self, kept: bytes, bound: bytes) -> bytes:
        """Ask the keyring; it may ask the person."""
        try:
            text = self.keyring.get(f"{bound.hex()}.{kept.decode('ascii', 'replace')}")
            key = bytes.fromhex(text or "")
        except (OSError, ValueError) as error:
            raise VaultRefused(f"the keyring does not answer ({error}); unlock it, then start again") from None
        if len(key) != KEY_BYTES:
            raise VaultRefused("the keyring of this user and machine does not know this vault; enrol this PC anew")
        return key


@dataclass(slots=True)
class PassphraseKeeper:
    """A passphrase of the trader, through Argon2id; asked for once per program."""

    ask: Callable[[], str]
    kind: str = "passphrase"
    protects: str = "against everybody who does not know the passphrase, as long as it can't be guessed"
    _known: str = field(default="", repr=False)

    def keep(self, key: bytes, bound: bytes) -> bytes:
        """Salt, nonce and the sealed key."""
        if len(self._passphrase()) < SHORTEST_PASSPHRASE:
            self._known = ""
            raise VaultRefused(f"the passphrase is too short: use at least {SHORTEST_PASSPHRASE} characters")
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
        return salt + nonce + AESGCM(self._derived(salt)).encrypt(nonce, key, b"passphrase" + bound)

    def give_back(self, kept: bytes, bound: bytes) -> bytes:
        """VaultRefused when the passphrase is another."""
        salt, nonce, box = kept[:_SALT_BYTES], kept[_SALT_BYTES:][:NONCE_BYTES], kept[_SALT_BYTES + NONCE_BYTES :]
        if len(salt) != _SALT_BYTES or len(nonce) != NONCE_BYTES:
            raise VaultRefused("the vault's header is damaged; restore a copy, or enrol again")
        try:
            return AESGCM(self._derived(salt)).decrypt(nonce, box, b"passphrase" + bound)
        except InvalidTag:
            self._known = ""
            raise VaultRefused("the passphrase does not open this vault; try again") from None

    def _passphrase(self) -> str:
        self._known = self._known or self.ask()
        return self._known

    def _derived(self, salt: bytes) -> bytes:
        return Argon2id(salt=salt, length=KEY_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KB).derive(
            self._passphrase().encode()
        )


@dataclass(slots=True)
class FileKeeper:
    """The weakest: a key file beside the vault, bound to user and machine. Whoever copies both and knows the machine's
    id can open it: it is for the demo and for machines where nobody can type."""

    path: Path
    machine: Machine
    kind: str = "file"
    protects: str = (
        "against other users only, by the file's mode: the weakest choice, for the demo and for machines without "
        "a keyring; whoever copies vault and key file can open it"
    )

    def keep(self, key: bytes, bound: bytes) -> bytes:
        """The key file is made once."""
        if not self.path.exists():
            write_private(self.path, secrets.token_bytes(KEY_BYTES))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, key, self._binding(bound))

    def give_back(self, kept: bytes, bound: bytes) -> bytes:
        """VaultRefused on another machine or for another user."""
        try:
            return AESGCM(self._key()).decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], self._binding(bound))
        except (InvalidTag, ValueError):
            raise VaultRefused(
                "this vault belongs to another user or another machine, or its key file was changed; enrol this PC anew"
            ) from None

    def _key(self) -> bytes:
        try:
            key = read_private(self.path)
        except OSError as error:
            raise VaultRefused(f"the vault's key file can't be read ({error.strerror}); enrol this PC anew") from None
        if len(key) != KEY_BYTES:
            raise VaultRefused("the vault's key file is damaged; restore a copy, or enrol this PC anew")
        return key

    def _binding(self, bound: bytes) -> bytes:
        return b"\x00".join((b"key file", bound, self.machine.user.encode(), self.machine.machine.encode()))


def _entropy(bound: bytes) -> bytes:
    return b"aitrading vault" + bound
