"""What the attack suites share: cases are counted, and shared data is found or the suite says that it is missing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHARED = ROOT.parent / "shared"
LONG = os.environ.get("ATTACK") == "long"
sys.path[:0] = [str(HERE), str(ROOT / "tools")]

from town import Town  # noqa: E402 it stands beside this file

import attack_tools  # noqa: E402 the tools are programs, not a package
from stage import Stage  # noqa: E402 the tools are programs, not a package

SETTINGS = {
    # https although it is loopback: what attackers meet elsewhere is what is attacked here
    "AITRADING_API_GATEWAY_TLS": "always",
    # otherwise most answers to a tool that asks a thousand times would be 429, and nothing behind that was tried
    "AITRADING_API_GATEWAY_READS_PER_MINUTE": "100000",
    "AITRADING_API_GATEWAY_CHANGES_PER_MINUTE": "100000",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is an attack."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("attack")


@pytest.fixture(scope="session")
def long() -> bool:
    """Whether time does not matter: `make attack-long`."""
    return LONG


Counted = Callable[[int, int], None]


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Say how many cases a test tried, and how many it must try at least: a gate that tried nothing is a failure."""

    def count(tried: int, least: int) -> None:
        record_property("cases", tried)
        assert tried >= least, f"only {tried} cases were tried, at least {least} belong here"

    return count


def shared(name: str) -> Path:
    """A file of the shared data beside the clone; the test is skipped, and says so, where there is none."""
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"NO SHARED DATA: needs ../shared/data/{name}, which is not part of the repository")
    return path


@pytest.fixture(scope="session")
def wycheproof() -> Callable[[str], Path]:
    """Where a file of Wycheproof's vectors is (C2SP/wycheproof, Apache-2.0)."""
    return lambda name: shared(f"wycheproof/{name}.json")


_open: list[Town] = []


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The whole platform, started once for all suites that one process runs one after the other."""
    if not _open:
        fresh = Town(Stage(tmp_path_factory.mktemp("town") / "data", environ=SETTINGS))
        try:
            fresh.open()
        except BaseException:
            fresh.stage.stop()
            raise
        _open.append(fresh)
    return _open[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Nothing of it runs beside the tests of others."""
    if _open and (nextitem is None or HERE not in nextitem.path.parents):
        _open.pop().stage.stop()


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The program of a tool that others wrote; installed when it is missing, and skipped aloud when it can't be."""

    def find(name: str) -> str:
        if not attack_tools.ready(name) and (fault := attack_tools.install(print, (name,))):
            pytest.skip(f"NO {name.upper()}: it could not be installed ({fault[name]})")
        return str(attack_tools.program(name))

    return find
