"""The package as strangers get it: the wheel builds, needs numpy alone, and its README's example runs from it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parents[2]
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    uv = shutil.which("uv", path=f"{HERE.parent / '.uv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("needs uv to build the wheel: it has NOT been built")
    out = tmp_path_factory.mktemp("wheel")
    command = [uv, "build", "--wheel", "--quiet", "--offline", "--out-dir", str(out), str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0 and "network" in done.stderr:
        pytest.skip("the build backend is not in uv's cache: the wheel has NOT been built")
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An interpreter that sees the wheel's content and numpy, and nothing else that is installed here."""
    place = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    for part in Path(np.__file__).parents[1].glob("numpy*"):
        (place / part.name).symlink_to(part, target_is_directory=part.is_dir())
    start = f"import sys; sys.path.insert(0, {str(place)!r}); exec(compile(sys.stdin.read(), 'stdin', 'exec'))"
    return [sys.executable, "-I", "-S", "-c", start]


def run(python: list[str], source: str) -> str:
    done = subprocess.run(python, input=source, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_needs_numpy_alone_and_names_its_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        words = Parser().parsestr(archive.read(name).decode())
    needed = [line for line in words.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [re.split(r"[<>=!~ ;]", line)[0] for line in needed] == ["numpy"]
    assert set(words.get_all("Provides-Extra", [])) == {"live", "parquet"}
    assert (words["License-Expression"], words["Description-Content-Type"]) == ("Apache-2.0", "text/markdown")


def test_the_wheel_carries_its_types_and_its_licence_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "mt5sim/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert all(name.split("/")[0] in ("mt5sim", names[-1].split("/")[0]) for name in names)


def test_the_installed_wheel_imports_numpy_and_nothing_else_that_is_not_pythons_own(python: list[str]) -> None:
    script = "import mt5sim, sys; print(sorted({m.partition('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    assert run(python, script).strip() in ("['__main__', 'mt5sim', 'numpy']", "['mt5sim', 'numpy']")


def test_the_example_of_the_readme_runs(python: list[str]) -> None:
    (example, *_) = PYTHON_BLOCK.findall((HERE / "README.md").read_text("utf-8"))
    printed = run(python, example)
    assert printed.startswith("Done\n10009 ")
    assert "TradePosition(ticket=" in printed
    assert "\nTrue " in printed
