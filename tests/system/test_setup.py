"""The guided set-up against the real server: a PC joins, sees its terminal, and is ready to run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stage import Stage

pytestmark = pytest.mark.system


def client(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desktop.cli", *words, "--data", str(data)]
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=120, check=False)


def test_a_pc_is_set_up_from_the_enrolment_to_a_checked_order_and_the_doctor_finds_the_server(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "data")
    pc = tmp_path / "pc"
    try:
        stage.start_platform()
        enrolment = stage.enrol()
        answers = tmp_path / "answers.json"
        given = {
            "enrolment": str(enrolment), "fingerprint": json.loads(enrolment.read_text())["pins"][0][:20],
            "terminal": "mt5sim", "terminal_path": str(stage.write_terminal()), "symbols": "EURUSD",
        }  # fmt: skip
        answers.write_text(json.dumps(given))
        done = client(pc, "setup", "--answers", str(answers), "--keeper", "file")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Joined, as " in done.stdout
        assert "EURUSD: MT5 would take" in done.stdout
        again = client(pc, "setup", "--answers", str(answers))
        assert again.returncode == 0, again.stdout + again.stderr
        assert "has joined already" in again.stdout
        assert again.stderr == ""
        examined = {each["name"]: each for each in json.loads(client(pc, "doctor", "--json").stdout)}
        assert examined["server"]["state"] == examined["TLS pin"]["state"] == examined["account"]["state"] == "ok"
        assert examined["certificate"]["state"] == "ok"
    finally:
        stage.stop()
