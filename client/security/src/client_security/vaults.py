"""Put a vault together: which keepers this machine has, and where the counters lie."""

import sys
from collections.abc import Callable
from pathlib import Path

from client_security.adapters.keepers import DpapiKeeper, FileKeeper, KeyringKeeper, PassphraseKeeper
from client_security.adapters.notes import FileNote, KeyringNote, RegistryNote
from client_security.adapters.private_file import read_private
from client_security.adapters.system_keyring import system_keyring
from client_security.adapters.this_machine import this_machine
from client_security.adapters.vault_file import Vault
from client_security.adapters.windows_dpapi import WindowsDpapi
from client_security.domain.vault_format import VaultRefused, header_of
from client_security.ports import Keeper, Note

VAULT_DIR = "secrets"
COUNTER_FILE = "vault.version"
KINDS = ("auto", "dpapi", "keyring", "passphrase", "file")


def nobody_to_ask() -> str:
    """For programs without a person in front of them."""
    raise VaultRefused(
        "this vault needs its passphrase; start the client with `aitrading-client run`, which asks for it"
    )


def vault_in(data: Path, ask: Callable[[], str] = nobody_to_ask, key: bytes = b"") -> Vault:
    """The vault of a data directory, whether it exists yet or not. `ask` gets the passphrase where one is needed."""
    directory = data / VAULT_DIR
    passphrase = PassphraseKeeper(ask)
    keepers: dict[str, Callable[[], Keeper]] = {
        "passphrase": lambda: passphrase,
        "file": lambda: FileKeeper(directory / "vault.filekey", this_machine()),
        "keyring": _keyring_keeper,
    }
    notes: list[Note] = [FileNote(data / COUNTER_FILE)]
    if sys.platform == "win32":
        keepers["dpapi"] = lambda: DpapiKeeper(WindowsDpapi())
        notes.append(RegistryNote())
    elif _kept_by(directory / "vault.bin") == "keyring" and (keyring := system_keyring()) is not None:
        notes.append(KeyringNote(keyring))
    return Vault(directory, keepers, notes, key)


def best_kind() -> str:
    """The strongest keeper of this machine that needs nobody to type: Windows, else a real keyring, else a file."""
    if sys.platform == "win32":
        return "dpapi"
    return "keyring" if system_keyring() is not None else "file"


def _keyring_keeper() -> Keeper:
    keyring = system_keyring()
    if keyring is None:
        raise VaultRefused("this session has no keyring of the operating system; choose --keeper passphrase or file")
    return KeyringKeeper(keyring)


def _kept_by(path: Path) -> str:
    try:
        return header_of(read_private(path)).keeper
    except (OSError, VaultRefused):
        return ""
