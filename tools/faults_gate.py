"""Hold docs/security/faults.md to the tests: every fault has one, and the table names those that exist.

A test belongs to a fault when its function's name begins with `test_` and the fault's id (`test_T07_a_token_for_…`); a
browser or TypeScript test when its title does. Run it with `--write` to fill in the table's last column.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import house

FAMILIES = {"T": 21, "W": 33, "N": 14, "A": 10}
""" letter -> how many faults it has """
IDS = tuple(f"{letter}{number:02}" for letter, count in FAMILIES.items() for number in range(1, count + 1))
PAGE = Path("docs/security/faults.md")
MISSING: frozenset[str] = frozenset()
"""Faults without a test so far. This may only shrink."""

_ROW = re.compile(r"^\| ([A-Z]\d\d) \| (.+?) \| ([^|]*) \|$", re.MULTILINE)
_ID = re.compile(r"[A-Z]\d\d")
_TITLE = re.compile(r"""\b(?:it|test)\(\s*["'`]([A-Z]\d\d(?: [A-Z]\d\d)*)\b""")


def ids_of(name: str) -> list[str]:
    """The faults a test's name begins with: `test_A04_A05_the_witness_…` has two."""
    found: list[str] = []
    if not name.startswith("test_"):
        return found
    for part in name.removeprefix("test_").split("_"):
        if not _ID.fullmatch(part):
            break
        found.append(part)
    return found


def tests_by_fault(root: Path, files: list[Path]) -> dict[str, list[str]]:
    """fault -> the tests that name it, sorted; an unknown id is kept, so that it can be complained about."""
    found: dict[str, set[str]] = {}
    for path in files:
        if path.suffix == ".py" and path.name.startswith("test_"):
            for node in ast.walk(ast.parse((root / path).read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    for fault in ids_of(node.name):
                        found.setdefault(fault, set()).add(node.name)
        elif path.suffix in {".ts", ".tsx"} and ".test." in path.name:
            for title in _TITLE.findall((root / path).read_text()):
                for fault in title.split():
                    found.setdefault(fault, set()).add(path.name)
    return {fault: sorted(tests) for fault, tests in found.items()}


def rows(page: str) -> dict[str, tuple[str, str]]:
    """fault -> (what is done and what must hold, the tests in the table)."""
    return {fault: (text, tests.strip()) for fault, text, tests in _ROW.findall(page)}


def column(tests: list[str]) -> str:
    """The last column of a fault's row."""
    return ", ".join(f"`{test}`" for test in tests) or "none yet"


def filled(page: str, tests: dict[str, list[str]]) -> str:
    """The page with its last column as the tests are."""
    return _ROW.sub(lambda row: f"| {row[1]} | {row[2]} | {column(tests.get(row[1], []))} |", page)


def faults(page: str, tests: dict[str, list[str]], missing: frozenset[str] = MISSING) -> Iterator[str]:
    """What is wrong, one line each."""
    table = rows(page)
    for fault in sorted(set(IDS) - set(table)):
        yield f"{PAGE}: {fault} has no row"
    for fault in IDS:
        if fault not in tests and fault not in missing:
            yield f"{fault}: no test has it in its name"
        if fault in tests and fault in missing:
            yield f"{fault}: has a test now; take it out of MISSING in tools/faults_gate.py"
    for fault, names in sorted(tests.items()):
        if fault[0] in FAMILIES and fault not in IDS:
            yield f"{names[0]}: there is no fault {fault}"
    if page != filled(page, tests):
        yield f"{PAGE}: the tests have changed; run `python tools/faults_gate.py --write`"


def main(arguments: list[str]) -> int:
    """Print what is wrong; 1 when something is. `--write` fills in the table first."""
    tests = tests_by_fault(house.ROOT, house.tracked(house.ROOT))
    page = (house.ROOT / PAGE).read_text()
    if arguments == ["--write"]:
        page = filled(page, tests)
        (house.ROOT / PAGE).write_text(page)
    wrong = list(faults(page, tests))
    print(f"{sum(fault in tests for fault in IDS)} of {len(IDS)} faults have a test")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
