"""The gate that ties every fault to a test: what it finds, and what it complains about."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def gate(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("faults_gate")


def page(gate: ModuleType, tests: dict[str, list[str]]) -> str:
    text: str = gate.filled("".join(f"| {fault} | a → b | none yet |\n" for fault in gate.IDS), tests)
    return text


def test_a_name_may_begin_with_several_faults(gate: ModuleType) -> None:
    assert gate.ids_of("test_A04_A05_the_witness_shows_it") == ["A04", "A05"]
    assert gate.ids_of("test_an_A04_in_the_middle_counts_for_nothing") == []


def test_tests_of_python_and_of_the_browser_are_found(gate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("async def test_T07_a_token():\n    ...\n\ndef T08_no_test():\n    ...\n")
    (tmp_path / "page.test.ts").write_text('it("W06 a script is shown as text", () => {});')
    (tmp_path / "notes.py").write_text("def test_T09_not_in_a_test_file():\n    ...\n")
    found = gate.tests_by_fault(tmp_path, [Path("test_x.py"), Path("page.test.ts"), Path("notes.py")])
    assert found == {"T07": ["test_T07_a_token"], "W06": ["page.test.ts"]}


def test_a_fault_without_a_test_is_named_unless_it_is_listed(gate: ModuleType) -> None:
    tests = {fault: [f"test_{fault}_x"] for fault in gate.IDS if fault != "A05"}
    assert list(gate.faults(page(gate, tests), tests, frozenset())) == ["A05: no test has it in its name"]
    assert list(gate.faults(page(gate, tests), tests, frozenset({"A05"}))) == []


def test_the_list_may_only_shrink(gate: ModuleType) -> None:
    tests = {fault: [f"test_{fault}_x"] for fault in gate.IDS}
    (line,) = gate.faults(page(gate, tests), tests, frozenset({"T01"}))
    assert "take it out" in line


def test_a_table_that_tells_of_other_tests_is_refused(gate: ModuleType) -> None:
    tests = {fault: [f"test_{fault}_x"] for fault in gate.IDS}
    stale = page(gate, {**tests, "N01": ["test_N01_gone"]})
    (line,) = gate.faults(stale, tests, frozenset())
    assert "--write" in line


def test_a_test_of_an_unknown_fault_is_refused(gate: ModuleType) -> None:
    tests = {fault: [f"test_{fault}_x"] for fault in gate.IDS} | {"A77": ["test_A77_x"]}
    assert list(gate.faults(page(gate, tests), tests, frozenset())) == ["test_A77_x: there is no fault A77"]


def test_a_fault_without_a_row_is_named(gate: ModuleType) -> None:
    tests = {fault: [f"test_{fault}_x"] for fault in gate.IDS}
    text = page(gate, tests).replace("| W01 |", "| W99 |")
    assert any("W01 has no row" in line for line in gate.faults(text, tests, frozenset()))
