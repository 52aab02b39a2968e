"""The settings on the command line, from the desktop's program to the config manager's files."""

import subprocess
import sys
from pathlib import Path

from client_security.adapters.papers import ENROLMENT
from client_security.vaults import vault_in
from config_manager.adapters.secret_box import SecretBox
from config_manager.adapters.version_files import VersionFiles

SECRET = "canary-77-feed-key"


def run(data: Path, *words: str, given: str = "") -> tuple[int, str]:
    command = [sys.executable, "-m", "desktop.cli", "config", *words, "--data", str(data)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_settings_are_changed_kept_sealed_and_put_back(tmp_path) -> None:
    vault_in(tmp_path).create("file", {ENROLMENT: b"{}"})
    assert run(tmp_path, "change", "poll_ms=5", "log_level=debug")[0] == 0
    code, told = run(tmp_path, "change", "poll_ms=0")
    assert (code, "poll_ms is 0.0: use 1 to 1000 ms" in told) == (2, True)
    assert run(tmp_path, "keep", "poll_ms")[0] == 0
    assert "yours, kept" in run(tmp_path, "show")[1]
    assert run(tmp_path, "secret", "news.fred", given=SECRET + "\n")[0] == 0
    current = VersionFiles(tmp_path / "config").current()
    assert current is not None
    assert SecretBox(vault_in(tmp_path)).open("news.fred", current.choice.secrets["news.fred"]) == SECRET
    backup = tmp_path / "backup"
    assert run(tmp_path, "backup", str(backup))[0] == 0
    run(tmp_path, "reset", "poll_ms")
    assert run(tmp_path, "restore", str(backup))[0] == 0
    after = VersionFiles(tmp_path / "config").current()
    assert after is not None
    assert (after.config.poll_ms, after.config.log_level) == (5.0, "debug")
