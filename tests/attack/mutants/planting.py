"""Plant a hole in a copy of the sources and see whether the suite named for it goes red.

The copy stands before the installed packages on PYTHONPATH; nothing in the product knows about it. A hole whose text is
no longer found is a failure: somebody moved the check, and nobody knows any more whether its removal would be noticed.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 300.0
STOPS_WITHIN_S = 60.0
ALL_LIMIT_S = 1_200.0
"""For the tests of all holes in one run."""
AT_ONCE = 2
SUMMARY = re.compile(r"^(?:.* )?(\d+) failed\b.* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True)
class Hole:
    """One check removed."""

    name: str
    """ what is no longer checked, in words """
    file: str
    """ from the root """
    edits: tuple[tuple[str, str], ...]
    """ (text that stands there exactly once, what replaces it) """
    caught_by: tuple[str, ...]
    """ arguments of pytest: the tests that must go red """


@dataclass(frozen=True)
class Verdict:
    """What became of a hole."""

    hole: Hole
    caught: bool
    story: str


def plant(hole: Hole, folder: Path) -> str:
    """Copy the package into `folder` and make the hole; returns why it can't be made, or nothing."""
    source = ROOT / hole.file
    if not source.is_file():
        return f"{hole.file} is not there any more"
    package = source.parent
    while (package.parent / "__init__.py").exists() or package.parent.name != "src":
        package = package.parent
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / source.relative_to(package)
    text = target.read_text()
    for before, after in hole.edits:
        found = text.count(before)
        if found != 1:
            return f"its text stands {found} times in {hole.file}, not once: {before!r}"
        text = text.replace(before, after)
    if target.suffix == ".py":
        compile(text, str(target), "exec")
    target.write_text(text)
    return ""


def run_pytest(
    arguments: tuple[str, ...], first: Path | None = None, limit_s: float = LIMIT_S
) -> "subprocess.CompletedProcess[str]":
    """Run pytest on these arguments, with `first` before all packages."""
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "ATTACK")}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a second less for each hole
    if first is not None:
        environ["PYTHONPATH"] = str(first)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "--no-header",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_asyncio.plugin",
    ]
    with subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            said = running.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            # asked, not killed: the platforms that it started must not live on
            running.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.communicate(timeout=STOPS_WITHIN_S)
            running.kill()
            raise
    return subprocess.CompletedProcess(running.args, running.returncode, *said)


def judge(hole: Hole, folder: Path) -> Verdict:
    """Plant one hole and try it."""
    folder.mkdir(parents=True)
    if fault := plant(hole, folder):
        return Verdict(hole, False, fault)
    try:
        done = run_pytest(hole.caught_by, folder)
    except subprocess.TimeoutExpired:
        return Verdict(hole, False, f"the tests did not end within {LIMIT_S:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # a test that failed; an import error or an empty selection is no proof of anything
    caught = done.returncode == 1 and SUMMARY.search(done.stdout) is not None
    return Verdict(hole, caught, done.stdout[-1_500:] + done.stderr[-500:])


def judge_all(holes: tuple[Hole, ...], folder: Path) -> list[Verdict]:
    """Try all of them, two at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda pair: judge(pair[1], folder / str(pair[0])), enumerate(holes)))
