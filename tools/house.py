"""The rules of the house that no linter knows: sizes, rooms, cards, ports, words."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.ports import PORTS

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = {".py": 400, ".ts": 250, ".tsx": 250, ".mjs": 250}
MAX_TEST_LINES = 600
MAX_CARD_LINES = 40
SERVICES = {
    "api-gateway": "backend/api-gateway",
    "data-bridge": "backend/data-bridge",
    "trading-engine": "backend/trading-engine",
    "database-service": "backend/database-service",
    "central-hub": "backend/central-hub",
    "metatrader-connector": "client/metatrader-connector",
    "config-manager": "client/config-manager",
    "data-collector": "client/data-collector",
    "security": "client/security",
}
VAGUE = re.compile(r"(^|/)(utils?|helpers?|common|misc|[a-z_]+_core)\.py$")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b|raise NotImplementedError")
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.")


def tracked(root: Path) -> list[Path]:
    """Files that git knows or would add, relative to the root; generated and ignored ones are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [Path(name) for name in listed if (root / name).is_file()]


def version(root: Path) -> str:
    """The version of the whole, from pyproject.toml."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def _is_test(path: Path) -> bool:
    return "tests" in path.parts or ".test." in path.name


def sizes(root: Path, files: list[Path]) -> Iterator[str]:
    """A file has one subject, and a reader sees all of it."""
    for path in files:
        limit = MAX_LINES.get(path.suffix)
        if limit is None or path.parts[:2] == ("web", "contracts"):
            continue
        limit = MAX_TEST_LINES if _is_test(path) else limit
        lines = len((root / path).read_text().splitlines())
        if lines > limit:
            yield f"{path}: {lines} lines, the limit is {limit}; split it by what changes together"


def openings(root: Path, files: list[Path]) -> Iterator[str]:
    """One sentence opens every module."""
    for path in files:
        if path.suffix == ".py" and (root / path).stat().st_size:
            tree = ast.parse((root / path).read_text())
            if not ast.get_docstring(tree) and not _is_test(path):
                yield f"{path}: the first line should say in one sentence what the module is for"


def names(_root: Path, files: list[Path]) -> Iterator[str]:
    """A newcomer finds any line by guessing its room; these names say nothing."""
    for path in files:
        if VAGUE.search(path.as_posix()):
            yield f"{path}: name it after its subject"


def unfinished(root: Path, files: list[Path]) -> Iterator[str]:
    """Nothing unfinished, no secrets."""
    for path in files:
        if path.suffix not in {".py", ".ts", ".tsx", ".mjs", ".md", ".toml", ".yaml", ".yml", ".sh", ".sql"}:
            continue
        if path.name == "house.py":
            continue
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{path}:{number}: unfinished"
            if SECRET.search(line):
                yield f"{path}:{number}: looks like a secret"


def rooms(root: Path, _files: list[Path]) -> Iterator[str]:
    """The same rooms in every service."""
    for folder in SERVICES.values():
        source = next((root / folder / "src").iterdir())
        for room in ("__init__.py", "__main__.py", "settings.py", "app.py"):
            if not (source / room).exists():
                yield f"{folder}: {room} is missing"


def cards(root: Path, _files: list[Path]) -> Iterator[str]:
    """A service card of at most 40 lines names the port of the one table."""
    for service, folder in SERVICES.items():
        card = root / folder / "README.md"
        if not card.exists():
            yield f"{folder}: README.md (the service card) is missing"
            continue
        text = card.read_text()
        if len(text.splitlines()) > MAX_CARD_LINES:
            yield f"{card.relative_to(root)}: a card has at most {MAX_CARD_LINES} lines"
        if str(PORTS[service]) not in text:
            yield f"{card.relative_to(root)}: does not name the service's port {PORTS[service]}"


def contracts_alone(root: Path, files: list[Path]) -> Iterator[str]:
    """`contracts` imports msgspec and nothing else; one file names MetaTrader5."""
    stdlib = {"array", "collections", "dataclasses", "decimal", "enum", "re", "sys", "typing"}
    metatrader = []
    for path in files:
        if path.suffix != ".py" or "src" not in path.parts:
            continue
        for node in ast.walk(ast.parse((root / path).read_text())):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
            for module in modules:
                top = module.split(".")[0]
                if path.parts[0] == "contracts" and top not in stdlib | {"msgspec", "contracts"}:
                    yield f"{path}: imports {module}"
                if top == "MetaTrader5":
                    metatrader.append(path)
    if len(set(metatrader)) > 1:
        yield "MetaTrader5 is imported by " + ", ".join(map(str, sorted(set(metatrader))))


def members(root: Path, _files: list[Path]) -> Iterator[str]:
    """Folder name = distribution name; what a member asks of others is pinned exactly."""
    projects = [
        root / folder / "pyproject.toml"
        for folder in (*SERVICES.values(), "client/desktop", "contracts", "kit", "mt5sim")
    ]
    ours = {project.parent.name for project in projects}
    for project in projects:
        data = tomllib.loads(project.read_text())["project"]
        if data["name"] != project.parent.name:
            yield f"{project.relative_to(root)}: name is {data['name']}, the folder says {project.parent.name}"
        for dependency in data.get("dependencies", []):
            if dependency.partition("[")[0] not in ours and "==" not in dependency and project.parent.name != "mt5sim":
                yield f"{project.relative_to(root)}: {dependency} is not pinned"


def architecture(root: Path, _files: list[Path]) -> Iterator[str]:
    """ARCHITECTURE.md names files that exist."""
    page = root / "ARCHITECTURE.md"
    if not page.exists():
        yield "ARCHITECTURE.md is missing"
        return
    for name in set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|ts|tsx|sql|mjs))`", page.read_text())):
        if not (root / name).exists():
            yield f"ARCHITECTURE.md names {name}, which does not exist"


RULES: list[tuple[str, Callable[[Path, list[Path]], Iterator[str]]]] = [
    ("sizes of files", sizes),
    ("a sentence opens every module", openings),
    ("names that say something", names),
    ("nothing unfinished, no secrets", unfinished),
    ("five rooms in every service", rooms),
    ("service cards and ports", cards),
    ("contracts stand alone, MetaTrader5 in one file", contracts_alone),
    ("members and their names", members),
    ("ARCHITECTURE.md is true", architecture),
]


def rules(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each rule with the faults it found."""
    files = tracked(root)
    for name, rule in RULES:
        yield name, list(rule(root, files))
