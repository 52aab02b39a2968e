"""`aitrading-client vault`: a secret goes in unseen, nothing comes out, and what is wrong is said in a sentence."""

import json
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.audit_log import AuditLog
from client_security.adapters.papers import Papers
from client_security.testing import enrolment_of
from client_security.vaults import vault_in
from kit.testing.pki import TestAuthority

pytestmark = pytest.mark.integration
PASSWORD = "hunter2-of-the-broker"


def client(data, *arguments: str, given: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desktop.cli", *arguments, "--data", str(data)]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def data(tmp_path):
    authority = TestAuthority(tmp_path / "server")
    enrolment = enrolment_of(authority, "wss://127.0.0.1:1/terminal", Ed25519PrivateKey.generate())
    (tmp_path / "enrolment.json").write_text(json.dumps(enrolment))
    Papers(vault_in(tmp_path / "data")).import_enrolment(tmp_path / "enrolment.json", "file")
    return tmp_path / "data"


def test_a_password_is_read_from_the_prompt_and_never_shown(data) -> None:
    assert client(data, "vault", "set", "mt5-password", given=PASSWORD + "\n").returncode == 0
    assert vault_in(data).entry("mt5-password") == PASSWORD.encode()
    status = client(data, "vault", "status")
    assert "enrolment, mt5-password" in status.stdout
    assert "the weakest choice" in status.stdout
    assert PASSWORD not in status.stdout + status.stderr
    assert client(data, "vault", "remove", "mt5-password").returncode == 0
    assert vault_in(data).entry("mt5-password") is None


def test_an_empty_password_changes_nothing_and_there_is_no_way_to_give_it_as_an_argument(data) -> None:
    assert client(data, "vault", "set", "mt5-password", given="\n").returncode == 2
    assert client(data, "vault", "set", "mt5-password", PASSWORD).returncode == 2
    assert vault_in(data).entry("mt5-password") is None


def test_verify_counts_the_audit_log_and_names_a_cut_off_end(data) -> None:
    log = AuditLog(data / "audit.jsonl")
    for i in range(3):
        log.append(i, "order_filled", f"s{i}", {})
    Papers(vault_in(data)).keep_audit_head(log.last)
    log.close()
    good = client(data, "vault", "verify")
    assert (good.returncode, "3 record(s), every hash fits" in good.stdout) == (0, True)
    lines = (data / "audit.jsonl").read_bytes().splitlines(keepends=True)
    (data / "audit.jsonl").write_bytes(b"".join(lines[:1]))
    bad = client(data, "vault", "verify")
    assert (bad.returncode, "the end was cut off" in bad.stdout) == (1, True)


def test_F17_an_older_copy_is_refused_on_the_command_line_until_it_is_accepted(data) -> None:
    path = data / "secrets" / "vault.bin"
    old = path.read_bytes()
    assert client(data, "vault", "rotate").returncode == 0
    path.write_bytes(old)
    refused = client(data, "vault", "status")
    assert (refused.returncode, "older copy" in refused.stderr) == (2, True)
    assert client(data, "vault", "accept").returncode == 0
    assert client(data, "vault", "status").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: Windows hands no numbered descriptors to a program")
def test_the_key_moves_to_a_passphrase_that_comes_from_a_file_or_a_descriptor(data, tmp_path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery\n")
    moved = client(data, "vault", "rotate", "--keeper", "passphrase", "--passphrase-file", str(secret))
    assert moved.returncode == 0, moved.stderr
    reading, writing = os.pipe()
    os.write(writing, b"correct horse battery")
    os.close(writing)
    opened = client(data, "vault", "status", "--passphrase-fd", str(reading), pass_fds=(reading,))
    os.close(reading)
    assert "kept by passphrase" in opened.stdout
    assert client(data, "vault", "status").returncode == 2


def test_doctor_says_what_protects_the_process(data) -> None:
    said = client(data, "doctor").stdout
    assert "core dumps disabled on" in said
    assert "memory closed to others on" in said or sys.platform != "linux"
