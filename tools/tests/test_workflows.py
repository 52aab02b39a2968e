"""The workflows do what they say: pinned, modest in rights, and made of commands that exist and can fail."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import test_count  # noqa: E402

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^\s*- uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
REPORT = """<testsuites><testsuite>
<testcase classname="a.test_x" name="test_one"/><testcase classname="a.test_x" name="test_two[windows]"/>
<testcase classname="a.test_x" name="test_three"><skipped message="NOT RUN here"/></testcase>
</testsuite></testsuites>"""


def workflow(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in workflow(path)["jobs"].values():
        yield from job["steps"]


def commands(path: Path) -> list[list[str]]:
    """Every line that is run, as words; what is set in front of a command is left out."""
    lines = [line for step in steps(path) for line in step.get("run", "").splitlines() if line.strip()]
    found = [shlex.split(line) for line in lines]
    return [words[next(i for i, word in enumerate(words) if "=" not in word) :] for words in found]


def ours(words: list[str]) -> list[str]:
    """The command behind `uv run --no-sync` and `.venv/bin/`."""
    rest = words[3:] if words[:3] == ["uv", "run", "--no-sync"] else words
    return [rest[0].removeprefix(".venv/bin/"), *rest[1:]]


def collected(arguments: list[str]) -> list[str]:
    kept = [word for word in arguments if not word.startswith(("--junitxml", "--terminal"))]
    plain = ["-qq", "--verbosity=-1", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    command = [sys.executable, "-m", "pytest", "--collect-only", *plain, *kept]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_there_is_one_for_linux_and_one_for_windows() -> None:
    assert [path.stem for path in FILES] == ["linux", "windows"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_and_rights_are_small(path: Path) -> None:
    uses = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.match(line)] == []
    found = workflow(path)
    assert found["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in path.read_text()
    assert "secrets." not in path.read_text()
    for step in steps(path):
        assert not step.get("continue-on-error")
        assert "if" not in step, "a step that may be left out proves nothing"
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_command_can_be_read_and_none_hides_its_failure(path: Path) -> None:
    for step in steps(path):
        text = step.get("run", "")
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
        assert not re.search(r"\|\||;\s*true|set \+e|\|\s", text), "it would pass although it failed"
    assert all("timeout-minutes" in job for job in workflow(path)["jobs"].values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_and_verb_that_is_named_exists(path: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in map(ours, commands(path)):
        if words[0] == "make":
            assert words[1] in verbs
        for word in words[1:]:
            if word.startswith(("client/", "mt5sim/", "tools/")):
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_run_of_tests_is_counted(path: Path) -> None:
    reports = re.findall(r"--junitxml=(\S+?)[\"\s]", path.read_text() + "\n")
    counted = [words[2] for words in map(ours, commands(path)) if words[:2] == ["python", "tools/test_count.py"]]
    assert sorted(reports) == sorted(counted)
    assert reports


def test_what_windows_has_to_prove_exists_under_these_names_and_in_these_numbers() -> None:
    listed = [ours(words) for words in commands(FILES[1])]
    runs = [words[1:] for words in listed if words[0] == "pytest"]
    counts = [words[3:] for words in listed if words[:2] == ["python", "tools/test_count.py"]]
    for arguments, count in zip(runs, counts, strict=True):
        there = collected(arguments)
        assert len(there) >= int(count[count.index("--least") + 1]), arguments
        for place, word in enumerate(count):
            part = count[place + 1].partition("[")[0] if word == "--must" else ""
            assert any(part in name for name in there), part


def test_the_environment_of_windows_is_in_the_lock() -> None:
    (wanted,) = [words for words in commands(FILES[1]) if words[:2] == ["uv", "sync"]]
    uv = ROOT / ".uv" / "bin" / "uv"
    if not uv.exists():
        pytest.skip(f"{uv} is missing: NOT TESTED whether the lock has what Windows installs")
    # the export reads the lock alone, and refuses one that does not fit the pyproject files
    command = [str(uv), "export", "-q", "--offline", *wanted[2:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("metatrader5==", "pyinstaller==", "pefile==", "pytest==", "tzdata=="):
        assert re.search(rf"^{name}", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["--least", "3", "--most-skipped", "1"], "only 2 tests have passed"),
        (["--least", "2", "--most-skipped", "0"], "at most 0 may be left out"),
        (["--least", "2", "--most-skipped", "1", "--must", "test_three"], "no test with 'test_three'"),
    ],
)
def test_the_counter_finds_what_was_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], fault: str
) -> None:
    report = tmp_path / "r.xml"
    report.write_text(REPORT)
    assert test_count.main([str(report), *more]) == 1
    assert fault in capsys.readouterr().out
    assert test_count.main([str(report), "--least", "2", "--most-skipped", "1", "--must", "two[windows]"]) == 0


def test_the_counter_takes_no_failure_and_no_missing_report(tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text(REPORT.replace("<skipped", "<failure").replace("/skipped", "/failure"))
    assert test_count.main([str(report), "--least", "1", "--most-skipped", "9"]) == 1
    assert test_count.main([str(tmp_path / "none.xml"), "--least", "0", "--most-skipped", "9"]) == 1
