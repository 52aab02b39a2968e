"""The page of requirements: what the gate over it finds."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def asvs(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("asvs")


def page(asvs: ModuleType, changed: dict[str, str]) -> str:
    lines = []
    for text, star in ((asvs.LEVELS_1_AND_2, ""), (asvs.LEVEL_3, " *")):
        for identity in asvs.ids(text):
            rest = changed.get(identity, "held | `test_x` |  |")
            lines.append(f"| v5.0.0-{identity}{star} | {rest}" if rest else "")
    body = "\n".join(lines)
    return f"{asvs.summary(body)}\n{body}\n"


def said(asvs: ModuleType, tmp_path: Path, changed: dict[str, str]) -> list[str]:
    return list(asvs.faults(page(asvs, changed), {"test_x"}, {"T07": ["test_T07_y"]}, tmp_path))


def test_the_list_has_the_202_requirements_of_levels_1_and_2(asvs: ModuleType) -> None:
    wanted = asvs.ids(asvs.LEVELS_1_AND_2)
    assert len(wanted) == len(set(wanted)) == 202
    assert not set(wanted) & set(asvs.ids(asvs.LEVEL_3))


def test_a_full_page_is_right(asvs: ModuleType, tmp_path: Path) -> None:
    assert said(asvs, tmp_path, {}) == []
    assert said(asvs, tmp_path, {"9.2.3": "held | `T07` |  |"}) == []


def test_a_missing_line_is_named(asvs: ModuleType, tmp_path: Path) -> None:
    assert any("9.2.3 has no line" in line for line in said(asvs, tmp_path, {"9.2.3": ""}))


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("held |  |  |", "names no proof"),
        ("held | `test_gone` |  |", "does not exist"),
        ("held | `T99` |  |", "does not exist"),
        ("held | `tools/gone.py` |  |", "does not exist"),
        ("open |  |  |", "say what is missing"),
        ("partly | `test_x` |  |", "say what is missing"),
        ("fine | `test_x` |  |", "is none of"),
    ],
)
def test_a_line_that_proves_nothing_is_named(asvs: ModuleType, tmp_path: Path, rest: str, says: str) -> None:
    assert any(says in line for line in said(asvs, tmp_path, {"9.2.3": rest}))


def test_sums_that_are_not_those_of_the_lines_are_refused(asvs: ModuleType, tmp_path: Path) -> None:
    text = page(asvs, {}).replace("Of 2", "Of 1")
    assert any("sums" in line for line in asvs.faults(text, {"test_x"}, {}, tmp_path))
