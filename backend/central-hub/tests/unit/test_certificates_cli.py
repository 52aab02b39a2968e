"""`aitrading ca …` and what the doctor says of certificates."""

import json
import shutil
from pathlib import Path

import pytest

from central_hub.adapters.ca_files import HOLDERS, CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.cli import main
from kit import pki
from kit.tls import Identity, TlsFiles, client_context, identity_of


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.open()
    return made


@pytest.fixture
def ca(data: DataDir) -> CaFiles:
    made = CaFiles(data.secrets)
    made.open()
    return made


def test_the_state_of_all_certificates_is_told(data: DataDir, ca: CaFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca", "status", "--data", str(data.root)]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{holder} " in said for holder in HOLDERS)
    assert "move" in said
    assert main(["ca", "status", "--json", "--data", str(data.root)]) == 0
    assert set(json.loads(capsys.readouterr().out)["certificates"]) == {"root", "intermediate", *HOLDERS}


def test_without_an_authority_one_sentence_says_so(data: DataDir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca", "status", "--data", str(data.root)]) == 1
    assert "aitrading up" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["renew", "renew-intermediate"])
def test_a_renewal_is_for_everybody(data: DataDir, ca: CaFiles, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    old = pki.der(TlsFiles(ca.leaf_folder("data-bridge")).leaf())
    assert main(["ca", verb, "--data", str(data.root)]) == 0
    assert pki.der(TlsFiles(ca.leaf_folder("data-bridge")).leaf()) != old
    assert "data-bridge" in capsys.readouterr().out


def test_a_program_gets_a_certificate_of_its_tenant_in_files_of_its_own(
    data: DataDir, ca: CaFiles, tmp_path: Path
) -> None:
    out = tmp_path / "robot"
    wanted = ["ca", "program", "robot", "--tenant", "acme", "--days", "7", "--out", str(out), "--data", str(data.root)]
    assert main(wanted) == 0
    leaf = TlsFiles(out).leaf()
    assert identity_of(pki.der(leaf)) == Identity.program("acme", "robot")
    assert 6 <= (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 7
    assert (out / "key.pem").stat().st_mode & 0o077 == 0
    client_context(TlsFiles(out))


@pytest.mark.parametrize("wrong", [["--days", "91"], ["--days", "0"], ["--tenant", "Not A Tenant"]])
def test_a_programs_certificate_is_not_made_for_ever_nor_for_nobody(
    data: DataDir, ca: CaFiles, tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "robot"
    assert main(["ca", "program", "robot", "--out", str(out), "--data", str(data.root), *wrong]) == 1
    assert "1 to 90 days" in (said := capsys.readouterr().err) or "names of letters" in said
    assert not out.exists()


def doctor(data: DataDir, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    main(["doctor", "--json", "--data", str(data.root)])
    return {line["text"]: line["state"] for line in json.loads(capsys.readouterr().out) if line["what"] == "ca"}


def test_the_doctor_warns_of_a_root_key_on_this_machine(
    data: DataDir, ca: CaFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any("root's key" in text and state == "warning" for text, state in doctor(data, capsys).items())
    shutil.rmtree(ca.offline)
    assert not any("root's key" in text for text in doctor(data, capsys))


def test_the_doctor_tells_of_what_has_expired_and_of_what_ends_soon(
    data: DataDir, ca: CaFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(data.secrets / "ca")
    past = ca.now_ms() - 350 * 86_400_000
    CaFiles(data.secrets, now_ms=lambda: past).open()
    said = " ".join(doctor(data, capsys))
    assert "expired: " in said
    assert "renew-intermediate" in said


def test_the_doctor_finds_a_seed_that_others_may_read(
    data: DataDir, ca: CaFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    (data.secrets / "tls" / "nats" / "key.pem").chmod(0o644)
    assert main(["doctor", "--data", str(data.root)]) == 1
    assert "chmod go=" in capsys.readouterr().out
