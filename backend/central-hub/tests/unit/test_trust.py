"""The platform's root is shown, handed out, and put where browsers look."""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from central_hub.adapters.trust_plan import DEBIAN, FEDORA, Machine, Step, plan
from central_hub.adapters.trust_stores import carry_out, this_machine
from central_hub.cli import parser
from central_hub.cli.trust import run
from central_hub.ports import HubError
from kit.testing.pki import TestAuthority
from kit.tls import spki_pin

HOME = Path("/home/ann")
CERT = Path("/data/secrets/ca/root.pem")


def platform(folder: Path) -> Path:
    """A data directory with a root."""
    root = folder / "secrets" / "ca" / "root.pem"
    root.parent.mkdir(parents=True)
    from kit.pki import pem

    root.write_bytes(pem(TestAuthority(folder / "x").root.certificate))
    return root


def options(data: Path, *arguments: str) -> argparse.Namespace:
    return parser().parse_args(["trust", "--data", str(data), *arguments])


def test_it_says_what_the_root_is_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = platform(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run(options(tmp_path)) == 0
    told = capsys.readouterr().out
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    certificate = x509.load_pem_x509_certificate(root.read_bytes())
    assert certificate.fingerprint(SHA256()).hex(":").upper() in told
    assert spki_pin(certificate.public_bytes(Encoding.DER)) in told
    assert str(root) in told
    assert "With --install it is put here:" in told
    assert sorted(tmp_path.rglob("*")) == before


def test_it_hands_the_root_out_and_never_over_something_else(tmp_path: Path) -> None:
    root = platform(tmp_path)
    target = tmp_path / "out.pem"
    assert run(options(tmp_path, "--export", str(target))) == 0
    assert target.read_bytes() == root.read_bytes()
    assert run(options(tmp_path, "--export", str(target))) == 0
    target.write_text("another platform's")
    with pytest.raises(HubError, match="something else"):
        run(options(tmp_path, "--export", str(target)))


def test_without_a_root_it_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="aitrading up"):
        run(options(tmp_path))


def test_each_system_has_its_own_places() -> None:
    (windows,) = plan(Machine("win32", {"certutil"}, HOME), CERT, "ABCD1234")
    assert windows.run == (("certutil", "-user", "-addstore", "Root", str(CERT)),)
    (mac,) = plan(Machine("darwin", {"security"}, HOME), CERT, "ABCD1234")
    assert mac.run[0][:4] == ("security", "add-trusted-cert", "-r", "trustRoot")
    debian, chrome, firefox = plan(
        Machine("linux", {"update-ca-certificates", "certutil"}, HOME, [HOME / "ff"], root=True), CERT, "ABCD1234"
    )
    assert (debian.run, debian.copy_to) == ((("update-ca-certificates",),), DEBIAN / "aitrading-ABCD1234.crt")
    assert [step.run[-1][2] for step in (chrome, firefox)] == ["sql:/home/ann/.pki/nssdb", "sql:/home/ann/ff"]
    # trusted for web pages only, neither for mail nor for programs
    assert chrome.run[-1][3:6] == ("-A", "-t", "C,,")
    fedora, *_ = plan(Machine("linux", {"update-ca-trust"}, HOME, root=True), CERT, "ABCD1234")
    assert fedora.copy_to == FEDORA / "aitrading-ABCD1234.crt"


def test_what_can_not_be_done_is_said_with_what_to_do() -> None:
    system, chrome = plan(Machine("linux", {"update-ca-certificates"}, HOME), CERT, "ABCD1234")
    assert "sudo" in system.why_not
    assert "libnss3-tools" in chrome.why_not
    bare, _ = plan(Machine("linux", (), HOME), CERT, "ABCD1234")
    assert "neither" in bare.why_not


def test_a_place_that_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="somewhere: false failed"):
        carry_out(Step("somewhere", (("false",),)), tmp_path)


@pytest.mark.skipif(shutil.which("update-ca-certificates") is None, reason="no update-ca-certificates here")
def test_debians_store_takes_the_root(tmp_path: Path) -> None:
    root = platform(tmp_path)
    for folder in ("local", "certs", "etc", "hooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "conf").touch()
    places = (
        "--certsconf", "conf", "--certsdir", "certs", "--localcertsdir", "local", "--etccertsdir", "etc", "--hooksdir",
        "hooks",
    )  # fmt: skip
    command = ("update-ca-certificates", *(p if p.startswith("--") else str(tmp_path / p) for p in places))
    carry_out(Step("a Debian of its own", (command,), tmp_path / "local" / "aitrading-X.crt"), root)
    bundle = (tmp_path / "etc" / "ca-certificates.crt").read_text()
    assert root.read_text().strip() in bundle


@pytest.mark.skipif(shutil.which("certutil") is None, reason="no certutil here (Debian: libnss3-tools)")
def test_the_browsers_store_takes_the_root_for_web_pages_only(tmp_path: Path) -> None:
    root = platform(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    machine = this_machine(home)
    *_, chrome = plan(Machine(machine.system, machine.programs, home), root, "ABCD1234")
    carry_out(chrome, root)
    listed = subprocess.run(
        ["certutil", "-d", f"sql:{home}/.pki/nssdb", "-L"], capture_output=True, text=True, check=True
    ).stdout
    assert "AI trading platform ABCD1234" in listed
    assert "C,," in listed
    again = plan(Machine(machine.system, machine.programs, home), root, "ABCD1234")[-1]
    assert len(again.run) == 1, "the store exists now and is not made anew"
    assert os.stat(home / ".pki/nssdb").st_mode & 0o077 == 0
