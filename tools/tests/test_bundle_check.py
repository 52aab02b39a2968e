"""What ships on Windows, looked at here: PyInstaller's programs and every compiled library of the client's wheels."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pefile
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import bundle_check  # noqa: E402

UV = ROOT / ".uv" / "bin" / "uv"
NO_NETWORK = re.compile(r"error sending request|dns error|failed to fetch|could not connect|timed out|connect", re.I)
WINDOWS = ("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11", "--only-binary", ":all:")


def uv(*arguments: str, cwd: Path = ROOT) -> str:
    if not UV.exists():
        pytest.skip(f"{UV} is missing: NOTHING of the Windows bundle has been tested")
    done = subprocess.run([str(UV), *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"no package registry: NOTHING of the Windows bundle has been tested ({done.stderr[-200:]})")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that Windows gets, by the lock file's hashes, laid out side by side."""
    folder = tmp_path_factory.mktemp("windows")
    listed = (
        "export",
        "-q",
        "--locked",
        "--package",
        "desktop",
        "--no-emit-workspace",
        "--no-dev",
        "--group",
        "bundle",
    )
    (folder / "wanted.txt").write_text(uv(*listed))
    assert "--hash=sha256:" in (folder / "wanted.txt").read_text()
    wanted = ("--require-hashes", "--target", str(folder / "at"), "-r", str(folder / "wanted.txt"))
    uv("pip", "install", "-q", *WINDOWS, *wanted, cwd=folder)  # not in the workspace: its constraints have no hashes
    return folder / "at"


@pytest.fixture
def bootloader(wheels: Path, tmp_path: Path) -> Path:
    """A copy of the program that a bundle begins with."""
    source = wheels / "PyInstaller" / "bootloader" / "Windows-64bit-intel" / "run.exe"
    return Path(shutil.copy(source, tmp_path / "aitrading-client.exe"))


def test_the_programs_of_a_bundle_have_aslr_dep_and_control_flow_guard(wheels: Path) -> None:
    programs = [
        wheels / "PyInstaller" / "bootloader" / "Windows-64bit-intel" / name for name in ("run.exe", "runw.exe")
    ]
    assert [bundle_check.faults(path) for path in programs] == [[], []]
    for path in programs:
        with pefile.PE(str(path), fast_load=True) as found:
            assert found.OPTIONAL_HEADER.DllCharacteristics & 0x4160 == 0x4160


def test_every_compiled_library_of_the_client_is_protected(wheels: Path) -> None:
    libraries = [
        path for path in wheels.rglob("*") if path.suffix in (".pyd", ".dll") and "PyInstaller" not in path.parts
    ]
    names = {path.name.partition(".")[0] for path in libraries}
    assert len(libraries) >= 30
    assert {"_core", "_multiarray_umath", "_rust", "picows"} <= names, names
    assert [fault for path in libraries for fault in bundle_check.faults(path)] == []


@pytest.mark.parametrize(
    ("bit", "fault"),
    [(0x0020, "high entropy"), (0x0040, "no ASLR"), (0x0100, "no DEP"), (0x4000, "Control Flow Guard")],
)
def test_each_missing_protection_is_named(bootloader: Path, bit: int, fault: str) -> None:
    with pefile.PE(str(bootloader)) as found:
        found.OPTIONAL_HEADER.DllCharacteristics &= ~bit
        changed = found.write()
    bootloader.write_bytes(changed)
    (said,) = bundle_check.faults(bootloader)
    assert fault in said


def test_a_program_that_can_not_be_moved_and_a_section_that_is_written_and_run_are_named(bootloader: Path) -> None:
    with pefile.PE(str(bootloader)) as found:
        found.OPTIONAL_HEADER.DATA_DIRECTORY[5].Size = 0
        found.sections[0].Characteristics |= 0x80000000
        changed = found.write()
    bootloader.write_bytes(changed)
    said = " ".join(bundle_check.faults(bootloader))
    assert "no relocations" in said
    assert ".text is both written and run" in said


def test_an_empty_folder_is_no_good_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle_check.main([str(tmp_path)]) == 1
    assert "only 0 .exe" in capsys.readouterr().out
    (tmp_path / "a.exe").write_bytes(b"MZ")
    assert bundle_check.main([str(tmp_path)]) == 1
    assert "is no program of Windows" in capsys.readouterr().out
