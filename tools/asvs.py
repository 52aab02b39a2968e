"""Hold docs/security/asvs.md to the tests: each applicable requirement of ASVS 5.0.0 has a line, and its proofs exist.

A proof is the name of a test, a fault of docs/security/faults.md, or a path in this repository. `--write` writes
the sums at the top of the page.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import faults_gate
import house

PAGE = Path("docs/security/asvs.md")
LEVELS_1_AND_2 = """
1.1.1-2 1.2.1-5 1.2.9 1.3.2-3 1.3.6-7 1.3.10 1.4.2 1.5.2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5
3.7.1-2 4.1.1-3 4.2.1 4.4.1-4 5.1.1 5.2.1-3 5.3.1-2 5.4.1-2 6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.2-3 7.1.1-2
7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1 9.1.1-3 9.2.1-4 10.1.1 10.3.1-4 10.4.5 10.4.8-9 11.1.1-2
11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1 12.1.1-3 12.2.1-2 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2
14.2.1-4 14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
"""
LEVEL_3 = """
1.2.10 1.3.12 1.5.3 2.3.5 2.4.2 3.4.7-8 3.6.1 4.1.4-5 5.2.5 5.3.3 6.3.5 6.3.7-8 6.5.6 7.5.3 8.3.2-3 10.3.5 11.2.4-5
11.3.4 12.3.5 13.1.2-3 13.2.6 13.3.4 13.4.6 15.2.4 15.4.1-4 16.5.4
"""
"""Of level 3 those that we hold ourselves to."""
STATES = {"held", "partly", "open", "n/a"}
_ROW = re.compile(r"^\| v5\.0\.0-([\d.]+)( \*)? \| (\S+) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_SUM = re.compile(r"^Of \d+ requirements .*$", re.MULTILINE)


def ids(text: str) -> list[str]:
    """`1.2.1-3` is three requirements."""
    found = []
    for word in text.split():
        head, _, last = word.partition("-")
        section, _, first = head.rpartition(".")
        found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def tests_in(root: Path, files: list[Path]) -> set[str]:
    """Every test function's name."""
    return {
        node.name
        for path in files
        if path.suffix == ".py" and path.name.startswith("test_")
        for node in ast.walk(ast.parse((root / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def summary(page: str) -> str:
    """The sums of the page's own lines."""
    states = Counter(state for _, _, state, _, _ in _ROW.findall(page))
    said = ", ".join(f"{states[state]} {word}" for state, word in
                     (("held", "are held"), ("partly", "are held in part"), ("open", "are open"),
                      ("n/a", "do not apply after all")))  # fmt: skip
    return f"Of {sum(states.values())} requirements {said}."


def faults(page: str, tests: set[str], by_fault: dict[str, list[str]], root: Path) -> Iterator[str]:
    """What is wrong, one line each."""
    rows = _ROW.findall(page)
    wanted = {**dict.fromkeys(ids(LEVELS_1_AND_2), ""), **dict.fromkeys(ids(LEVEL_3), " *")}
    seen = Counter(identity for identity, *_ in rows)
    for identity in wanted.keys() - seen.keys():
        yield f"{PAGE}: v5.0.0-{identity} has no line"
    for identity, star, state, proofs, note in rows:
        name = f"{PAGE}: v5.0.0-{identity}"
        if identity not in wanted or seen[identity] > 1:
            yield f"{name} is not on our list, or stands there twice"
        elif star != wanted[identity]:
            yield f"{name}: a star marks level 3"
        if state not in STATES:
            yield f"{name}: {state!r} is none of {', '.join(sorted(STATES))}"
        named = re.findall(r"`([^`]+)`", proofs)
        if state in ("held", "partly") and not named:
            yield f"{name} is {state} and names no proof"
        if state != "held" and not note.strip():
            yield f"{name} is {state}: say what is missing or why"
        for proof in named:
            is_path = "/" in proof or "." in proof
            if not (proof in tests or proof in by_fault or (is_path and (root / proof).exists())):
                yield f"{name} names {proof}, which does not exist"
    if _SUM.search(page) is None or summary(page) not in page:
        yield f"{PAGE}: the sums are not those of its lines; run `python tools/asvs.py --write`"


def main(arguments: list[str]) -> int:
    """1 when a requirement has no line, or a line names what does not exist."""
    files = house.tracked(house.ROOT)
    page = (house.ROOT / PAGE).read_text()
    if arguments == ["--write"]:
        page = _SUM.sub(summary(page), page)
        (house.ROOT / PAGE).write_text(page)
    by_fault = faults_gate.tests_by_fault(house.ROOT, files)
    wrong = list(faults(page, tests_in(house.ROOT, files), by_fault, house.ROOT))
    for line in sorted(wrong):
        print(line)
    print(summary(page))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
