"""The programs that attack us and that we did not write: each pinned by hash in an environment of its own below .tools.

They are installed and run, never imported and never shipped: their licences bind them and not the platform.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kit.testing.alone import alone

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".tools"
LOCKS = ROOT / "tests" / "attack" / "locks"
UV = ROOT / ".uv" / "bin" / "uv"
NAMES = ("schemathesis", "sslyze", "sqlmap", "autobahn")
OLD = "autobahn"
"""Runs on Python 2.7 only, which is asked for nothing else."""
LIMIT_S = 600
_START = """#!{python}
import sys
sys.path.insert(0, {lib!r})
sys.argv[0] = "wstest"
from autobahntestsuite.wstest import run
run()
"""


def program(name: str) -> Path:
    """Where a tool's program is once it is installed."""
    return HOME / name / "bin" / name


def _mark(name: str) -> str:
    return hashlib.sha256(f"{sys.version} {(LOCKS / f'{name}.txt').read_text()}".encode()).hexdigest()


def ready(name: str) -> bool:
    """Whether exactly the locked version is installed."""
    stamp = HOME / name / "stamp"
    return stamp.is_file() and stamp.read_text() == _mark(name) and program(name).exists()


def old_python() -> str:
    """A Python 2.7 of this machine that has pip; empty when there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    # what stands on PATH may be a mere signpost of pyenv's that leads nowhere: each is tried
    found = [shutil.which("python2.7"), *sorted(pyenv.glob("2.7*/bin/python2.7"), reverse=True), "/usr/bin/python2.7"]
    for python in filter(None, map(str, filter(None, found))):
        if os.path.exists(python):
            probe = [python, "-c", "import pip, sys; sys.stdout.write(sys.executable)"]
            done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 0:
                return done.stdout
    return ""


def _install_old(place: Path) -> str:
    python, lib = old_python(), place / "lib"
    if not python:
        return "it needs a Python 2.7 with pip, and this machine has none"
    shutil.rmtree(place, ignore_errors=True)
    (place / "bin").mkdir(parents=True)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-warn-script-location", "--require-hashes"]
    fault = _run([python, "-m", "pip", "install", *options, "--target", str(lib), "-r", str(LOCKS / f"{OLD}.txt")])
    if fault:
        return fault
    # pip leaves a namespace without its file, which this Python then does not see
    (lib / "zope" / "__init__.py").touch()
    program(OLD).write_text(_START.format(python=python, lib=str(lib)))
    program(OLD).chmod(0o755)
    return ""


def _call(arguments: list[str]) -> str:
    return _run([str(UV), *arguments])


def _run(command: list[str]) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ.setdefault("UV_SYSTEM_CERTS", "1")
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environ)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason was given"])[-1]


def _install(name: str, place: Path) -> str:
    return _call(["venv", "--quiet", "--clear", "--python", sys.executable, str(place)]) or _call(
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(place), str(LOCKS / f"{name}.txt")]
    )


def install(say: Callable[[str], None], names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Install what is missing; returns tool -> why it could not be installed."""
    faults = {}
    for name in names:
        with alone("attack-tools"):
            if ready(name):
                continue
            say(f"attack: installing {name} into .tools")
            place = HOME / name
            fault = _install_old(place) if name == OLD else _install(name, place)
            if fault:
                faults[name] = fault
                say(f"attack: {name} could not be installed: {fault}")
            else:
                (place / "stamp").write_text(_mark(name))
    return faults
