"""The vault: whole or refused, this user and this machine, never an older copy, and no secret in plain sight."""

import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from client_security.adapters.keepers import DpapiKeeper, FileKeeper, KeyringKeeper, PassphraseKeeper
from client_security.adapters.notes import FileNote
from client_security.adapters.vault_file import Vault
from client_security.domain import vault_format
from client_security.domain.vault_format import Contents, VaultRefused, header_of, opened
from client_security.ports import Machine
from client_security.testing import FakeDpapi, FakeKeyring

HERE = Machine("1000", "a-machine")
SECRET = b"-----the trader's private key-----"


def vault_of(data: Path, machine: Machine = HERE, key: bytes = b"", **keepers: object) -> Vault:
    made = {"file": lambda: FileKeeper(data / "secrets" / "vault.filekey", machine)}
    return Vault(data / "secrets", {**made, **keepers}, [FileNote(data / "vault.version")], key)  # type: ignore[dict-item]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    made = vault_of(tmp_path)
    made.create("file", {"terminal-key": SECRET})
    return made


def test_what_was_put_in_comes_back_in_another_process_and_can_be_taken_out(vault, tmp_path) -> None:
    vault.update({"token": b"t", "pins": b"p"})
    again = vault_of(tmp_path)
    assert again.entries() == {"terminal-key": SECRET, "token": b"t", "pins": b"p"}
    again.update({"token": None})
    assert vault.entry("token") is None


def test_F17_every_flipped_byte_of_vault_and_key_file_is_refused(vault, tmp_path) -> None:
    for path in (vault.path, tmp_path / "secrets" / "vault.filekey"):
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(VaultRefused):
                vault_of(tmp_path).entries()
        path.write_bytes(whole)
    assert vault_of(tmp_path).entry("terminal-key") == SECRET


def test_F17_a_cut_or_lengthened_vault_is_refused(vault, tmp_path) -> None:
    whole = vault.path.read_bytes()
    for changed in (b"", whole[:5], whole[:40], whole[:-1], whole + b"\x00"):
        vault.path.write_bytes(changed)
        with pytest.raises(VaultRefused):
            vault_of(tmp_path).entries()


@pytest.mark.parametrize("other", [replace(HERE, user="1001"), replace(HERE, machine="another")])
def test_F17_another_user_or_machine_is_refused_in_words(vault, tmp_path, other) -> None:
    with pytest.raises(VaultRefused, match="another user or another machine"):
        vault_of(tmp_path, other).entries()


def test_F17_an_older_copy_is_refused_until_a_person_accepts_it(vault, tmp_path) -> None:
    old = vault.path.read_bytes()
    vault.update({"terminal-key": b"the new key"})
    vault.path.write_bytes(old)
    for reader in (vault, vault_of(tmp_path)):
        with pytest.raises(VaultRefused, match="older copy"):
            reader.entries()
    with pytest.raises(VaultRefused, match="older copy"):
        vault.update({"x": b"y"})
    vault.accept()
    assert vault_of(tmp_path).entry("terminal-key") == SECRET


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_text(p.read_text().replace(" 2.", " 1."))])
def test_F17_a_counter_that_was_removed_or_changed_is_refused(vault, tmp_path, damage) -> None:
    vault.update({"a": b"b"})
    damage(tmp_path / "vault.version")
    with pytest.raises(VaultRefused, match="counter was removed or changed"):
        vault_of(tmp_path).entries()


def test_a_power_cut_between_vault_and_counter_is_forgiven(vault, tmp_path) -> None:
    counter = (tmp_path / "vault.version").read_bytes()
    vault.update({"a": b"b"})
    (tmp_path / "vault.version").write_bytes(counter)
    assert vault_of(tmp_path).entry("a") == b"b"
    vault_of(tmp_path).update({"c": b"d"})
    assert vault.status().counters == ("vault.version: 3",)


def test_F17_no_plain_text_lies_in_any_file_of_the_directory(vault, tmp_path) -> None:
    vault.update({"mt5-password": b"hunter2-hunter2"})
    vault.rotate()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert SECRET not in data, path
            assert b"hunter2" not in data, path
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_secrets_are_in_no_repr(vault, tmp_path) -> None:
    assert SECRET.decode() not in repr(vault)
    assert "key" not in repr(Contents(b"note-key", {"a": b"key"})).replace("note-key", "key-in-repr")
    keeper = PassphraseKeeper(lambda: "correct horse battery")
    keeper.keep(bytes(32), b"v")
    assert "correct" not in repr(keeper)


def test_no_nonce_is_used_twice_under_one_data_key(vault) -> None:
    seen = set()
    for i in range(50):
        vault.update({"n": b"%d" % i})
        header = header_of(vault.path.read_bytes())
        assert (header.data_key, header.nonce) not in seen
        seen.add((header.data_key, header.nonce))


def test_the_data_key_is_replaced_after_so_many_writes(vault) -> None:
    before = header_of(vault.path.read_bytes())
    now = vault._read()
    vault._write(replace(now, header=msgspec.structs.replace(now.header, writes=vault_format.ROTATE_AFTER)))
    after = header_of(vault.path.read_bytes())
    assert before.data_key != after.data_key
    assert after.writes == 1
    assert vault.entry("terminal-key") == SECRET


def test_rotation_changes_both_keys_and_the_old_vault_key_opens_nothing(vault, tmp_path) -> None:
    old_key = vault.unlocked_key()
    vault.rotate()
    with pytest.raises(VaultRefused):
        opened(vault.path.read_bytes(), old_key)
    assert vault_of(tmp_path).entry("terminal-key") == SECRET


def test_a_program_that_was_given_the_key_asks_no_keeper(vault, tmp_path) -> None:
    (tmp_path / "secrets" / "vault.filekey").unlink()
    assert vault_of(tmp_path, key=vault.unlocked_key()).entry("terminal-key") == SECRET
    with pytest.raises(VaultRefused):
        vault_of(tmp_path, key=bytes(32)).entries()


def test_others_may_not_read_it_and_there_is_only_one(vault, tmp_path) -> None:
    with pytest.raises(VaultRefused, match="already"):
        vault.create("file", {})
    vault.path.chmod(0o640)
    with pytest.raises(VaultRefused, match="0600"):
        vault.entries()


def test_no_vault_yet_says_what_to_do(tmp_path) -> None:
    with pytest.raises(VaultRefused, match="--enrolment"):
        vault_of(tmp_path).entries()


def test_a_keeper_this_machine_does_not_have_is_named(vault, tmp_path) -> None:
    nobody = Vault(tmp_path / "secrets", {}, [FileNote(tmp_path / "vault.version")])
    with pytest.raises(VaultRefused, match="'file'"):
        nobody.entries()


def test_F17_a_vault_of_windows_opens_for_its_user_only(tmp_path) -> None:
    vault_of(tmp_path, dpapi=lambda: DpapiKeeper(FakeDpapi())).create("dpapi", {"k": SECRET})
    assert vault_of(tmp_path, dpapi=lambda: DpapiKeeper(FakeDpapi())).entry("k") == SECRET
    with pytest.raises(VaultRefused, match="another Windows user or another PC"):
        vault_of(tmp_path, dpapi=lambda: DpapiKeeper(FakeDpapi("thief"))).entries()


def test_F17_a_vault_of_a_keyring_opens_where_the_keyring_knows_it(tmp_path) -> None:
    keyring = FakeKeyring()
    vault = vault_of(tmp_path, keyring=lambda: KeyringKeeper(keyring))
    vault.create("keyring", {"k": SECRET})
    vault.rotate()
    assert vault_of(tmp_path, keyring=lambda: KeyringKeeper(keyring)).entry("k") == SECRET
    with pytest.raises(VaultRefused, match="does not know this vault"):
        vault_of(tmp_path, keyring=lambda: KeyringKeeper(FakeKeyring())).entries()
    keyring.locked = True
    with pytest.raises(VaultRefused, match="unlock it"):
        vault_of(tmp_path, keyring=lambda: KeyringKeeper(keyring)).entries()


def test_F17_a_passphrase_opens_its_vault_and_a_wrong_or_short_one_does_not(tmp_path) -> None:
    def asking(text: str):
        return {"passphrase": lambda: PassphraseKeeper(lambda: text)}

    with pytest.raises(VaultRefused, match="at least 12"):
        vault_of(tmp_path, **asking("short")).create("passphrase", {})
    vault_of(tmp_path, **asking("correct horse battery")).create("passphrase", {"k": SECRET})
    assert vault_of(tmp_path, **asking("correct horse battery")).entry("k") == SECRET
    with pytest.raises(VaultRefused, match="does not open"):
        vault_of(tmp_path, **asking("correct horse batterz")).entries()


def test_the_key_can_move_to_another_keeper(vault, tmp_path) -> None:
    asked = PassphraseKeeper(lambda: "correct horse battery")
    vault_of(tmp_path, passphrase=lambda: asked).rotate("passphrase")
    (tmp_path / "secrets" / "vault.filekey").unlink()
    assert vault_of(tmp_path, passphrase=lambda: asked).entry("terminal-key") == SECRET
