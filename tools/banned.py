"""What no source of ours may contain: ways to run what others wrote, to switch off checks, to weaken secrets.

ruff's security rules (those of bandit) run as well; these are the ones that may not be waved through, and the rule that
every exemption from theirs says why.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import house

CALLS = {
    "eval": "runs text as a program",
    "exec": "runs text as a program",
    "compile": "runs text as a program",
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "subprocess.getoutput": "runs a shell",
    "subprocess.getstatusoutput": "runs a shell",
    "asyncio.create_subprocess_shell": "runs a shell",
    "pickle.load": "runs what it reads",
    "pickle.loads": "runs what it reads",
    "marshal.loads": "runs what it reads",
    "shelve.open": "runs what it reads",
    "yaml.load": "runs what it reads",
    "yaml.unsafe_load": "runs what it reads",
    "ssl._create_unverified_context": "trusts everybody",
    "ssl._create_default_https_context": "trusts everybody",
    "tempfile.mktemp": "names a file that others may make first",
    "hashlib.md5": "is broken",
    "hashlib.sha1": "is broken",
    "random.seed": "is no secret",
}
""" call -> why not """
MODULES = {
    "pickle": "runs what it reads", "marshal": "runs what it reads", "shelve": "runs what it reads",
    "dill": "runs what it reads", "telnetlib": "speaks in the clear", "ftplib": "speaks in the clear",
    "xml.etree": "expands what it reads: use defusedxml", "lxml": "expands what it reads: use defusedxml",
}  # fmt: skip
""" module -> why not """
KEYWORDS = {("shell", True): "runs a shell", ("verify", False): "trusts everybody"}
NAMES = {"CERT_NONE": "trusts everybody", "CERT_OPTIONAL": "trusts whoever shows nothing"}
EXEMPT: dict[tuple[str, str], str] = {
    ("kit/src/kit/credentials.py", "hashlib.sha1"): "published lists of breached passwords are lists of SHA-1",
    ("client/data-collector/src/data_collector/adapters/parsers.py", "xml.etree"): "only its exception's name",
    ("backend/api-gateway/src/api_gateway/adapters/edge_tls.py", "CERT_OPTIONAL"): "people come without, programs may",
    ("kit/src/kit/tls.py", "CERT_OPTIONAL"): "a join asks for a certificate: the one path that may come without",
}
""" (file, what) -> why it is right there """
_NOQA = re.compile(r"#\s*noqa:\s*(S\d+(?:,\s*S\d+)*)(.*)$")


def name_of(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := name_of(node.value)):
        return f"{left}.{node.attr}"
    return ""


def uses(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, what, why not) of everything banned in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name in CALLS:
                yield node.lineno, name, CALLS[name]
            for keyword in node.keywords:
                if isinstance(keyword.value, ast.Constant):
                    pair = (keyword.arg, keyword.value.value)
                    for (wanted, value), why in KEYWORDS.items():
                        if pair[0] == wanted and pair[1] is value:
                            yield node.lineno, f"{wanted}={value}", why
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for module in modules:
                for banned, why in MODULES.items():
                    if module == banned or module.startswith(f"{banned}."):
                        yield node.lineno, banned, why
        elif isinstance(node, ast.Assign):
            for part in ast.walk(node.value):
                if isinstance(part, ast.Attribute) and part.attr in NAMES:
                    yield node.lineno, part.attr, NAMES[part.attr]
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            if off and any(name_of(target).endswith(".check_hostname") for target in node.targets):
                yield node.lineno, "check_hostname = False", "trusts every name"


def unexplained(text: str) -> Iterator[int]:
    """Lines that switch a security rule off without a word about why, beside it or above."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        exempt = _NOQA.search(line)
        above = number > 1 and lines[number - 2].lstrip().startswith("#")
        if exempt and not exempt[2].strip() and not above:
            yield number


def faults(root: Path, files: list[Path]) -> Iterator[str]:
    """One line for each use in our own sources; tests may do what they like."""
    looked = 0
    for path in files:
        if path.suffix != ".py" or "tests" in path.parts or path.parts[0] in {"tools", "conftest.py"}:
            continue
        looked += 1
        text = (root / path).read_text()
        for line, what, why in uses(ast.parse(text)):
            if (path.as_posix(), what) not in EXEMPT:
                yield f"{path}:{line}: {what} {why}"
        for line in unexplained(text):
            yield f"{path}:{line}: say why this security rule does not hold here"
    if looked < 100:
        yield f"only {looked} sources were looked at"


def main() -> int:
    """Print what is banned and there; 1 when something is."""
    wrong = list(faults(house.ROOT, house.tracked(house.ROOT)))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
