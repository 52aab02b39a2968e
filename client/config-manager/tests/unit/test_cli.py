"""The verbs that a person uses: they change, keep, seal, back up and restore, and say what they did."""

import subprocess
import sys
from pathlib import Path

import pytest

from client_security.adapters.papers import ENROLMENT
from client_security.vaults import vault_in
from config_manager.adapters.secret_box import SecretBox
from config_manager.adapters.version_files import VersionFiles
from config_manager.cli import main
from config_manager.domain.versions import with_offer
from contracts.client_config import ClientConfigOffer

SECRET = "canary-9f31-broker-feed-key"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    vault_in(tmp_path / "pc").create("file", {ENROLMENT: b"{}"})
    return tmp_path / "pc" / "config"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_change_is_shown_with_its_unit_and_where_it_comes_from(directory, capsys) -> None:
    assert said(capsys, "change", directory, "poll_ms=5", "symbols=EURUSD,XAUUSD") == (
        0, "version 1: changed poll_ms, symbols; it is used from the next start on\n",
    )  # fmt: skip
    assert said(capsys, "change", directory, "poll_ms=5") == (0, "nothing changed\n")
    code, shown = said(capsys, "show", directory)
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert (code, lines["poll_ms"].split()[1:4]) == (0, ["5.0", "ms", "yours"])
    assert "EURUSD, XAUUSD" in lines["symbols"]
    assert "default" in lines["log_level"]
    assert said(capsys, "reset", directory, "poll_ms")[0] == 0
    assert VersionFiles(directory).current().config.poll_ms == 10.0


def test_a_value_that_the_server_sets_is_said_and_can_be_kept(directory, capsys) -> None:
    files = VersionFiles(directory)
    files.change(lambda now: with_offer(now, ClientConfigOffer("default", "", 4, 1, {"poll_ms": 50})), 1)
    _, told = said(capsys, "change", directory, "poll_ms=5")
    assert "poll_ms comes from the server (revision 4): `config keep poll_ms` makes yours win" in told
    assert files.current().config.poll_ms == 50.0
    assert "yours wins: poll_ms" in said(capsys, "keep", directory, "poll_ms")[1]
    assert files.current().config.poll_ms == 5.0
    assert "the server wins: poll_ms" in said(capsys, "follow", directory, "poll_ms")[1]
    assert files.current().config.poll_ms == 50.0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("change", "poll_ms=0"), "poll_ms is 0.0: use 1 to 1000 ms"),
        (("change", "max_volume=9"), "there is no setting 'max_volume'"),
        (("keep", "what"), "there is no setting 'what'"),
        (("rollback", "7"), "there is no version 7"),
        (("show",), "no settings were saved yet"),
        (("change",), "usage"),
        (("keep",), "usage"),
        (("rollback", "x"), "usage"),
        (("dance",), "usage"),
    ],
)
def test_what_can_not_be_done_is_said_in_words(directory, capsys, words, says) -> None:
    verb, *rest = words
    code, told = said(capsys, verb, directory, *rest)
    assert (code, says in told) == (2, True)


def seal(directory: Path, name: str, text: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "config_manager", "secret", str(directory), name]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=False)


def test_F17_a_secret_lies_nowhere_in_plain_and_opens_under_its_name_only(directory, capsys) -> None:
    done = seal(directory, "news.fred", SECRET + "\n")
    assert (done.returncode, done.stderr) == (0, b"")
    everything = b"".join(path.read_bytes() for path in directory.parent.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything + done.stdout
    assert SECRET.encode().hex().encode() not in everything
    box, sealed = SecretBox(vault_in(directory.parent)), VersionFiles(directory).current().choice.secrets["news.fred"]
    assert box.open("news.fred", sealed) == SECRET
    assert box.open("news.other", sealed) is None
    for at in range(0, len(sealed), 2):
        changed = f"{int(sealed[at : at + 2], 16) ^ 1:02x}"
        assert box.open("news.fred", sealed[:at] + changed + sealed[at + 2 :]) is None
    assert "news.fred" in said(capsys, "show", directory)[1]
    assert said(capsys, "forget", directory, "news.fred")[0] == 0
    assert VersionFiles(directory).current().choice.secrets == {}


def test_a_secret_without_a_vault_or_a_value_is_refused(tmp_path) -> None:
    without = seal(tmp_path / "config", "news.fred", SECRET)
    assert without.returncode == 2
    assert b"no enrolment was imported yet" in without.stderr


def test_a_backup_is_restored_whole_or_not_at_all(directory, tmp_path, capsys) -> None:
    said(capsys, "change", directory, "poll_ms=5")
    seal(directory, "news.fred", SECRET)
    assert "secrets in it open on this PC only" in said(capsys, "backup", directory, tmp_path / "b")[1]
    assert SECRET.encode() not in (tmp_path / "b").read_bytes()
    said(capsys, "change", directory, "poll_ms=50")
    whole = (tmp_path / "b").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "b").write_bytes(whole[:size])
        assert said(capsys, "restore", directory, tmp_path / "b")[0] == 2, size
    for at in range(len(whole)):
        (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert said(capsys, "restore", directory, tmp_path / "b")[0] == 2, at
    assert VersionFiles(directory).current().config.poll_ms == 50.0
    (tmp_path / "b").write_bytes(whole)
    assert "restored from a backup" in said(capsys, "restore", directory, tmp_path / "b")[1]
    current = VersionFiles(directory).current()
    assert (current.config.poll_ms, list(current.choice.secrets)) == (5.0, ["news.fred"])
    assert len(VersionFiles(directory).all()) == 4


def test_on_another_pc_the_settings_are_restored_and_the_secrets_are_asked_for_again(
    directory, tmp_path, capsys
) -> None:
    said(capsys, "change", directory, "poll_ms=5")
    seal(directory, "news.fred", SECRET)
    said(capsys, "backup", directory, tmp_path / "b")
    other = tmp_path / "other" / "config"
    vault_in(other.parent).create("file", {ENROLMENT: b"{}"})
    told = said(capsys, "restore", other, tmp_path / "b")[1]
    assert "sealed on another PC, give them again: news.fred" in told
    assert VersionFiles(other).current().config.poll_ms == 5.0
    assert VersionFiles(other).current().choice.secrets == {}


def test_a_restore_never_brings_an_older_offer_of_the_server_back(directory, tmp_path, capsys) -> None:
    files = VersionFiles(directory)
    files.change(lambda now: with_offer(now, ClientConfigOffer("default", "", 4, 1, {"poll_ms": 50})), 1)
    said(capsys, "backup", directory, tmp_path / "b")
    files.change(lambda now: with_offer(now, ClientConfigOffer("default", "", 5, 1, {"poll_ms": 60})), 1)
    said(capsys, "restore", directory, tmp_path / "b")
    assert (files.current().choice.revision, files.current().config.poll_ms) == (5, 60.0)
