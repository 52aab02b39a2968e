"""Where the version counter is kept besides the vault: a file beside it, the registry, the keyring."""

import sys
from pathlib import Path

from client_security.adapters.private_file import write_private
from client_security.ports import Keyring


class FileNote:
    """A file in the client's data directory. Whoever puts back the whole directory puts back this file as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = path.name

    def read(self, vault_id: bytes) -> str | None:
        """The text, when it is this vault's."""
        try:
            name, _, text = self.path.read_text().strip().partition(" ")
        except (OSError, UnicodeDecodeError):
            return None
        return text if name == vault_id.hex() else None

    def write(self, vault_id: bytes, text: str) -> None:
        """Atomic and on disk."""
        write_private(self.path, f"{vault_id.hex()} {text}\n".encode())


class KeyringNote:
    """An entry of the platform's keyring."""

    where = "the keyring"

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def read(self, vault_id: bytes) -> str | None:
        """The text."""
        return self._keyring.get(f"{vault_id.hex()}.version")

    def write(self, vault_id: bytes, text: str) -> None:
        """Replace it."""
        self._keyring.put(f"{vault_id.hex()}.version", text)


class RegistryNote:
    """A value below HKEY_CURRENT_USER; only on Windows."""

    where = r"HKEY_CURRENT_USER\Software\aitrading-client"

    def read(self, vault_id: bytes) -> str | None:
        """The text."""
        if sys.platform == "win32":
            import winreg

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\aitrading-client") as key:
                    return str(winreg.QueryValueEx(key, vault_id.hex())[0])
            except OSError:
                return None
        return None

    def write(self, vault_id: bytes, text: str) -> None:
        """Replace it."""
        if sys.platform == "win32":
            import winreg

            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, r"Software\aitrading-client") as key:
                winreg.SetValueEx(key, vault_id.hex(), 0, winreg.REG_SZ, text)
