"""`aitrading-client setup` as a program, with the real vault, settings, limits and a simulated terminal."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.papers import Papers
from client_security.testing import enrolment_of
from client_security.vaults import vault_in
from contracts.terminals import Joined
from kit.testing.pki import TestAuthority

pytestmark = pytest.mark.integration


def client(data: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desktop.cli", *arguments, "--data", str(data)]
    return subprocess.run(command, input=given or "", capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def answers(tmp_path) -> Path:
    """For a server that is not there and a simulated terminal."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = f"wss://127.0.0.1:{port}/terminal"
    enrolment = enrolment_of(TestAuthority(tmp_path / "server"), server, Ed25519PrivateKey.generate())
    (tmp_path / "enrolment.json").write_text(json.dumps(enrolment))
    (tmp_path / "terminal.json").write_text(json.dumps({"account": {"login": 1000001}}))
    path = tmp_path / "answers.json"
    path.write_text(
        json.dumps(
            {
                "enrolment": str(tmp_path / "enrolment.json"),
                "fingerprint": enrolment["pins"][0],
                "terminal": "mt5sim",
                "terminal_path": str(tmp_path / "terminal.json"),
                "symbols": "EURUSD",
                "max_volume_per_order": "0.25",
            }
        )
    )
    return path


def joined(data: Path) -> None:
    now = time.time_ns() // 1_000_000
    papers = Papers(vault_in(data))
    papers.keep_membership(Joined(terminal="1000001-abcd", chain=b"", token="", issued_ms=now, expires_ms=now + 1))


def test_without_the_server_it_stops_at_joining_and_goes_on_from_there(answers, tmp_path) -> None:
    data = tmp_path / "data"
    first = client(data, "setup", "--answers", str(answers), "--keeper", "file")
    assert first.returncode == 2
    assert "The server was not reached" in first.stdout
    assert "`aitrading-client setup` goes on from there" in first.stderr
    assert not (data / "limits.json").exists()
    joined(data)
    spent = {k: v for k, v in json.loads(answers.read_text()).items() if k not in ("enrolment", "fingerprint")}
    answers.write_text(json.dumps(spent))
    second = client(data, "setup", "--answers", str(answers))
    assert second.returncode == 0, second.stdout + second.stderr
    assert "has joined already, as 1000001-abcd" in second.stdout
    assert "Account 1000001 at mt5sim-Demo" in second.stdout
    assert "EURUSD: MT5 would take 0.01 lots" in second.stdout
    assert "Nothing was traded" in second.stdout
    shown = client(data, "limits", "show")
    assert json.loads(shown.stdout)["max_volume_per_order"] == "0.25"
    assert json.loads(shown.stdout)["symbols"] == ["EURUSD"]
    assert "does not count" not in shown.stdout


def test_a_wrong_fingerprint_leaves_no_trace_on_the_disk(answers, tmp_path) -> None:
    wrong = "sha256/" + "A" * 43
    refused = client(tmp_path / "data", "setup", "--answers", str(answers), "--fingerprint", wrong)
    assert refused.returncode == 2
    assert "This is not the fingerprint of the file" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_answers_nobody_asks_for_and_answers_that_are_missing_are_named(answers, tmp_path) -> None:
    answers.write_text('{"colour": "blue"}')
    assert "there is no question called colour" in client(tmp_path / "d", "setup", "--answers", str(answers)).stderr
    answers.write_text("{}")
    assert "no answer called enrolment" in client(tmp_path / "d", "setup", "--answers", str(answers)).stderr
