"""What was promised to be on disk is on disk: seen from the system calls, not from a setting."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

JOURNAL = """
import os, sys
from pathlib import Path
from metatrader_connector.adapters.sqlite import Database
db = Database(Path(sys.argv[1]), "create table if not exists t (x integer)")
for number in range(20):
    os.write(1, b"COMMIT")
    db.now(lambda c: c.execute("insert into t values (1)"))
    os.write(1, b"KEPT")
db.close()
"""


def test_every_commit_of_the_journal_waits_for_the_disk(tmp_path: Path, counted: Callable[[int, int], None]) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NO STRACE: install strace to see whether commits reach the disk")
    trace = tmp_path / "trace"
    done = subprocess.run(
        [
            *(strace, "-f", "-qq", "-e", "trace=write,fsync,fdatasync", "-o", str(trace)),
            *(sys.executable, "-c", JOURNAL, str(tmp_path / "journal.sqlite")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("NO PTRACE: this machine does not let strace look")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text()
    commits = re.findall(r'"COMMIT"(.*?)"KEPT"', calls, re.DOTALL)
    assert all("fdatasync(" in commit or "fsync(" in commit for commit in commits)
    counted(len(commits), 20)
