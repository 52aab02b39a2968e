"""The enrolment in the vault, and the audit log: every change is noticed, a torn end is moved aside, never repaired."""

import hashlib
import hmac
import os
import stat

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.audit_log import AuditDamaged, AuditLog, read, verify
from client_security.adapters.papers import Papers
from client_security.domain.chain import Head, sealed
from client_security.domain.vault_format import VaultRefused
from client_security.testing import enrolment_of
from client_security.vaults import vault_in
from kit.testing.pki import TestAuthority


def enrolment_file(tmp_path, **changes: object):
    path = tmp_path / "enrolment.json"
    authority = TestAuthority(tmp_path / "server")
    key = Ed25519PrivateKey.generate()
    changes = {"join_token": "secret.token.text", **changes}
    path.write_bytes(msgspec.json.encode(enrolment_of(authority, "wss://127.0.0.1:1/terminal", key, **changes)))
    return path


def test_an_imported_enrolment_comes_back_and_its_token_is_in_no_file_in_plain_sight(tmp_path) -> None:
    data = tmp_path / "data"
    imported = Papers(vault_in(data)).import_enrolment(enrolment_file(tmp_path), "file")
    assert Papers(vault_in(data)).enrolment() == imported
    files = [path for path in data.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not [path for path in files if b"secret.token.text" in path.read_bytes()]
    assert "secret.token.text" not in repr(imported)


def test_no_enrolment_and_a_missing_file_say_what_to_do(tmp_path) -> None:
    with pytest.raises(VaultRefused, match="--enrolment"):
        Papers(vault_in(tmp_path)).enrolment()
    with pytest.raises(VaultRefused, match="cannot read"):
        Papers(vault_in(tmp_path)).import_enrolment(tmp_path / "absent.json", "file")


def old_vault(tmp_path, key: bytes = b"k" * 32) -> bytes:
    """As clients before the vault's second version wrote it."""
    body = enrolment_file(tmp_path).read_bytes()
    mac = hmac.new(key, b"aitrading vault v1\x00" + body, hashlib.sha256).digest()
    folder = tmp_path / "data" / "secrets"
    folder.mkdir(parents=True)
    for name, data in (("vault.json", msgspec.json.encode({"body": body, "mac": mac})), ("vault.key", b"6b" * 32)):
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    return body


def test_what_an_older_client_kept_is_moved_into_the_vault_once(tmp_path) -> None:
    old_vault(tmp_path)
    papers = Papers(vault_in(tmp_path / "data"))
    assert papers.adopt_old("file")
    assert papers.enrolment().join_token == "secret.token.text"
    assert not papers.adopt_old("file")
    left = sorted(path.name for path in (tmp_path / "data" / "secrets").iterdir())
    assert left == ["vault.bin", "vault.filekey", "vault.lock"]


def test_a_changed_old_vault_is_not_moved(tmp_path) -> None:
    old_vault(tmp_path, key=b"x" * 32)
    with pytest.raises(VaultRefused, match="changed"):
        Papers(vault_in(tmp_path / "data")).adopt_old("file")


def three_records(path) -> AuditLog:
    log = AuditLog(path)
    for i in range(3):
        log.append(i, "order_filled", f"s{i}", {"volume": "0.1"})
    return log


def test_a_disk_that_takes_half_a_record_leaves_a_log_that_can_be_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "audit.jsonl"
    log, whole = three_records(path), os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: whole(file, data[:9]))
        with pytest.raises(OSError, match="part"):
            log.append(9, "order_filled", "s", {})
    log.append(9, "order_filled", "s", {})
    log.close()
    assert verify(path) == 4


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


def test_an_end_that_was_cut_off_is_noticed_when_the_vault_remembers_it(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    log = three_records(path)
    last = log.last
    log.close()
    papers = Papers(vault_in(tmp_path))
    papers.vault.create("file", {})
    papers.keep_audit_head(last)
    assert verify(path, papers.audit_head()) == 3
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:2]) + b"\n")
    assert verify(path) == 2
    with pytest.raises(AuditDamaged, match="the end was cut off"):
        verify(path, papers.audit_head())


def test_a_log_rewritten_from_start_to_end_is_noticed_when_the_vault_remembers_it(tmp_path) -> None:
    path = tmp_path / "audit.jsonl"
    three_records(path).close()
    with pytest.raises(AuditDamaged, match="rewritten"):
        verify(path, Head(1, "0" * 64))
