"""The trader's guide has every message of the set-up as it is printed, and none that nothing prints."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "trader.md"
DESKTOP = ROOT / "client" / "desktop" / "src" / "desktop"
SOURCES = [
    *(ROOT / "client").glob("*/src/**/*.py"),
    *(ROOT / "kit" / "src").glob("**/*.py"),
    ROOT / "backend/central-hub/src/central_hub/domain/terminals.py",
    ROOT / "backend/central-hub/src/central_hub/cli/terminals.py",
    ROOT / "backend/data-bridge/src/data_bridge/domain/posture.py",
]
RAISED = {"Wrong", "Aborted", "MissingAnswer"}
ROW = re.compile(r"^\| (`+)(.+?)\1 \|")
LEAST = 60


def text_of(node: ast.expr) -> str:
    """What a literal prints, with `…` for each part that varies; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def printed(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.expr) and len(text := text_of(node)) > 8:
            yield " ".join(text.split())


def raised(path: Path) -> Iterator[str]:
    """The messages of the set-up's own refusals."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
            text = text_of(node.args[0])
            if re.sub(r"[…\W]", "", text):  # what only passes on another's words is that other's
                yield text


def advised() -> list[str]:
    tree = ast.parse((DESKTOP / "terminals.py").read_text())
    (table,) = [n for n in tree.body if isinstance(n, ast.AnnAssign) and getattr(n.target, "id", "") == "ADVICE"]
    assert isinstance(table.value, ast.Tuple | ast.List)
    return [text_of(row.elts[1]) for row in table.value.elts if isinstance(row, ast.Tuple)]


def causes() -> list[str]:
    """What keeps orders from going out, as the connector says it."""
    path = ROOT / "client/metatrader-connector/src/metatrader_connector/domain/readiness.py"
    (told,) = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef) and n.name == "causes"]
    adding = [n for n in ast.walk(told) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "append"]
    return [text_of(call.args[0]) for call in adding]


def required() -> set[str]:
    names = ("setup_steps.py", "questions.py", "terminals.py", "page_link.py")
    found = [text for name in names for text in raised(DESKTOP / name)]
    return {" ".join(text.split()) for text in (*found, *advised(), *causes())}


def listed() -> list[str]:
    return [match[2] for line in GUIDE.read_text().splitlines() if (match := ROW.match(line))]


def fits(message: str, text: str) -> bool:
    """Whether the source prints it: its fixed parts stand there, in this order."""
    place = 0
    for part in filter(None, (part.strip() for part in message.split("…"))):
        if (place := text.find(part, place)) < 0:
            return False
        place += len(part)
    return True


def test_every_message_of_the_guide_is_printed_by_something() -> None:
    texts = {text for path in SOURCES for text in printed(path)}
    assert len(listed()) >= LEAST
    assert [message for message in listed() if not any(fits(message, text) for text in texts)] == []


def test_every_refusal_of_the_set_up_is_explained_in_the_guide() -> None:
    there = listed()
    assert len(required()) >= 30
    assert sorted(text for text in required() if not any(fits(message, text) for message in there)) == []


def test_a_message_that_is_made_of_nothing_but_gaps_would_be_noticed() -> None:
    assert not fits("no such words", "other words")
    assert not fits("b … a", "a b")
    assert fits("There is no file …: give", "There is no file …: give the full path")
    assert all(len(message.replace("…", "").strip()) >= 12 for message in listed())


def test_every_check_of_the_doctor_is_in_the_guide() -> None:
    tree = ast.parse((DESKTOP / "doctor.py").read_text())
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Finding"]
    names = {text for call in calls if (text := text_of(call.args[0]))} | {"AutoTrading", "API permission", "broker"}
    assert len(names) >= 12
    assert sorted(name for name in names if f"| {name} |" not in GUIDE.read_text()) == []
