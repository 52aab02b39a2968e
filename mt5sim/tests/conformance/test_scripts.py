"""A script of the documentation's shape runs unchanged: written for the package, on whichever module is under test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[[list[str], Path], str]
SCRIPT = Path(__file__).parent / "quickstart_script.txt"


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Python with these words in this folder; what it prints."""

    def python(words: list[str], folder: Path) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return python


def assert_traded(printed: str) -> None:
    """Every step of the script has said that it went well."""
    for words in ("check 0 Done", "opened 10009", "closed 10009", "left 0", "deals [0, 1]"):
        assert words in printed, printed


@pytest.fixture
def script(real: bool, tmp_path: Path) -> Path:
    if real:
        pytest.skip("the script trades; run it by hand on a demo account: NOT tested")
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.read_text("utf-8"), "utf-8")
    return file


def test_a_script_runs_with_its_import_changed_and_nothing_else(run: Run, script: Path) -> None:
    source = script.read_text("utf-8")
    script.write_text(source.replace("import MetaTrader5 as mt5", "import mt5sim as mt5"), "utf-8")
    assert_traded(run([str(script)], script.parent))


def test_a_script_runs_unchanged_where_the_simulator_stands_in_under_the_packages_name(run: Run, script: Path) -> None:
    alias = f"import sys, runpy, mt5sim; sys.modules['MetaTrader5'] = mt5sim; runpy.run_path({str(script)!r})"
    assert_traded(run(["-c", alias], script.parent))


def test_a_script_runs_unchanged_when_the_simulator_starts_it(run: Run, script: Path) -> None:
    """Its arguments, its name and its folder are those that it would have by itself."""
    (script.parent / "beside.py").write_text("WORD = 'beside'\n")
    more = "\nimport sys, beside\nprint(sys.argv[1:], __name__, beside.WORD)\n"
    script.write_text(script.read_text("utf-8") + more, "utf-8")
    printed = run(["-m", "mt5sim", str(script), "--fast", "1"], script.parent.parent)
    assert_traded(printed)
    assert "['--fast', '1'] __main__ beside" in printed


def test_the_simulator_says_how_it_is_started_when_it_is_given_no_script(real: bool, environ: dict[str, str]) -> None:
    if real:
        pytest.skip("the simulator's own")
    command = [sys.executable, "-m", "mt5sim"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ)
    assert (done.returncode, done.stderr.strip()) == (2, "usage: python -m mt5sim SCRIPT [ARGUMENTS]")
