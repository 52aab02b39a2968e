"""The vault of clients before version 2, `vault.json` and `vault.key`: read once, moved into the new one, removed."""

import hashlib
import hmac
from pathlib import Path

import msgspec

from client_security.adapters.private_file import read_private
from client_security.domain.vault_format import VaultRefused


class _Sealed(msgspec.Struct, frozen=True):
    body: bytes
    mac: bytes


def old_enrolment(directory: Path) -> bytes | None:
    """The enrolment document in it; None when there is no old vault. VaultRefused when it was changed."""
    path, key_path = directory / "vault.json", directory / "vault.key"
    if not path.exists():
        return None
    try:
        sealed = msgspec.json.decode(read_private(path), type=_Sealed)
        key = bytes.fromhex(read_private(key_path).decode("ascii").strip())
    except (OSError, ValueError) as error:
        raise VaultRefused(f"the old vault can't be read ({error}); import the enrolment again") from None
    mac = hmac.new(key, b"aitrading vault v1\x00" + sealed.body, hashlib.sha256).digest()
    if len(key) != 32 or not hmac.compare_digest(mac, sealed.mac):
        raise VaultRefused("the old vault was changed since it was written; import the enrolment again")
    return sealed.body


def remove_old(directory: Path) -> None:
    """Its contents are in the new vault now. Overwriting would be theatre on a flash disk, and its token expires."""
    for name in ("vault.json", "vault.key"):
        (directory / name).unlink(missing_ok=True)
