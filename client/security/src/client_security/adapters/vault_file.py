"""The client's secrets on disk: one file, readable by its owner only, which notices every changed byte.

It protects against other users, accidents and half-written files. Another program of the same user can read it, as it
can read the terminal itself: the Windows session is the border.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from client_security.domain.enrolment import Enrolment, parse
from kit.errors import KitError


class VaultRefused(KitError):
    """The secrets can't be used; the text says what to do."""


class _Sealed(msgspec.Struct, frozen=True):
    body: bytes
    mac: bytes


class Vault:
    """`directory` holds `vault.json` and `vault.key`, both mode 0600."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.path = directory / "vault.json"
        self._key_path = directory / "vault.key"

    def import_enrolment(self, source: Path) -> Enrolment:
        """Check an enrolment file and keep its contents. Raises EnrolmentRefused or VaultRefused."""
        try:
            document = source.read_bytes()
        except OSError as error:
            raise VaultRefused(f"cannot read the enrolment {source}: {error.strerror}") from None
        enrolment = parse(document)
        self._write(document)
        return enrolment

    def enrolment(self) -> Enrolment:
        """What was imported last; VaultRefused when there is nothing or it was changed."""
        try:
            sealed = msgspec.json.decode(self.path.read_bytes(), type=_Sealed)
            key = bytes.fromhex(self._key_path.read_text().strip())
        except FileNotFoundError:
            raise VaultRefused("no enrolment was imported yet; run with --enrolment FILE from the server") from None
        except (OSError, ValueError) as error:
            raise VaultRefused(f"the vault can't be read ({error}); import the enrolment again") from None
        if len(key) != 32 or not hmac.compare_digest(_mac(key, sealed.body), sealed.mac):
            raise VaultRefused("the vault was changed since it was written; import the enrolment again")
        if os.name == "posix":
            for path in (self.path, self._key_path):
                if path.stat().st_mode & 0o077:
                    raise VaultRefused(f"others may read {path.name}: give it mode 0600, then start again")
        return parse(sealed.body)

    def _write(self, body: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._key_path.exists():
            _atomic(self._key_path, secrets.token_hex(32).encode())
        key = bytes.fromhex(self._key_path.read_text().strip())
        _atomic(self.path, msgspec.json.encode(_Sealed(body, _mac(key, body))))


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"aitrading vault v1\x00" + body, hashlib.sha256).digest()


def _atomic(path: Path, data: bytes) -> None:
    """Either the old or the new contents survive a crash, never a mixture."""
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
