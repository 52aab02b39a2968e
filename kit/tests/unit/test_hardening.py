"""A hardened process leaves no core file and closes its memory; what is not known is not called on."""

import json
import subprocess
import sys

import pytest

from kit.hardening import Mitigation, mitigations, windows_mitigations

CHILD = """
import json, sys
from kit.hardening import harden, mitigations
harden()
print(json.dumps({m.name: m.on for m in mitigations()}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc; on Windows the real call is made below")
def test_a_hardened_process_is_closed_to_others_and_leaves_no_core_file() -> None:
    said = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True, timeout=20).stdout
    found = json.loads(said)
    assert found["core dumps disabled"] is True
    assert found["memory closed to others"] is True
    assert isinstance(found["ASLR"], bool)
    assert found["NX"] is not None


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_without_hardening_the_report_says_off() -> None:
    script = CHILD.replace("harden()\n", "", 1).replace("import harden,", "import")
    found = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert found["memory closed to others"] is False


def test_windows_flags_are_read_bit_by_bit_and_an_unknown_policy_is_unknown() -> None:
    answers = {0: 0b1, 1: 0b100, 7: 0b0}
    found = {m.name: m.on for m in windows_mitigations(answers.get)}
    assert found == {
        "DEP": True, "ASLR": False, "ASLR high entropy": True, "CFG": False, "strict handle checks": None,
    }  # fmt: skip
    assert str(Mitigation("CFG", None)) == "CFG unknown"


@pytest.mark.skipif(sys.platform != "win32", reason="NOT RUN: GetProcessMitigationPolicy exists on Windows only")
def test_windows_itself_answers() -> None:
    assert {m.name for m in mitigations() if m.on is not None} >= {"DEP", "ASLR"}
