"""PostgreSQL below directories that are closed to others, when the platform is started by root."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from central_hub.adapters.postgres_server import NOBODY, drop_root, find_folder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become another user"),
]


def test_programs_and_data_below_a_closed_directory_are_reached(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installed = find_folder().parent  # the wheel's pginstall18, whose programs find their libraries beside the package
    package = closed / installed.parent.name
    shutil.copytree(installed, package / installed.name, symlinks=True)
    shutil.copytree(installed.parent.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    cluster = closed / "cluster"
    cluster.mkdir(mode=0o700)
    os.chown(cluster, NOBODY, NOBODY)
    initdb = package / installed.name / "bin" / "initdb"
    done = subprocess.run(
        [*drop_root(), str(initdb), "-D", str(cluster), "--no-sync", "--locale=C"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (cluster / "PG_VERSION").exists()
