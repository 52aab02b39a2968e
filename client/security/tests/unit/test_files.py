"""The vault and the audit log notice every change; a torn end is moved aside, never repaired in silence."""

import stat

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.audit_log import AuditDamaged, AuditLog, read, verify
from client_security.adapters.vault_file import Vault, VaultRefused
from client_security.domain.chain import sealed
from kit.keys import key_id, public_text


def enrolment_file(tmp_path):
    key = Ed25519PrivateKey.generate()
    path = tmp_path / "enrolment.json"
    body = {
        "server": "ws://127.0.0.1:8001/terminal",
        "tenant": "default",
        "account": "1000001",
        "token": "secret.token.text",
        "signal_keys": {key_id(key): public_text(key)},
        "issued_ms": 1,
    }
    path.write_bytes(msgspec.json.encode(body))
    return path


def test_what_was_imported_comes_back_and_only_its_owner_may_read_it(tmp_path) -> None:
    vault = Vault(tmp_path / "secrets")
    imported = vault.import_enrolment(enrolment_file(tmp_path))
    assert vault.enrolment() == imported
    assert [stat.S_IMODE(p.stat().st_mode) for p in sorted((tmp_path / "secrets").iterdir())] == [0o600, 0o600]


def test_every_flipped_byte_of_the_vault_is_noticed(tmp_path) -> None:
    vault = Vault(tmp_path / "secrets")
    vault.import_enrolment(enrolment_file(tmp_path))
    whole = vault.path.read_bytes()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        vault.path.write_bytes(bytes(changed))
        with pytest.raises(VaultRefused):
            vault.enrolment()


def test_a_vault_that_others_may_read_is_refused(tmp_path) -> None:
    vault = Vault(tmp_path / "secrets")
    vault.import_enrolment(enrolment_file(tmp_path))
    vault.path.chmod(0o644)
    with pytest.raises(VaultRefused, match="0600"):
        vault.enrolment()


def test_an_empty_vault_and_a_missing_file_say_what_to_do(tmp_path) -> None:
    with pytest.raises(VaultRefused, match="--enrolment"):
        Vault(tmp_path / "nothing").enrolment()
    with pytest.raises(VaultRefused, match="cannot read"):
        Vault(tmp_path / "nothing").import_enrolment(tmp_path / "absent.json")


def three_records(path) -> AuditLog:
    log = AuditLog(path)
    for i in range(3):
        log.append(i, "order_filled", f"s{i}", {"volume": "0.1"})
    return log


def test_a_chain_goes_on_after_a_restart_and_verifies(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    three_records(path).close()
    log = AuditLog(path)
    assert log.append(9, "order_refused", "s", {}).index == 3
    log.close()
    assert verify(path) == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"0.1", b"9.9"), lines[2]], "record 1 was changed"),
        (lambda lines: [lines[0], lines[2]], "record 1 is missing"),
        (lambda lines: [lines[1], lines[0], lines[2]], "record 0 is missing"),
        (lambda lines: [lines[0], b"garbage", lines[2]], "line 1"),
    ],
)
def test_the_first_bad_record_is_named(tmp_path, damage, names) -> None:
    path = tmp_path / "audit.jsonl"
    three_records(path).close()
    path.write_bytes(b"\n".join(damage(path.read_bytes().splitlines())) + b"\n")
    with pytest.raises(AuditDamaged, match=names):
        verify(path)


def test_a_record_of_another_chain_does_not_continue_this_one(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    three_records(path).close()
    records = list(read(path))
    forged = sealed(msgspec.structs.replace(records[2], previous="f" * 64))
    path.write_bytes(b"\n".join(map(msgspec.json.encode, [*records[:2], forged])) + b"\n")
    with pytest.raises(AuditDamaged, match="record 2 does not continue"):
        verify(path)


def test_a_torn_last_line_is_kept_aside_and_the_chain_goes_on(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    three_records(path).close()
    with path.open("ab") as file:
        file.write(b'{"index":3,"at_')
    log = AuditLog(path)
    log.append(9, "order_filled", "s", {})
    log.close()
    assert verify(path) == 4
    assert path.with_suffix(".torn").read_bytes().startswith(b'{"index":3')


def test_no_log_yet_is_zero_records(tmp_path) -> None:
    assert verify(tmp_path / "audit.jsonl") == 0
