"""The programs that attack us and that we did not write: each pinned by hash in an environment of its own below .tools.

They are installed and run, never imported and never shipped: their licences bind them and not the platform.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".tools"
LOCKS = ROOT / "tests" / "attack" / "locks"
UV = ROOT / ".uv" / "bin" / "uv"
NAMES = ("schemathesis", "sslyze", "sqlmap")
LIMIT_S = 600


def program(name: str) -> Path:
    """Where a tool's program is once it is installed."""
    return HOME / name / "bin" / name


def _mark(name: str) -> str:
    return hashlib.sha256(f"{sys.version} {(LOCKS / f'{name}.txt').read_text()}".encode()).hexdigest()


def ready(name: str) -> bool:
    """Whether exactly the locked version is installed."""
    stamp = HOME / name / "stamp"
    return stamp.is_file() and stamp.read_text() == _mark(name) and program(name).exists()


def _call(arguments: list[str]) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ.setdefault("UV_SYSTEM_CERTS", "1")
    done = subprocess.run(
        [str(UV), *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environ
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason was given"])[-1]


def install(say: Callable[[str], None], names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Install what is missing; returns tool -> why it could not be installed."""
    faults = {}
    for name in names:
        if ready(name):
            continue
        say(f"attack: installing {name} into .tools")
        place = HOME / name
        fault = _call(["venv", "--quiet", "--clear", "--python", sys.executable, str(place)]) or _call(
            ["pip", "sync", "--quiet", "--require-hashes", "--python", str(place), str(LOCKS / f"{name}.txt")]
        )
        if fault:
            faults[name] = fault
            say(f"attack: {name} could not be installed: {fault}")
        else:
            (place / "stamp").write_text(_mark(name))
    return faults
